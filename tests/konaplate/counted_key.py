"""A private key that counts how often it is used."""

from __future__ import annotations

from typing import Any, cast

from graph.konaplate.encryption import KeyPair
from tests.konaplate.support import KEY_ID, pair, private_key


class CountedKey:
    """Decrypts like an RSA key, and counts."""

    def __init__(self, owner: str) -> None:
        self.operations = 0
        self._key = private_key(owner)

    def decrypt(self, wrapped: bytes, padding: Any) -> bytes:
        self.operations += 1
        return self._key.decrypt(wrapped, padding)


def counted_pair(key_id: str = KEY_ID, *, opens: str = "client") -> tuple[KeyPair, CountedKey]:
    """A key pair whose private key counts, and that key."""
    counted = CountedKey(opens)
    return KeyPair(key_id, pair().seal_with, cast("Any", counted)), counted
