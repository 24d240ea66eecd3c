"""A name that can be stored for a card, a member or a viewer: a keyed hash.

Without a key, all numbers of a card product could be hashed and compared within minutes; PCI DSS 3.5.1 counts
such a hash as the number itself.
"""

from __future__ import annotations

import hmac
import string
from binascii import hexlify
from typing import TYPE_CHECKING, Final, TypeAlias

from schema.secrets import CardNo, MemberId

if TYPE_CHECKING:
    from schema.secrets import Credential

Subject: TypeAlias = CardNo | MemberId
"""Whose data it is."""

_BYTES: Final = 15
# Letters only: with digits one reference in a while would look like a card number and be masked in the logs.
_LETTERS: Final = bytes.maketrans(string.digits.encode(), b"ghijklmnop")
_KINDS: Final[dict[type[Subject], bytes]] = {CardNo: b"card:", MemberId: b"member:"}


class CardRefs:
    """Makes references that are the same for the same card and key.

    Args:
        key: shared by all gateways that share budgets.
    """

    def __init__(self, key: Credential) -> None:
        # Copied for each reference: that is half the work of beginning with the key.
        self._keyed = hmac.new(key.reveal().encode(), digestmod="sha256")

    def of(self, subject: Subject) -> str:
        """The reference: 30 lowercase letters. None is kept: a number must not stay when its request is over."""
        return self._named(_KINDS[type(subject)] + subject.reveal().encode())

    def of_viewer(self, viewer_id: str) -> str:
        """The same for a viewer's id, which may be an e-mail address, in the keys of a shared store."""
        return self._named(b"viewer:" + viewer_id.encode("utf-8", "replace"))

    def _named(self, value: bytes) -> str:
        digest = self._keyed.copy()
        digest.update(value)
        return hexlify(digest.digest()[:_BYTES]).translate(_LETTERS).decode("ascii")
