"""What a viewer may see: one place, in front of every record that belongs to somebody.

To a viewer without `cards:read:any`, a card that is somebody else's, nobody's, or does not exist is the same. The
endpoint says which attribute of its records names their owner; records of an endpoint without one are nobody's
secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.responses import ASK_AGAIN
from graph.security.errors import CardHiddenError
from graph.security.viewer import Scope, Viewer

if TYPE_CHECKING:
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.errors import CallDetails, KonaplateError

_TOO_MANY_REQUESTS: Final = 429
_SERVER_FAULT: Final = 500


@dataclass(frozen=True, slots=True)
class Authorization:
    """The rules for one viewer."""

    viewer: Viewer

    def check(self, record: object, endpoint: Endpoint[Any, Any]) -> None:
        """Let a record pass that the viewer may see.

        Raises:
            CardHiddenError: when it is not the viewer's own. A record whose owner cannot be read is nobody's.
        """
        if endpoint.owner is None or self.viewer.may(Scope.READ_ANY_CARD):
            return
        own = self.viewer.member_id
        if own is None or getattr(record, endpoint.owner) != own:
            raise CardHiddenError

    def failure(self, error: KonaplateError, endpoint: Endpoint[Any, Any]) -> Exception:
        """The error that the viewer sees when the record of a key that a caller named cannot be had.

        A key that a record of the viewer's own led to tells nothing new: its error need not be hidden.
        What Konaplate answers about a card may depend on the card, whatever the code, and nobody knows all codes.
        So no such answer is shown: only what says nothing about any card.
        """
        if endpoint.owner is None or self.viewer.may(Scope.READ_ANY_CARD) or _is_about_no_card(error.details):
            return error
        return CardHiddenError()


def _is_about_no_card(details: CallDetails) -> bool:
    """Whether there was no answer, or one without a code that says that nothing can be answered right now."""
    status = details.status
    if details.code is not None:
        return False
    return status is None or status in (*ASK_AGAIN, _TOO_MANY_REQUESTS) or status >= _SERVER_FAULT
