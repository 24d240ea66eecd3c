"""Only the documented profile is opened; the rest is rejected, mostly before the private key is used."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.konaplate.encryption import CannotOpenError, Cipher
from tests.independent import jwe
from tests.konaplate.counted_key import counted_pair
from tests.konaplate.support import CARD, KEY_ID, deterministic, leaks, pair, pem, vectors
from tests.tables import table

VALID = vectors("jwe.json")["valid"]
HOSTILE = vectors("jwe.json")["hostile"]
FOR_THE_CLIENT = next(case for case in VALID if case["name"] == "answer with A128GCM")
NEEDS_THE_KEY = {
    "tampered tag",
    "tampered ciphertext",
    "tampered IV",
    "tampered encrypted key",
    "tampered protected header",
    "wrong recipient",
}
"""Messages that only a private-key operation can tell from good ones; the others break header or form."""

GOOD = {"enc": "A128GCM", "alg": "RSA-OAEP-256"}
ODD_VALUES: list[object] = [None, True, 0, 1.5, "", [], ["RSA-OAEP-256"], ["A128GCM"], {}, {"A128GCM": 1}, "none"]

ODD_IDS: list[object] = [None, 5, [], {}]
FOREIGN_MEMBERS: dict[str, object] = {
    "zip": None,
    "crit": [],
    "jwk": {"kty": "RSA"},
    "jku": "https://elsewhere.test/keys",
    "x5u": "https://elsewhere.test/cert",
    "x5c": [],
    "epk": {},
    "p2c": 1,
    "b64": True,
    "": "",
}


def crafted(header: bytes, plaintext: bytes = b"{}", *, cek: int = 16, iv: int = 12) -> str:
    """A message correctly sealed for the client, whatever its header says."""
    return jwe.assemble(header, plaintext, pem("client", private=False), os.urandom(cek), os.urandom(iv))


@pytest.mark.parametrize("case", VALID, ids=lambda case: case["name"])
def test_what_another_implementation_sealed_opens(case: dict[str, Any]) -> None:
    assert case["plaintext"].encode() == Cipher([pair(opens=case["open_with"])]).open(case["compact"], KEY_ID)


@table("case", HOSTILE)
def test_a_hostile_message_is_refused(case: dict[str, Any]) -> None:
    key_pair, key = counted_pair(opens=case["open_with"])
    with pytest.raises(CannotOpenError):
        Cipher([key_pair]).open(case["compact"], KEY_ID)
    expected = 1 if case["name"] in NEEDS_THE_KEY else 0
    assert key.operations == expected


def test_the_hostile_messages_that_need_the_key_exist() -> None:
    assert {case["name"] for case in HOSTILE} >= NEEDS_THE_KEY


def test_the_counted_key_counts_an_opened_message() -> None:
    key_pair, key = counted_pair()
    Cipher([key_pair]).open(FOR_THE_CLIENT["compact"], KEY_ID)
    assert key.operations == 1


BROKEN_HEADERS: list[bytes] = [
    *(json.dumps({**GOOD, member: value}).encode() for member in GOOD for value in ODD_VALUES),
    *(json.dumps({**GOOD, "kid": value}).encode() for value in ODD_IDS),
    *(json.dumps({name: GOOD[name]}).encode() for name in GOOD),
    *(json.dumps({**GOOD, name: value}).encode() for name, value in FOREIGN_MEMBERS.items()),
    json.dumps({**GOOD, "kid": "k" * 2_000}).encode(),
    b'{"enc":"A128GCM","alg":"RSA-OAEP-256","alg":"dir"}',
    b'{"enc":"A128GCM","alg":"RSA-OAEP-256"',
    b'{"enc":"A128GCM","alg":"RSA-OAEP-256","kid":NaN}',
    b'{"enc":"A128GCM","alg":"RSA-OAEP-256","kid":"\xff"}',
    b"[" * 700,
    b'["A128GCM","RSA-OAEP-256"]',
    b'"A128GCM"',
    b"null",
    b"7",
    b"",
]


@table("header", BROKEN_HEADERS)
def test_a_header_outside_the_profile_costs_no_use_of_the_private_key(header: bytes) -> None:
    key_pair, key = counted_pair()
    with pytest.raises(CannotOpenError):
        Cipher([key_pair]).open(crafted(header), KEY_ID)
    assert key.operations == 0


@pytest.mark.parametrize("more", [{"kid": "any"}, {"typ": "JWE"}, {"cty": "json"}], ids=str)
def test_a_header_may_say_harmless_things_more(more: dict[str, str]) -> None:
    header = json.dumps({**GOOD, **more}).encode()
    assert Cipher([pair()]).open(crafted(header, b'{"a":1}'), KEY_ID) == b'{"a":1}'


@pytest.mark.parametrize(
    ("enc", "cek", "iv"),
    [("A128GCM", 32, 12), ("A256GCM", 16, 12), ("A128GCM", 16, 16), ("A128GCM", 16, 8)],
)
def test_a_content_key_or_iv_of_another_length_is_refused(enc: str, cek: int, iv: int) -> None:
    key_pair, key = counted_pair()
    with pytest.raises(CannotOpenError):
        Cipher([key_pair]).open(crafted(jwe.header_bytes(enc), cek=cek, iv=iv), KEY_ID)
    # The length of the content key shows only once it is decrypted, that of the IV before.
    assert key.operations == (1 if iv == 12 else 0)


@pytest.mark.parametrize("length", [0, 4, 8, 12, 15, 17, 32])
def test_a_tag_of_another_length_is_refused(length: int) -> None:
    key_pair, key = counted_pair()
    *parts, tag = FOR_THE_CLIENT["compact"].split(".")
    cut = jwe.b64url((jwe.b64url_strict(tag, "tag") * 2)[:length])
    with pytest.raises(CannotOpenError):
        Cipher([key_pair]).open(".".join([*parts, cut]), KEY_ID)
    assert key.operations == 0


def with_loose_bits(text: str) -> str:
    """Another encoding of the same bytes: base64url whose last character has stray bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


@pytest.mark.parametrize("part", range(5))
def test_base64url_that_is_not_canonical_is_refused(part: int) -> None:
    key_pair, key = counted_pair()
    # Header, encrypted key, IV, content and tag, with lengths that leave stray bits in each text.
    parts = crafted(json.dumps({**GOOD, "kid": "k"}).encode(), b"clear").split(".")
    if len(parts[part]) % 4 == 0:
        # An IV has no stray bits, so only padding can be added to it.
        assert part == 2
        parts[part] += "===="
    else:
        parts[part] = with_loose_bits(parts[part])
    with pytest.raises(CannotOpenError):
        Cipher([key_pair]).open(".".join(parts), KEY_ID)
    assert key.operations == 0


@pytest.mark.parametrize("part", range(5))
def test_a_part_that_is_cut_short_or_missing_is_refused(part: int) -> None:
    parts = FOR_THE_CLIENT["compact"].split(".")
    for other in (parts[part][:-1], parts[part][:-4], ""):
        with pytest.raises(CannotOpenError):
            Cipher([pair()]).open(".".join([*parts[:part], other, *parts[part + 1 :]]), KEY_ID)
    with pytest.raises(CannotOpenError):
        Cipher([pair()]).open(".".join([*parts[:part], *parts[part + 1 :]]), KEY_ID)
    with pytest.raises(CannotOpenError):
        Cipher([pair()]).open(".".join([*parts[:part], parts[part], *parts[part:]]), KEY_ID)


def test_a_key_that_was_encrypted_in_another_way_than_the_header_says_is_refused() -> None:
    sha1 = next(case for case in HOSTILE if case["name"] == "alg RSA-OAEP")["compact"].split(".")
    key_pair, key = counted_pair()
    header = jwe.b64url(json.dumps(GOOD).encode())
    with pytest.raises(CannotOpenError):
        Cipher([key_pair], algorithms=("RSA-OAEP-256", "RSA-OAEP")).open(".".join([header, *sha1[1:]]), KEY_ID)
    assert key.operations == 1


def test_nothing_tells_in_which_operation_a_message_failed() -> None:
    compact: str = FOR_THE_CLIENT["compact"]
    header, wrapped, *rest = compact.split(".")
    failing = {
        "the RSA operation": ".".join([header, jwe.b64url(b"\x01" * 256), *rest]),
        "the length of the content key": crafted(jwe.header_bytes("A128GCM"), cek=32),
        "the length of the encrypted key": ".".join([header, wrapped[:-2], *rest]),
        "the tag": compact.removesuffix(compact.rsplit(".", 1)[1]) + jwe.b64url(bytes(16)),
        "the recipient": jwe.seal(b"{}", pem("server", private=False), "A128GCM"),
    }
    told = set()
    for sealed in failing.values():
        with pytest.raises(CannotOpenError) as caught:
            Cipher([pair()]).open(sealed, KEY_ID)
        told.add((str(caught.value), caught.value.__cause__, caught.value.__context__))
    assert told == {("no key opens the message", None, None)}


@table("part", range(5))
@table("foreign", ["é", "１", "🙂", " ", "\n", "\0"])
def test_a_foreign_character_in_any_part_is_refused(part: int, foreign: str) -> None:
    key_pair, key = counted_pair()
    parts = FOR_THE_CLIENT["compact"].split(".")
    parts[part] += foreign
    with pytest.raises(CannotOpenError):
        Cipher([key_pair]).open(".".join(parts), KEY_ID)
    assert key.operations == 0


def test_a_message_opens_up_to_256_kib_and_is_refused_beyond() -> None:
    cap = 256 * 1024
    empty = len(jwe.seal(b"", pem("client", private=False), "A128GCM"))
    longest = (cap - empty) * 6 // 8
    fits = jwe.seal(b"x" * longest, pem("client", private=False), "A128GCM")
    exceeds = jwe.seal(b"x" * (longest + 1), pem("client", private=False), "A128GCM")
    assert len(fits) <= cap < len(exceeds)
    key_pair, key = counted_pair()
    assert Cipher([key_pair]).open(fits, KEY_ID) == b"x" * longest
    with pytest.raises(CannotOpenError):
        Cipher([key_pair]).open(exceeds, KEY_ID)
    assert key.operations == 1


@deterministic
@given(sealed=st.one_of(st.text(), st.from_regex(r"\A([A-Za-z0-9_-]{0,40}\.){0,6}[A-Za-z0-9_-]{0,40}\Z")))
def test_no_text_makes_anything_but_a_refusal(sealed: str) -> None:
    with pytest.raises(CannotOpenError):
        Cipher([pair()]).open(sealed, KEY_ID)


@deterministic
@given(data=st.data())
def test_a_message_with_one_character_changed_is_refused(data: st.DataObject) -> None:
    compact: str = FOR_THE_CLIENT["compact"]
    place = data.draw(st.integers(0, len(compact) - 1))
    other = data.draw(st.characters(codec="ascii", min_codepoint=32).filter(lambda each: each != compact[place]))
    with pytest.raises(CannotOpenError):
        Cipher([pair()]).open(compact[:place] + other + compact[place + 1 :], KEY_ID)


TELLING = {
    "no parts": CARD.reveal(),
    "value of a known member": crafted(json.dumps({**GOOD, "alg": CARD.reveal()}).encode()),
    "name of a member": crafted(json.dumps({**GOOD, CARD.reveal(): 1}).encode()),
    "header that is not JSON": crafted(b"{" + CARD.reveal().encode()),
    "clear text": crafted(json.dumps({**GOOD, "kid": 5}).encode(), CARD.reveal().encode()),
}


@pytest.mark.parametrize("sealed", TELLING.values(), ids=TELLING.keys())
def test_a_refusal_repeats_nothing_of_the_message(sealed: str) -> None:
    with pytest.raises(CannotOpenError) as caught:
        Cipher([pair()]).open(sealed, KEY_ID)
    assert leaks(caught.value) == []
