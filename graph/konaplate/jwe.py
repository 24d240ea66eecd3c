"""Compact JWE (RFC 7516) in the one profile that Konaplate uses: RSA-OAEP and AES-GCM. No I/O.

Made of the operations of `cryptography` and nothing else: a general library spends several times what all of this
costs beside them (`python -m benchmarks.encryption`). The tests let one open what the other seals.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

PADDINGS: Final = {
    "RSA-OAEP-256": OAEP(MGF1(SHA256()), SHA256(), None),
    "RSA-OAEP": OAEP(MGF1(SHA1()), SHA1(), None),  # noqa: S303 - as the standard says; nothing here relies on SHA-1
}
"""RFC 7518, section 4.3."""
KEY_BYTES: Final = {"A128GCM": 16, "A256GCM": 32}
"""RFC 7518, section 5.3, which also says what is fixed: 12 bytes of IV and 16 of tag."""
_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16

# A card or member record is a few hundred bytes; what is larger is not one.
_MAX_CHARACTERS: Final = 256 * 1024
_MAX_HEADER_CHARACTERS: Final = 1024
_PARTS: Final = 5


class JweError(ValueError):
    """A message outside the profile. The text names the rule, never the content."""


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing else may be in it: `zip` would inflate, `crit`, `jwk`, `jku` and their like would steer us."""

    alg: str
    enc: str
    kid: str = ""
    typ: str = ""
    cty: str = ""


_decode_header: Final = msgspec.json.Decoder(_Header).decode


class Sealer:
    """Seals messages.

    Args:
        header: the protected header, whose members go out in their order.
        key: the recipient's.
    """

    def __init__(self, header: Mapping[str, str], key: RSAPublicKey) -> None:
        self._protected = _encoded(msgspec.json.encode(header))
        self._padding = PADDINGS[header["alg"]]
        self._key_bytes = KEY_BYTES[header["enc"]]
        self._key = key

    def seal(self, clear: bytes) -> bytes:
        """A compact JWE with a content key and an IV of its own."""
        content_key, iv = os.urandom(self._key_bytes), os.urandom(_IV_BYTES)
        wrapped = self._key.encrypt(content_key, self._padding)
        sealed = AESGCM(content_key).encrypt(iv, clear, self._protected)
        parts = (wrapped, iv, sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:])
        return b".".join([self._protected, *map(_encoded, parts)])


class Profile:
    """What is accepted.

    Args:
        algorithms: of `PADDINGS`.
        content_encryptions: of `KEY_BYTES`.
    """

    def __init__(self, algorithms: AbstractSet[str], content_encryptions: AbstractSet[str]) -> None:
        self._algorithms = algorithms
        self._content_encryptions = content_encryptions

    def read(self, sealed: str) -> Message:
        """Take a compact JWE apart, and check all that can be checked without a key.

        Raises:
            JweError: when it is too large, malformed, or of another profile.
        """
        if len(sealed) > _MAX_CHARACTERS:
            raise JweError("the message is too large")
        parts = sealed.encode("ascii", "replace").split(b".")
        if len(parts) != _PARTS:
            raise JweError("the message is not a compact JWE")
        header = self._header(parts[0])
        wrapped, iv, content, tag = map(_decoded, parts[1:])
        if len(iv) != _IV_BYTES or len(tag) != _TAG_BYTES:
            raise JweError("the IV or the tag has another length")
        return Message(header, parts[0], wrapped, iv, content + tag)

    def _header(self, protected: bytes) -> _Header:
        if len(protected) > _MAX_HEADER_CHARACTERS:
            raise JweError("the header is too large")
        try:
            header = _decode_header(_decoded(protected))
        # UnicodeDecodeError: msgspec passes it on as it is. From None: it quotes what came.
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise JweError("the header cannot be read, or has a parameter that is not accepted") from None
        if header.alg not in self._algorithms:
            raise JweError("the key algorithm is not accepted")
        if header.enc not in self._content_encryptions:
            raise JweError("the content encryption is not accepted")
        return header


class Message:
    """A message whose form is that of the profile, before any key is used on it."""

    __slots__ = ("_header", "_iv", "_protected", "_sealed", "_wrapped")

    def __init__(self, header: _Header, protected: bytes, wrapped: bytes, iv: bytes, sealed: bytes) -> None:
        self._header = header
        self._protected = protected
        self._wrapped = wrapped
        self._iv = iv
        self._sealed = sealed

    def open(self, key: RSAPrivateKey) -> bytes | None:
        """The clear text; None when it is not for this key, or not what was sealed. Which, must not show."""
        try:
            return AESGCM(self._content_key(key)).decrypt(self._iv, self._sealed, self._protected)
        except InvalidTag:
            return None

    def _content_key(self, key: RSAPrivateKey) -> bytes:
        # RFC 7516, section 11.5: go on with a random key, so that no time tells where it failed.
        size = KEY_BYTES[self._header.enc]
        other = os.urandom(size)
        try:
            content_key = key.decrypt(self._wrapped, PADDINGS[self._header.alg])
        except ValueError:
            return other
        return content_key if len(content_key) == size else other


def _encoded(raw: bytes) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    """What a text is the base64url of; there is one such text only, without padding or loose bits."""
    try:
        raw = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        raw = b""
    if _encoded(raw) != text:
        raise JweError("a part is not base64url")
    return raw
