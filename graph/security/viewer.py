"""The caller of a request, called viewer as in GraphQL. A viewer may be one of Konaplate's members."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from schema.secrets import MemberId


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
    """An authenticated caller.

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
