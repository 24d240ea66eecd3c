"""Opaque strings that clients keep: handles of cards and members, and sealed state such as cursors.

Both are ciphertexts of AES-SIV (RFC 5297). The cipher is deterministic, so a viewer gets the same handle for the
same thing, and a client's cache can normalize by it. What a string is bound to, such as the viewer's id, is
authenticated with it: for anything else it does not open.
"""

from __future__ import annotations

import binascii
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schema.secrets import Credential

HANDLE_LETTERS: Final = 128
"""The length of each handle, whatever its key."""

_TAG_BYTES: Final = 16
_CLEAR_BYTES: Final = HANDLE_LETTERS // 2 - _TAG_BYTES
MAX_KEY_BYTES: Final = _CLEAR_BYTES - 1
"""The longest key in a handle: a `userId` of 19 digits, a colon and a `par` of 27 characters."""

_CIPHER_KEY_BYTES: Final = 64
_HEX: Final = b"0123456789abcdef"
# Digits could look like a card number, which logs mask. Without vowels, none spells a word by chance.
_LETTERS: Final = b"bcdfghjklmnpqrst"
_TO_LETTERS: Final = bytes.maketrans(_HEX, _LETTERS)
# No other byte becomes a hexadecimal digit, so that each string has exactly one spelling.
_FROM_LETTERS: Final = bytes(_HEX[_LETTERS.index(byte)] if byte in _LETTERS else 0 for byte in range(256))


class Kind(IntEnum):
    """What a handle leads to. Clients keep handles, so a number is never reused."""

    CARD = 1
    """The key is the card's number."""
    MEMBER = 2
    """The key is the `userId`."""
    ROW = 3
    """A card of a member's list that has no number: the key is `userId:par`."""


class Target(NamedTuple):
    """What a handle leads to."""

    kind: Kind
    key: str
    """The key in clear."""

    def __repr__(self) -> str:
        return f"Target({self.kind.name})"


class Handles:
    """Makes and opens handles and other sealed strings. All consist of ASCII letters only.

    Args:
        secrets: at least one. The first one seals, all of them open, so that a secret can be replaced.
    """

    def __init__(self, secrets: Sequence[Credential]) -> None:
        # Kept, because keying a cipher costs more than using it. A purpose of its own each: no cursor is a handle.
        self._handles = [_cipher(secret, b"konagraph handles") for secret in secrets]
        self._sealed = [_cipher(secret, b"konagraph sealed texts") for secret in secrets]

    def make(self, viewer_id: str, kind: Kind, key: str) -> str:
        """The viewer's handle of a thing: `HANDLE_LETTERS` letters, always the same.

        Raises:
            ValueError: the key is longer than `MAX_KEY_BYTES` or contains NUL. The message does not quote it.
        """
        raw = _bytes(key)
        if len(raw) > MAX_KEY_BYTES or b"\0" in raw:
            raise ValueError("the key does not fit into a handle")
        return _encrypted(self._handles, bytes((kind,)) + raw.ljust(MAX_KEY_BYTES, b"\0"), (viewer_id,))

    def open(self, viewer_id: str, handle: str) -> Target | None:
        """What a handle leads to; None for any string that is not a handle of this viewer."""
        clear = _decrypted(self._handles, handle, (viewer_id,)) if len(handle) == HANDLE_LETTERS else None
        # A later release may have more kinds.
        if clear is None or clear[0] not in _KINDS:
            return None
        return Target(_KINDS[clear[0]], clear[1:].rstrip(b"\0").decode("utf-8", "surrogatepass"))

    def seal(self, clear: bytes, *bound: str) -> str:
        """Encrypt bytes that only `unseal` with the same `bound` opens. Equal arguments give equal strings.

        Args:
            clear: at least one byte. Its length shows.
            bound: what they belong to, such as the viewer's id.
        """
        return _encrypted(self._sealed, clear, bound)

    def unseal(self, text: str, *bound: str) -> bytes | None:
        """What was sealed; None for any string that was not sealed with the same `bound`."""
        return _decrypted(self._sealed, text, bound)


_KINDS: Final = {kind.value: kind for kind in Kind}


def _cipher(secret: Credential, purpose: bytes) -> AESSIV:
    key = HKDF(SHA256(), _CIPHER_KEY_BYTES, salt=None, info=purpose).derive(secret.reveal().encode())
    return AESSIV(key)


def _encrypted(ciphers: list[AESSIV], clear: bytes, bound: tuple[str, ...]) -> str:
    sealed = ciphers[0].encrypt(clear, [_bytes(each) for each in bound])
    return binascii.hexlify(sealed).translate(_TO_LETTERS).decode("ascii")


def _decrypted(ciphers: list[AESSIV], text: str, bound: tuple[str, ...]) -> bytes | None:
    try:
        sealed = binascii.unhexlify(text.encode("ascii").translate(_FROM_LETTERS))
    # UnicodeEncodeError, or binascii.Error.
    except ValueError:
        return None
    # The cipher takes no empty plaintext.
    if len(sealed) <= _TAG_BYTES:
        return None
    associated = [_bytes(each) for each in bound]
    for cipher in ciphers:
        try:
            return cipher.decrypt(sealed, associated)
        except InvalidTag:
            continue
    return None


def _bytes(text: str) -> bytes:
    # A token's claims may hold lone surrogates; two viewers must not share one encoding.
    return text.encode("utf-8", "surrogatepass")
