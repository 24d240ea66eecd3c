"""Sealing, rotation of key pairs, allow-lists, and the keys that are not accepted."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from graph.konaplate.encryption import CannotOpenError, Cipher, import_private_key, import_public_key
from graph.konaplate.pem import BadPemError
from tests.independent import jwe
from tests.konaplate.counted_key import counted_pair
from tests.konaplate.support import KEY_ID, pair, pem, vectors
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

CLEAR = '{"cardNo":"9491339400001234","name":"카드 ✓ 🙂"}'.encode()
OLD, NEW = "the-old-key-id", "the-new-key-id"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def compact_of(envelope: bytes) -> str:
    """The JWE of an envelope, whose only member it must be."""
    text = envelope.decode("ascii")
    compact: str = json.loads(text)["encData"]
    assert text == f'{{"encData":"{compact}"}}'
    return compact


def answer(owner: str, enc: str = "A128GCM") -> str:
    """A response sealed by another implementation."""
    return jwe.seal(CLEAR, pem(owner, private=False), enc)


@pytest.mark.parametrize("clear", [CLEAR, b"", b"\x00\xff" * 5_000], ids=["korean", "empty", "binary"])
def test_another_implementation_opens_what_is_sealed(clear: bytes) -> None:
    compact = compact_of(Cipher([pair()]).seal(clear))
    assert clear == jwe.unseal(compact, pem("server", private=True), "A128GCM")


def test_the_protected_header_is_byte_for_byte_that_of_working_clients() -> None:
    cipher = Cipher([pair()])
    headers = [jwe.b64url_strict(compact_of(cipher.seal(b"{}")).split(".")[0], "header") for _ in range(2)]
    assert headers == [b'{"enc":"A128GCM","alg":"RSA-OAEP-256"}'] * 2


def test_no_two_messages_share_a_content_key_or_an_iv() -> None:
    cipher = Cipher([pair()])
    messages = [compact_of(cipher.seal(CLEAR)).split(".") for _ in range(20)]
    assert len({parts[1] for parts in messages}) == len(messages)
    assert len({parts[2] for parts in messages}) == len(messages)


@pytest.mark.parametrize(
    ("key_id", "owner", "uses"),
    [
        (NEW, "client2", (1, 0)),
        (OLD, "client", (0, 1)),
        (NEW, "client", (1, 1)),
        (OLD, "client2", (1, 1)),
        ("unknown", "client2", (1, 0)),
        ("unknown", "client", (1, 1)),
        (None, "client2", (1, 0)),
        (None, "client", (1, 1)),
    ],
)
def test_the_key_id_of_an_answer_says_which_key_is_tried_first(
    key_id: str | None, owner: str, uses: tuple[int, int]
) -> None:
    (new_pair, new), (old_pair, old) = counted_pair(NEW, opens="client2"), counted_pair(OLD)
    assert Cipher([new_pair, old_pair]).open(answer(owner), key_id) == CLEAR
    assert uses == (new.operations, old.operations)


def test_a_message_for_neither_key_is_refused_after_both() -> None:
    (new_pair, new), (old_pair, old) = counted_pair(NEW, opens="client2"), counted_pair(OLD)
    with pytest.raises(CannotOpenError):
        Cipher([new_pair, old_pair]).open(answer("server"), None)
    assert (new.operations, old.operations) == (1, 1)


def test_the_first_pair_seals_and_names_itself() -> None:
    first, second = pair(NEW, opens="client2"), pair(OLD)
    assert [Cipher([first, second]).key_id, Cipher([second, first]).key_id] == [NEW, OLD]


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
def test_the_only_allowed_content_encryption_is_sent_and_the_other_refused(enc: str) -> None:
    other = {"A128GCM": "A256GCM", "A256GCM": "A128GCM"}[enc]
    key_pair, key = counted_pair()
    cipher = Cipher([key_pair], content_encryptions=(enc,))
    assert jwe.unseal(compact_of(cipher.seal(CLEAR)), pem("server", private=True), enc) == CLEAR
    with pytest.raises(CannotOpenError):
        cipher.open(answer("client", other), KEY_ID)
    assert key.operations == 0
    assert cipher.open(answer("client", enc), KEY_ID) == CLEAR


def test_plain_rsa_oaep_is_spoken_only_when_it_is_allowed() -> None:
    (sha1,) = (case for case in vectors("jwe.json")["hostile"] if case["name"] == "alg RSA-OAEP")
    key_pair, key = counted_pair()
    cipher = Cipher([key_pair], algorithms=("RSA-OAEP",))
    assert b'"serviceId":"100000000000001"' in cipher.open(sha1["compact"], KEY_ID)
    with pytest.raises(CannotOpenError):
        cipher.open(answer("client"), KEY_ID)
    assert key.operations == 1
    header = jwe.b64url_strict(compact_of(cipher.seal(CLEAR)).split(".")[0], "header")
    assert header == b'{"enc":"A128GCM","alg":"RSA-OAEP"}'


def text_of(
    key: PrivateKey,
    password: bytes | None = None,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
) -> str:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


def public_text_of(key: PrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


SMALL = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()
CLIENT = rsa.generate_private_key(65537, 2048)
NOT_PEM = "is not PEM text"
CUT = "is damaged: its last line is missing"
DAMAGED = "is damaged: its content is not a private key"
LOCKED = "is protected by a passphrase; use one without"
GARBAGE = "garbage-canary"
CERTIFICATE = trustme.CA().cert_pem.bytes().decode()
# A SubjectPublicKeyInfo of the unknown algorithm 1.2.3.4.
OF_NO_ALGORITHM = "-----BEGIN PUBLIC KEY-----\nMA0wBwYDKgMEBQADAgAA\n-----END PUBLIC KEY-----\n"

REFUSED = {
    "garbage": ("-----BEGIN garbage-canary", True, NOT_PEM),
    "garbage within": (f"-----BEGIN PRIVATE KEY-----\n{GARBAGE}\n-----END PRIVATE KEY-----", True, DAMAGED),
    "nothing": ("", True, NOT_PEM),
    "not UTF-8": ("\ud800", True, NOT_PEM),
    "cut short": (text_of(CLIENT)[:400], True, CUT),
    "cut short, public": (public_text_of(CLIENT)[:100], False, CUT),
    "locked": (text_of(CLIENT, b"password"), True, LOCKED),
    "locked in the old form": (
        text_of(CLIENT, b"password", serialization.PrivateFormat.TraditionalOpenSSL),
        True,
        LOCKED,
    ),
    "of OpenSSH": (
        text_of(CLIENT, form=serialization.PrivateFormat.OpenSSH),
        True,
        "is an OpenSSH private key where PKCS #8 is needed",
    ),
    "a certificate": (CERTIFICATE, True, "is a certificate where a private key is needed"),
    "a certificate, public": (CERTIFICATE, False, "is a certificate where a public key is needed"),
    "elliptic curve": (text_of(ELLIPTIC), True, "is an elliptic-curve key where an RSA key is needed"),
    "elliptic curve, public": (
        public_text_of(ELLIPTIC),
        False,
        "is an elliptic-curve key where an RSA key is needed",
    ),
    "edwards curve": (text_of(EDWARDS), True, "is an Ed25519 key where an RSA key is needed"),
    "of no known algorithm": (OF_NO_ALGORITHM, False, "is a key of an unknown type"),
    "1024 bits": (text_of(SMALL), True, "has 1024 bits; at least 2048 are needed"),
    "1024 bits, public": (public_text_of(SMALL), False, "has 1024 bits; at least 2048 are needed"),
    "public for private": (public_text_of(CLIENT), True, "is a public key where a private key is needed"),
    "private for public": (text_of(CLIENT), False, "is a private key where a public key is needed"),
}


@table(("text", "private", "reason"), REFUSED.values())
def test_a_key_that_cannot_be_used_is_refused_without_repeating_it(text: str, private: bool, reason: str) -> None:
    with pytest.raises(BadPemError) as caught:
        (import_private_key if private else import_public_key)(text)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert reason == str(caught.value)
    assert [line for line in text.splitlines() if line and line in shown] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n   "),
        lambda text: f"Bag Attributes\n    friendlyName: 클라이언트\n{text}",
        lambda text: CERTIFICATE + text,
    ],
    ids=["CRLF", "indented", "a preamble", "a certificate before it"],
)
def test_what_stands_around_a_key_does_not_matter(spoil: Callable[[str], str]) -> None:
    assert import_private_key(spoil(text_of(CLIENT))).key_size == 2048
    assert import_public_key(spoil(public_text_of(CLIENT))).key_size == 2048


def test_a_key_of_2048_bits_is_taken_in_both_of_its_forms() -> None:
    legacy = CLIENT.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    assert [import_private_key(text).key_size for text in (text_of(CLIENT), legacy)] == [2048] * 2
    assert import_public_key(public_text_of(CLIENT)).key_size == 2048


def test_a_key_pair_shows_no_key() -> None:
    shown = repr(pair()) + str(pair())
    secret = [line for line in pem("client", private=True).splitlines() if not line.startswith("-")]
    assert [line for line in secret if line in shown] == []
    assert str(pair().open_with.private_numbers().d) not in shown
