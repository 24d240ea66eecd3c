"""The caller of a request, called viewer as in GraphQL: its permissions, its rate limits, and what it may see.

Without `cards:read:any`, a viewer cannot tell a card of somebody else from an unregistered card or from one that
does not exist. The endpoint declares which attribute of its records or keys names their owner, and which scopes
let a viewer see other members' data; without such an attribute, everybody may see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

from graph.konaplate.responses import ASK_AGAIN
from graph.security.errors import CardHiddenError, HiddenError, MemberHiddenError
from schema.errors import ErrorCode
from schema.secrets import MemberId  # noqa: TC001 - the schema's bindings read the annotations of properties

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph.konaplate.errors import CallDetails, KonaplateError
    from graph.konaplate.view import LookedUp

_TOO_MANY_REQUESTS: Final = 429
_SERVER_FAULT: Final = 500


class Scope(StrEnum):
    """A permission of a viewer."""

    READ_ANY_CARD = "cards:read:any"
    READ_ANY_MEMBER = "members:read:any"
    READ_MEMBER = "member:read"
    READ_CARD_NUMBER = "card-number:read"
    READ_CASH_RECEIPT = "cash-receipt:read"
    READ_TRANSACTIONS = "transactions:read"
    READ_VIRTUAL_ACCOUNT = "virtual-account:read"
    INTROSPECT = "introspection"
    SEE_TIMES = "server-timing"


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

    @property
    def user_id(self) -> MemberId | None:
        """The member's id, under the name that the schema has for it."""
        return self.member_id

    @property
    def scope_names(self) -> list[str]:
        """The scopes, for the schema."""
        return sorted(self.scopes)


ANONYMOUS: Final = Viewer(kind="service", id="anonymous", scopes=EVERY_SCOPE, member_id=None, allowance=None)
"""Every caller, if authentication is switched off."""


def developer(member_id: MemberId) -> Viewer:
    """A member with every scope and without limits: every caller of a gateway with the embedded sandbox."""
    return Viewer(
        kind="member",
        id=f"developer-{member_id.reveal()}",
        scopes=EVERY_SCOPE,
        member_id=member_id,
        allowance=None,
    )


@dataclass(frozen=True, slots=True)
class Authorization:
    """The rules for one viewer."""

    viewer: Viewer

    def check(self, record: Any, asked: LookedUp, key: Any) -> None:
        """Check that the viewer may see a record.

        Raises:
            HiddenError: the viewer does not own it, or its owner cannot be read.
        """
        # Spelled out, because a call for each record would be felt.
        may_see_all = asked.owner is None or not self.viewer.scopes.isdisjoint(asked.open_to)
        if not may_see_all and not self._owns(record, asked, key):
            raise hidden_error(asked.hidden_as)

    def may_read(self, scope: str, owner: object) -> bool:
        """Whether the viewer may read what takes a scope, except for the owner."""
        return scope in self.viewer.scopes or (owner is not None and owner == self.viewer.member_id)

    def may_ask(self, asked: LookedUp, key: Any) -> bool:
        """Whether the viewer may ask for a key, as far as the key tells; if not, no call is needed."""
        return not asked.owner_in_key or self._may_see_all(asked) or self._owns(None, asked, key)

    def failure(self, error: KonaplateError, asked: LookedUp, key: Any) -> Exception:
        """The error that the viewer sees when a key that the caller named cannot be looked up.

        Not for keys found in the viewer's own records: their errors reveal nothing new. Any code of Konaplate may
        depend on the card, and not all codes are known, so only errors that cannot depend on a card are shown.
        """
        if self._may_see_all(asked) or _reveals_nothing(error.details):
            return error
        if asked.owner_in_key and self._owns(None, asked, key):
            return error
        return hidden_error(asked.hidden_as)

    def _may_see_all(self, asked: LookedUp) -> bool:
        return asked.owner is None or not self.viewer.scopes.isdisjoint(asked.open_to)

    def _owns(self, record: Any, asked: LookedUp, key: Any) -> bool:
        own, owner = self.viewer.member_id, asked.owner_of(record, key)
        if owner is None and asked.owner_in_key:
            # A key without a member asks for what is everybody's; a record without one may be anybody's.
            return True
        return own is not None and owner == own


def hidden_error(code: ErrorCode) -> HiddenError:
    """Return what a viewer is told instead: the same as of a card or a member that does not exist."""
    return HIDDEN_AS[code]()


HIDDEN_AS: Final[Mapping[ErrorCode, type[HiddenError]]] = {
    ErrorCode.CARD_NOT_FOUND: CardHiddenError,
    ErrorCode.MEMBER_NOT_FOUND: MemberHiddenError,
}
"""The errors that may stand for what a viewer may not see, by their codes."""


def _reveals_nothing(details: CallDetails) -> bool:
    """Whether there was no response, or one that has no code and whose status only reports a temporary failure."""
    status = details.status
    if details.code is not None:
        return False
    return status is None or status in (*ASK_AGAIN, _TOO_MANY_REQUESTS) or status >= _SERVER_FAULT
