"""Keyed hashes that stand for a card, a member or a viewer wherever something is stored.

Without a key, all numbers of a card product could be hashed and compared within minutes; PCI DSS 3.5.1 treats such
a hash as the number itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from graph.redact import letters
from schema.secrets import CardNo, MemberId

if TYPE_CHECKING:
    from schema.secrets import Credential

Subject: TypeAlias = CardNo | MemberId
"""The card or member that data is about."""

_BYTES: Final = 15
_REF: Final = re.compile(r"[a-p]{30}")
_KINDS: Final[dict[type[Subject], bytes]] = {CardNo: b"card:", MemberId: b"member:"}


def is_ref(text: str) -> bool:
    """Whether a string has the form of a reference."""
    return _REF.fullmatch(text) is not None


class CardRefs:
    """Computes references: 30 letters from a to p, equal for equal subjects and keys.

    They are not cached, because no card number may stay in memory after its request.

    Args:
        key: shared by all gateways that share budgets.
    """

    def __init__(self, key: Credential) -> None:
        # Copied for each reference. The standard library's takes twice as long.
        self._keyed = HMAC(key.reveal().encode(), SHA256())

    def of(self, subject: Subject) -> str:
        """The reference of a card or member. Zeros in front of a member's id make no other member."""
        text = subject.reveal()
        if isinstance(subject, MemberId):
            text = text.lstrip("0")
        return self._ref(_KINDS[type(subject)] + text.encode())

    def of_viewer(self, viewer_id: str) -> str:
        """The reference of a viewer, whose id may be an e-mail address."""
        return self._ref(b"viewer:" + viewer_id.encode("utf-8", "replace"))

    def _ref(self, value: bytes) -> str:
        keyed = self._keyed.copy()
        keyed.update(value)
        return letters(keyed.finalize()[:_BYTES]).decode("ascii")
