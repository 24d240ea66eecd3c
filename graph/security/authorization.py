"""Decides which records a viewer may see.

Without `cards:read:any`, a viewer cannot tell a card of somebody else from an unregistered card or from one that
does not exist. The endpoint declares which attribute of its records names their owner; without such an attribute,
everybody may see them.
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
        """Check that the viewer may see a record.

        Raises:
            CardHiddenError: the viewer does not own it, or its owner cannot be read.
        """
        if endpoint.owner is None or self.viewer.may(Scope.READ_ANY_CARD):
            return
        own = self.viewer.member_id
        if own is None or getattr(record, endpoint.owner) != own:
            raise CardHiddenError

    def failure(self, error: KonaplateError, endpoint: Endpoint[Any, Any]) -> Exception:
        """The error that the viewer sees when a key that the caller named cannot be looked up.

        Not for keys found in the viewer's own records: their errors reveal nothing new. Any code of Konaplate may
        depend on the card, and not all codes are known, so only errors that cannot depend on a card are shown.
        """
        if endpoint.owner is None or self.viewer.may(Scope.READ_ANY_CARD) or _reveals_nothing(error.details):
            return error
        return CardHiddenError()


def _reveals_nothing(details: CallDetails) -> bool:
    """Whether there was no response, or one without a code that only reports a temporary failure."""
    status = details.status
    if details.code is not None:
        return False
    return status is None or status in (*ASK_AGAIN, _TOO_MANY_REQUESTS) or status >= _SERVER_FAULT
