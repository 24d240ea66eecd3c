"""Compact JWE (RSA-OAEP-256 with AES-GCM) assembled by hand from RFC 7516 and `cryptography` primitives."""

from __future__ import annotations

import base64
import os
import re
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = {"A128GCM": 16, "A256GCM": 32}
IV_BYTES = 12
TAG_BYTES = 16

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class JweError(ValueError):
    """A compact JWE broke one rule of the profile; the text names the rule and never the content."""


def header_bytes(enc: str) -> bytes:
    """The only protected header of the profile, byte for byte."""
    return f'{{"enc":"{enc}","alg":"RSA-OAEP-256"}}'.encode("ascii")


def b64url(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def b64url_strict(text: str, part: str) -> bytes:
    """Decode base64url, refusing padding, foreign characters and non-zero trailing bits."""
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise JweError(f"JWE {part}: not base64url")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64url(raw) != text:
        raise JweError(f"JWE {part}: not canonical base64url")
    return raw


def _oaep() -> padding.OAEP:
    return padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


@cache
def load_public(pem: str) -> rsa.RSAPublicKey:
    """Read a PEM public key, refusing anything but RSA."""
    key = serialization.load_pem_public_key(pem.encode("ascii"))
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not an RSA public key")
    return key


@cache
def load_private(pem: str) -> rsa.RSAPrivateKey:
    """Read an unencrypted PEM private key, refusing anything but RSA."""
    key = serialization.load_pem_private_key(pem.encode("ascii"), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA private key")
    return key


def generate_pair() -> tuple[str, str]:
    """A new RSA-2048 key pair as PEM text: private, public."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode("ascii"), public.decode("ascii")


def assemble(header: bytes, plaintext: bytes, public_pem: str, cek: bytes, iv: bytes) -> str:
    """Seal with given ingredients; whether they fit the profile is up to the caller."""
    protected = b64url(header)
    wrapped = load_public(public_pem).encrypt(cek, _oaep())
    sealed = AESGCM(cek).encrypt(iv, plaintext, protected.encode("ascii"))
    parts = (wrapped, iv, sealed[:-TAG_BYTES], sealed[-TAG_BYTES:])
    return ".".join([protected, *map(b64url, parts)])


def seal(plaintext: bytes, public_pem: str, enc: str) -> str:
    """Seal in the profile with a fresh content key and IV."""
    cek, iv = os.urandom(KEY_BYTES[enc]), os.urandom(IV_BYTES)
    return assemble(header_bytes(enc), plaintext, public_pem, cek, iv)


def unseal(compact: str, private_pem: str, enc: str) -> bytes:
    """Open a compact JWE that follows the profile exactly; anything else is a `JweError`."""
    parts = compact.split(".")
    if len(parts) != 5:
        raise JweError("JWE: not five parts")
    names = ("protected header", "encrypted key", "IV", "ciphertext", "tag")
    header, wrapped, iv, ciphertext, tag = map(b64url_strict, parts, names)
    if header != header_bytes(enc):
        raise JweError("JWE protected header: not the exact bytes of the profile")
    if len(iv) != IV_BYTES:
        raise JweError(f"JWE IV: not {IV_BYTES} bytes")
    if len(tag) != TAG_BYTES:
        raise JweError(f"JWE tag: not {TAG_BYTES} bytes")
    cek = _unwrap(wrapped, private_pem)
    if len(cek) != KEY_BYTES[enc]:
        raise JweError(f"JWE content key: not {KEY_BYTES[enc]} bytes")
    try:
        return AESGCM(cek).decrypt(iv, ciphertext + tag, parts[0].encode("ascii"))
    except InvalidTag:
        raise JweError("JWE tag: does not authenticate header, IV and ciphertext") from None


def _unwrap(wrapped: bytes, private_pem: str) -> bytes:
    key = load_private(private_pem)
    if len(wrapped) != key.key_size // 8:
        raise JweError("JWE encrypted key: not as long as the RSA modulus")
    try:
        return key.decrypt(wrapped, _oaep())
    except ValueError:
        raise JweError("JWE encrypted key: not RSA-OAEP-256 for this private key") from None
