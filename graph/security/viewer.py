"""The caller of a request. Konaplate's members are somebody else: a viewer may be one of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from schema.secrets import MemberId


class Scope(StrEnum):
    """What a viewer can be allowed."""

    READ_ANY_CARD = "cards:read:any"
    READ_MEMBER = "member:read"
    READ_CASH_RECEIPT = "cash-receipt:read"
    INTROSPECT = "introspection"


EVERY_SCOPE: Final = frozenset(scope.value for scope in Scope)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a viewer may ask for. Defaults are those of a member."""

    requests_per_second: float = 50
    request_burst: int = 100
    cost_per_second: float = 50
    cost_burst: int = 1_000
    cards_per_minute: int = 30
    cards_per_hour: int = 300


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is calling.

    Args:
        kind: `member` when the credentials name a Konaplate member, else `service`.
        id: what the issuer or the operator calls the caller; for logs, budgets and audits.
        scopes: what the caller is allowed.
        member_id: whose cards the caller sees without `cards:read:any`; None sees none.
        allowance: the caller's budgets; None for no bounds.
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
"""Everybody, where authentication is switched off."""
