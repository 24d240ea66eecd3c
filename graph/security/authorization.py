"""What a viewer may see: one place, in front of every way to a card.

To a viewer without `cards:read:any`, a card that is somebody else's, nobody's, or does not exist is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graph.konaplate.errors import CardNotFoundError, KonaplateError, MemberNotFoundError
from graph.security.errors import CardHiddenError
from graph.security.viewer import Scope, Viewer

if TYPE_CHECKING:
    from graph.konaplate.records import CardRecord

# Konaplate's codes about members and cards: any of them tells something of a card.
_ABOUT_A_CARD: Final = ("001_", "003_")


@dataclass(frozen=True, slots=True)
class Authorization:
    """The rules for one viewer."""

    viewer: Viewer

    def check_card(self, record: CardRecord) -> None:
        """Let a card pass that the viewer may see.

        Raises:
            CardHiddenError: when it is not the viewer's own. A card whose member cannot be read is nobody's.
        """
        if self.viewer.may(Scope.READ_ANY_CARD):
            return
        own = self.viewer.member_id
        if own is None or record.userId != own:
            raise CardHiddenError

    def card_failure(self, error: KonaplateError) -> Exception:
        """The error that the viewer sees when a card cannot be had."""
        if self.viewer.may(Scope.READ_ANY_CARD):
            return error
        code = error.details.code or ""
        if isinstance(error, CardNotFoundError | MemberNotFoundError) or code.startswith(_ABOUT_A_CARD):
            return CardHiddenError()
        return error

    @property
    def reads_profiles(self) -> bool:
        """Whether the viewer sees members' personal data."""
        return self.viewer.may(Scope.READ_MEMBER)

    @property
    def reads_cash_receipts(self) -> bool:
        """Whether the viewer sees cash-receipt identities in clear."""
        return self.viewer.may(Scope.READ_CASH_RECEIPT)
