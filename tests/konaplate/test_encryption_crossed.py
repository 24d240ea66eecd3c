"""What our encryption seals, joserfc opens, and the other way round."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Final

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import RSAKey

from graph.konaplate.encryption import Cipher, KeyPair, import_private_key, import_public_key
from tests.konaplate.support import KEY_ID, deterministic, private_key
from tests.tables import table
from tests.tools import large_rsa_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

ALGORITHMS: Final = ("RSA-OAEP-256", "RSA-OAEP")
ENCRYPTIONS: Final = ("A128GCM", "A256GCM")
REGISTRY: Final = jwe.JWERegistry(algorithms=[*ALGORITHMS, *ENCRYPTIONS])

profiles = st.tuples(st.sampled_from(ALGORITHMS), st.sampled_from(ENCRYPTIONS))
messages = st.one_of(st.binary(max_size=2_000), st.text(st.characters(codec="utf-8")).map(str.encode))


def our_cipher(alg: str, enc: str) -> Cipher:
    """Seals for the client and opens as the client."""
    pair = KeyPair(KEY_ID, private_key("client").public_key(), private_key("client"))
    return Cipher([pair], algorithms=(alg,), content_encryptions=(enc,))


@deterministic
@given(profile=profiles, clear=messages)
def test_joserfc_opens_what_we_seal(profile: tuple[str, str], clear: bytes) -> None:
    alg, enc = profile
    compact = json.loads(our_cipher(alg, enc).seal(clear))["encData"]
    opened = jwe.decrypt_compact(compact, RSAKey.import_key(private_key("client")), registry=REGISTRY)
    assert clear == opened.plaintext
    assert {"enc": enc, "alg": alg} == opened.headers()


@deterministic
@given(
    profile=profiles, clear=messages, kid=st.one_of(st.none(), st.text(st.characters(codec="ascii"), max_size=20))
)
def test_we_open_what_joserfc_seals(profile: tuple[str, str], clear: bytes, kid: str | None) -> None:
    alg, enc = profile
    theirs = RSAKey.import_key(private_key("client").public_key())
    header = {"alg": alg, "enc": enc} if kid is None else {"kid": kid, "alg": alg, "enc": enc}
    compact = jwe.encrypt_compact(header, clear, theirs, registry=REGISTRY)
    assert clear == our_cipher(alg, enc).open(compact, KEY_ID)


@functools.cache
def key_of(bits: int) -> RSAPrivateKey:
    return private_key("client") if bits == 2048 else import_private_key(large_rsa_key(bits).decode())


@pytest.mark.slow
@table("bits", [2048, 3072, 4096])
@table("alg", ALGORITHMS)
@table("enc", ENCRYPTIONS)
def test_keys_of_other_sizes_are_used_alike(bits: int, alg: str, enc: str) -> None:
    private = key_of(bits)
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    public = import_public_key(private.public_key().public_bytes(serialization.Encoding.PEM, spki).decode())
    cipher = Cipher([KeyPair(KEY_ID, public, private)], algorithms=(alg,), content_encryptions=(enc,))
    compact = json.loads(cipher.seal(b"clear"))["encData"]
    assert jwe.decrypt_compact(compact, RSAKey.import_key(private), registry=REGISTRY).plaintext == b"clear"
    theirs = jwe.encrypt_compact({"alg": alg, "enc": enc}, b"clear", RSAKey.import_key(public), registry=REGISTRY)
    assert cipher.open(theirs, KEY_ID) == b"clear"
