"""A name for a card that can be stored: a keyed hash of its number.

Without a key, all numbers of a card product could be hashed and compared within minutes; PCI DSS 3.5.1 counts
such a hash as the number itself.
"""

from __future__ import annotations

import hmac
import string
from binascii import hexlify
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from schema.secrets import CardNo, Credential

_BYTES: Final = 15
# Letters only: with digits one reference in a while would look like a card number and be masked in the logs.
_LETTERS: Final = bytes.maketrans(string.digits.encode(), b"ghijklmnop")
_VIEWERS: Final = 1_000


class CardRefs:
    """Makes references that are the same for the same card and key.

    Args:
        key: shared by all gateways that share budgets.
    """

    def __init__(self, key: Credential) -> None:
        # Copied for each reference: that is half the work of beginning with the key.
        self._keyed = hmac.new(key.reveal().encode(), digestmod="sha256")
        self._viewers: dict[str, str] = {}

    def of(self, card_no: CardNo) -> str:
        """The reference: 30 lowercase letters. None is kept: a number must not stay when its request is over."""
        return self._named(b"card:" + card_no.reveal().encode())

    def of_viewer(self, viewer_id: str) -> str:
        """The same for a viewer's id, which may be an e-mail address, in the keys of a shared store."""
        found = self._viewers.get(viewer_id)
        if found is None:
            if len(self._viewers) >= _VIEWERS:
                self._viewers.clear()
            found = self._viewers[viewer_id] = self._named(b"viewer:" + viewer_id.encode("utf-8", "replace"))
        return found

    def _named(self, value: bytes) -> str:
        digest = self._keyed.copy()
        digest.update(value)
        return hexlify(digest.digest()[:_BYTES]).translate(_LETTERS).decode("ascii")
