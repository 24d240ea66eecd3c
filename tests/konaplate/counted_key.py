"""A private key that counts how often it is used."""

from __future__ import annotations

from typing import Any

from joserfc.jwk import RSAKey

from graph.konaplate.encryption import KeyPair
from tests.konaplate.support import KEY_ID, key


class CountedKey(RSAKey):
    """An RSA key; joserfc asks it for the private key once for each private-key operation."""

    operations = 0

    def get_op_key(self, operation: Any) -> Any:
        if operation == "decrypt":
            self.operations += 1
        return super().get_op_key(operation)


def counted_pair(key_id: str = KEY_ID, *, opens: str = "client") -> tuple[KeyPair, CountedKey]:
    """A pair whose private key counts, and that key."""
    counted = CountedKey.import_key(key(opens, private=True).raw_value)
    return KeyPair(key_id, key("server", private=False), counted), counted
