"""A name for a card that can be stored: a keyed hash of its number.

Without a key, all numbers of a card product could be hashed and compared within minutes; PCI DSS 3.5.1 counts
such a hash as the number itself.
"""

from __future__ import annotations

import hashlib
import hmac
import string
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from schema.secrets import CardNo, Credential

_BYTES: Final = 15
# Letters only: with digits one reference in a while would look like a card number and be masked in the logs.
_LETTERS: Final = str.maketrans(string.digits, "ghijklmnop")


class CardRefs:
    """Makes references that are the same for the same card and key.

    Args:
        key: shared by all gateways that share budgets.
    """

    def __init__(self, key: Credential) -> None:
        self._key = key.reveal().encode()

    def of(self, card_no: CardNo) -> str:
        """The reference: 30 lowercase letters."""
        return self._named(b"card:" + card_no.reveal().encode())

    def of_viewer(self, viewer_id: str) -> str:
        """The same for a viewer's id, which may be an e-mail address, in the keys of a shared store."""
        return self._named(b"viewer:" + viewer_id.encode("utf-8", "replace"))

    def _named(self, value: bytes) -> str:
        return hmac.digest(self._key, value, hashlib.sha256)[:_BYTES].hex().translate(_LETTERS)
