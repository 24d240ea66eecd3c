"""The caller of a request, called viewer as in GraphQL: its permissions, its rate limits, and what it may see.

Without `cards:read:any`, a viewer cannot tell a card of somebody else from an unregistered card or from one that
does not exist. The endpoint declares which attribute of its records names their owner; without such an attribute,
everybody may see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

from graph.konaplate.responses import ASK_AGAIN
from graph.security.errors import CardHiddenError

if TYPE_CHECKING:
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.errors import CallDetails, KonaplateError
    from schema.secrets import MemberId

_TOO_MANY_REQUESTS: Final = 429
_SERVER_FAULT: Final = 500


class Scope(StrEnum):
    """A permission of a viewer."""

    READ_ANY_CARD = "cards:read:any"
    READ_MEMBER = "member:read"
    READ_CASH_RECEIPT = "cash-receipt:read"
    INTROSPECT = "introspection"


EVERY_SCOPE: Final = frozenset(scope.value for scope in Scope)


@dataclass(frozen=True, slots=True)
class Allowance:
    """A viewer's rate limits. The defaults apply to members."""

    requests_per_second: float = 50
    request_burst: int = 100
    cost_per_second: float = 50
    cost_burst: int = 1_000
    cards_per_minute: int = 30
    cards_per_hour: int = 300


@dataclass(frozen=True, slots=True)
class Viewer:
    """An authenticated caller, who may be one of Konaplate's members.

    Args:
        kind: `member` if the credentials name a Konaplate member, otherwise `service`.
        id: the issuer's or operator's name of the caller; for logs, budgets and audits.
        scopes: the caller's permissions.
        member_id: whose cards the caller sees without `cards:read:any`; None for no cards.
        allowance: the caller's rate limits; None for no limits.
    """

    kind: Literal["member", "service"]
    id: str
    scopes: frozenset[str]
    member_id: MemberId | None
    allowance: Allowance | None

    def may(self, scope: Scope) -> bool:
        """Whether the caller has a scope."""
        return scope in self.scopes


ANONYMOUS: Final = Viewer(kind="service", id="anonymous", scopes=EVERY_SCOPE, member_id=None, allowance=None)
"""Every caller, if authentication is switched off."""


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
    """Whether there was no response, or one that has no code and whose status only reports a temporary failure."""
    status = details.status
    if details.code is not None:
        return False
    return status is None or status in (*ASK_AGAIN, _TOO_MANY_REQUESTS) or status >= _SERVER_FAULT
