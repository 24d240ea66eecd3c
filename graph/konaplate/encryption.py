"""Konaplate's message encryption: compact JWE (RFC 7516), RSA-OAEP-256 and AES-GCM. No I/O.

Requests are sealed with the server's public key, responses are opened with the client's private key; both travel
as `{"encData": "<JWE>"}`. Source: the vendor's page "Message encryption" (…/guidelines/msgencryption).

It uses only primitives of `cryptography`: around them, a general JOSE library costs several times as much
(`python -m benchmarks.encryption`). The tests check both against each other.
"""

from __future__ import annotations

import binascii
import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from graph.konaplate.pem import BadPemError, algorithm, private_key, public_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

MINIMUM_RSA_BITS: Final = 2048
DEFAULT_ALGORITHMS: Final = ("RSA-OAEP-256",)
DEFAULT_CONTENT_ENCRYPTIONS: Final = ("A128GCM", "A256GCM")

# RFC 7518, section 4.3.
_PADDINGS: Final = {
    "RSA-OAEP-256": OAEP(MGF1(SHA256()), SHA256(), None),
    "RSA-OAEP": OAEP(MGF1(SHA1()), SHA1(), None),  # noqa: S303 - as the standard says; nothing here relies on SHA-1
}
# RFC 7518, section 5.3, which also says what is fixed.
_KEY_BYTES: Final = {"A128GCM": 16, "A256GCM": 32}
_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16
KNOWN_ALGORITHMS: Final = tuple(_PADDINGS)
"""The `alg` values that settings can allow. Whether the vendor ever uses plain RSA-OAEP is unknown."""
KNOWN_CONTENT_ENCRYPTIONS: Final = tuple(_KEY_BYTES)
"""The `enc` values that settings can allow."""

# A card or member record is a few hundred bytes.
_MAX_CHARACTERS: Final = 256 * 1024
_MAX_HEADER_CHARACTERS: Final = 1024
_PARTS: Final = 5
# A server writes the same header again and again.
_CACHED_HEADERS: Final = 16

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")


class CannotOpenError(Exception):
    """A sealed message that cannot be opened. The text names the rule, never the content."""


def import_public_key(pem: str) -> RSAPublicKey:
    """Read an RSA public key from PEM text.

    Raises:
        BadPemError: it cannot be read, is not an RSA public key, or has fewer than 2048 bits.
    """
    return cast("RSAPublicKey", _rsa(public_key(pem.encode("utf-8", "replace"))))


def import_private_key(pem: str) -> RSAPrivateKey:
    """Read an RSA private key from PEM text; raises as `import_public_key`."""
    return cast("RSAPrivateKey", _rsa(private_key(pem.encode("utf-8", "replace"))))


def _rsa(key: PublicKeyTypes | PrivateKeyTypes) -> RSAPublicKey | RSAPrivateKey:
    if not isinstance(key, RSAPublicKey | RSAPrivateKey):
        raise BadPemError(f"is {algorithm(key)} where an RSA key is needed")
    if key.key_size < MINIMUM_RSA_BITS:
        raise BadPemError(f"has {key.key_size} bits; at least {MINIMUM_RSA_BITS} are needed")
    return key


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The two keys of one crypto key id: the other side's public key and our private key."""

    key_id: str
    seal_with: RSAPublicKey
    open_with: RSAPrivateKey


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """No other parameters are allowed: `zip` would inflate, `crit`, `jwk` and `jku` would steer us."""

    alg: str
    enc: str
    kid: str = ""
    typ: str = ""
    cty: str = ""


_decode_header: Final = msgspec.json.Decoder(_Header).decode


class Cipher:
    """Seals and opens messages with one key pair, or with two while keys are being rotated.

    Args:
        pairs: all of them open messages; the first also seals.
        algorithms: the accepted `alg` values; the first is used for sealing.
        content_encryptions: the accepted `enc` values; the first is used for sealing.
    """

    def __init__(
        self,
        pairs: Sequence[KeyPair],
        *,
        algorithms: Sequence[str] = DEFAULT_ALGORITHMS,
        content_encryptions: Sequence[str] = DEFAULT_CONTENT_ENCRYPTIONS,
    ) -> None:
        self._pairs = tuple(pairs)
        self._algorithms = tuple(algorithms)
        self._content_encryptions = tuple(content_encryptions)
        # The header that working clients of the vendor send: these members, in this order.
        header = {"enc": self._content_encryptions[0], "alg": self._algorithms[0]}
        self._protected = _encoded(msgspec.json.encode(header))
        self._header = functools.lru_cache(_CACHED_HEADERS)(self._read_header)

    @property
    def key_id(self) -> str:
        """The crypto key id of the pair that seals."""
        return self._pairs[0].key_id

    def seal(self, clear: bytes) -> bytes:
        """Encrypt a message for the other side; returns the envelope, ready to send."""
        content_key = os.urandom(_KEY_BYTES[self._content_encryptions[0]])
        iv = os.urandom(_IV_BYTES)
        wrapped = self._pairs[0].seal_with.encrypt(content_key, _PADDINGS[self._algorithms[0]])
        sealed = AESGCM(content_key).encrypt(iv, clear, self._protected)
        parts = map(_encoded, (wrapped, iv, sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]))
        # No character of a compact JWE needs escaping.
        return b'{"encData":"%b"}' % b".".join([self._protected, *parts])

    def open(self, sealed: str, key_id: str | None) -> bytes:
        """Decrypt the `encData` of a message.

        Args:
            sealed: a compact JWE.
            key_id: the message's crypto key id. The pair of that id is tried first, then the others: during a
                rotation, a message may name no id or an old one.

        Raises:
            CannotOpenError: it is too large, malformed, uses an algorithm that is not accepted, or is not for us.
        """
        if len(sealed) > _MAX_CHARACTERS:
            raise CannotOpenError("the message is too large")
        parts = sealed.encode("ascii", "replace").split(b".")
        if len(parts) != _PARTS:
            raise CannotOpenError("the message is not a compact JWE")
        # Check everything that needs no key before spending a private-key operation.
        header = self._header(parts[0])
        wrapped, iv, content, tag = map(_decoded, parts[1:])
        if len(iv) != _IV_BYTES or len(tag) != _TAG_BYTES:
            raise CannotOpenError("the IV or the tag has the wrong length")
        for pair in sorted(self._pairs, key=lambda pair: pair.key_id != key_id):
            try:
                content_key = _content_key(pair.open_with, header, wrapped)
                return AESGCM(content_key).decrypt(iv, content + tag, parts[0])
            # Wrong key or tampered content; which of them must not show.
            except InvalidTag:
                continue
        raise CannotOpenError("no key opens the message")

    def _read_header(self, protected: bytes) -> _Header:
        if len(protected) > _MAX_HEADER_CHARACTERS:
            raise CannotOpenError("the header is too large")
        try:
            header = _decode_header(_decoded(protected))
        # msgspec does not wrap UnicodeDecodeError. `from None`: the cause quotes the message.
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise CannotOpenError("the header cannot be read, or has a parameter that is not accepted") from None
        if header.alg not in self._algorithms:
            raise CannotOpenError("the key algorithm is not accepted")
        if header.enc not in self._content_encryptions:
            raise CannotOpenError("the content encryption is not accepted")
        return header


def _content_key(key: RSAPrivateKey, header: _Header, wrapped: bytes) -> bytes:
    # RFC 7516, section 11.5: continue with a random key, so that timing does not reveal where it failed.
    size = _KEY_BYTES[header.enc]
    random_key = os.urandom(size)
    try:
        content_key = key.decrypt(wrapped, _PADDINGS[header.alg])
    except ValueError:
        return random_key
    return content_key if len(content_key) == size else random_key


def _encoded(raw: bytes) -> bytes:
    """Base64url without padding."""
    return binascii.b2a_base64(raw, newline=False).translate(_TO_URL, b"=")


def _decoded(text: bytes) -> bytes:
    """Decode canonical base64url: no padding, no stray bits."""
    try:
        raw = binascii.a2b_base64(text.translate(_FROM_URL) + b"=" * (-len(text) % 4))
    except binascii.Error:
        raw = b""
    if _encoded(raw) != text:
        raise CannotOpenError("a part is not base64url")
    return raw
