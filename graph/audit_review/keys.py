"""The keys that sealed a record."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graph.security.audit_chain import ChainKey, Link, Seal

CURRENT: Final = 0
"""The number of the key that gateways use now."""


class KeyRing:
    """Knows which key sealed which chain. A chain belongs to one process, and so has one key.

    Args:
        keys: the current one, and older ones.
    """

    def __init__(self, keys: Sequence[ChainKey]) -> None:
        self._keys = keys
        self._numbers: dict[str, int] = {}

    def seal_of(self, before: bytes, link: Link) -> Seal | None:
        """Return the seal of a line by the key of its chain, given the MAC before it; None if it has another MAC.

        The first line of a chain that verifies tells its key.
        """
        known = self._numbers.get(link.chain)
        for number in range(len(self._keys)) if known is None else (known,):
            seal = self._keys[number].seal(before, link.body)
            if hmac.compare_digest(seal.mac, link.mac):
                self._numbers[link.chain] = number
                return seal
        return None

    def number_of(self, chain: str) -> int | None:
        """Return the number of the key of a chain; None if no line of it has verified."""
        return self._numbers.get(chain)

    def ended(self, chain: str, proof: bytes, end: int) -> bytes:
        """See `ChainKey.ended`; the proof is of a line that has verified."""
        return self._keys[self._numbers[chain]].ended(proof, end)
