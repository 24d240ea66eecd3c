"""One request's access to Konaplate's records, for plans and graphql-core alike.

Every key takes the same steps: spend the budget, load, authorize.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias, TypeVar

from graph.budgeted_loader import BudgetedLoader
from graph.errors import GatewayError, code_of
from graph.konaplate.errors import KonaplateError
from graph.konaplate.record import Record
from graph.konaplate.values import korean_day
from graph.security.errors import BudgetError, HiddenError
from graph.security.handles import Kind
from schema.errors import ErrorCode
from schema.secrets import CardNo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Sized
    from datetime import date
    from types import TracebackType

    from graph.budgeted_loader import Upstream
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.view import Answer, LookedUp
    from graph.resilience.deadline import Deadline
    from graph.security.audit import Access, AccessOrigin, RequestAudit
    from graph.security.authorization import Authorization
    from graph.security.budgets import Budgets
    from graph.security.card_refs import Subject
    from graph.security.handles import Handles, Target

_Leaf: TypeAlias = "tuple[str, str, str | None]"
"""A key of an object, the field's name, and how it shows a secret."""

K = TypeVar("K")
R = TypeVar("R", bound=Record)


class RequestSecurity(NamedTuple):
    """Authorization, budgets, audit and ids of one viewer's request."""

    authorization: Authorization
    budgets: Budgets
    audit: RequestAudit
    handles: Handles


class RequestContext:
    """The state of one request. Use it as an async context manager.

    Args:
        upstream: where records come from.
        security: what the viewer may see and spend.
        deadline: when this request stops waiting.
        max_cards: the maximum number of keys in a list.
        today: the day by Konaplate's clock.
        max_days: the longest span of a history.
    """

    def __init__(
        self,
        upstream: Upstream,
        security: RequestSecurity,
        *,
        deadline: Deadline,
        max_cards: int,
        today: Callable[[], date] = korean_day,
        max_days: int = 90,
    ) -> None:
        self.authorization, budgets, self._audit, self.handles = security
        self._today = today
        self.max_days = max_days
        self.viewer = security.authorization.viewer
        self._deadline = deadline
        self._max_cards = max_cards
        self.loader: Final = BudgetedLoader(upstream, self.viewer, budgets, self._audit, deadline)
        self.count: Callable[..., None] | None = None
        """Learns the lengths of lists for the bill; see `graph.graphql.fields.CountList`."""
        self.by_plan = False
        """Whether a compiled plan, rather than graphql-core, has executed the operation."""
        self.given_as_data: list[Exception] = []
        """The errors that the response has as objects, and not among its `errors`."""

    @property
    def viewer_name(self) -> str:
        """What handles are bound to: a member and a service may have the same id."""
        return f"{self.viewer.kind}:{self.viewer.id}"

    @property
    def today(self) -> date:
        """The day by Konaplate's clock."""
        return self._today()

    def may(self, scope: str) -> bool:
        """Whether the viewer has a scope."""
        return scope in self.viewer.scopes

    def may_read(self, scope: str, owner: object) -> bool:
        """Whether the viewer has a scope, or is the owner, who needs none."""
        return self.authorization.may_read(scope, owner)

    def handle(self, kind: int, key: str) -> str:
        """Make the viewer's handle of something."""
        return self.handles.make(self.viewer_name, Kind(kind), key)

    def open_handle(self, handle: str) -> Target | None:
        """Return what a handle leads to; None for any string that is not a handle of the viewer's."""
        return self.handles.open(self.viewer_name, handle)

    def access(
        self,
        subject: Subject | None,
        inherited: Access | None,
        origin: AccessOrigin,
        answer: Answer | None = None,
        shown_as: str | None = None,
    ) -> Access | None:
        """Return the event that tells of data, if it is shown; None for what is nobody's.

        Args:
            subject: whose data it is.
            inherited: the event of the object that leads to it.
            origin: how the caller came to it, if that object does not tell.
            answer: the look-up that gave it; None for what came with another object.
            shown_as: see `schema.fields.Edge`.

        Raises:
            AuditUnavailableError: no event can be recorded.
        """
        if subject is None:
            return None
        if inherited is not None:
            if shown_as is None and (inherited.subject is subject or inherited.subject == subject):
                return inherited
            if shown_as is not None:
                origin = inherited.origin
        owner = None if answer is None else answer.owner
        if owner is None:
            owner = subject if inherited is None else inherited.owner
        what = shown_as or ("card" if isinstance(subject, CardNo) else "member")
        page = None if shown_as is None or answer is None else answer.key
        return self._audit.access(what, subject, owner, origin, page)

    def refuse(self, subject: Subject | None, name: str, scope: str) -> Exception:
        """Record that a field was denied for want of a scope, and return its error."""
        return self._audit.withhold(subject, name, scope)

    def check_length(self, key: type | None, asked: Sized) -> None:
        """Check the length of a list of keys.

        Raises:
            GatewayError: when it is longer than allowed.
        """
        most = self._max_cards
        if len(asked) > most:
            limit, what = "keys", f"A list may have at most {most} keys."
            if key is CardNo:
                limit, what = "cards", f"A list of cards may have at most {most} card numbers."
            raise GatewayError(ErrorCode.QUERY_LIMIT_EXCEEDED, what, limit=limit, maximum=most)

    def begin(self, endpoint: Endpoint[K, Any], key: K) -> None:
        """Begin to look a key up, batched with others of this turn of the event loop."""
        if not endpoint.owner_in_key or self.authorization.may_ask(endpoint, key):
            self.loader.begin(endpoint, key)

    async def load(
        self, endpoint: Endpoint[K, R], key: K, subject: Subject | None = None, *, named: bool = True
    ) -> R:
        """Look a key up; equal keys of one request share one call.

        Args:
            endpoint: to ask.
            key: to look up.
            subject: whose data it is.
            named: whether the client named the key, rather than a record.

        Raises:
            Exception: the field's error, as the viewer may see it.
        """
        loader = self.loader
        try:
            if endpoint.owner_in_key:
                # Before the call, whose duration would tell whether there is such a member.
                self.authorization.check(None, endpoint, key)
            record: R = await loader.load(endpoint, key)
            self.authorization.check(record, endpoint, key)
            if endpoint.card_numbers is not None:
                member, told = self.viewer.member_id, endpoint.card_numbers(record)
                if member is not None and endpoint.owner_of(record, key) == member:
                    for card_no in told:
                        loader.vouch(card_no)
                else:
                    await loader.charge(told)
        except Exception as error:  # noqa: BLE001 - the viewer may not see every failure as it is
            # `from None`: the cause would tell a hidden card from a missing one.
            raise self.shown_error(error, endpoint, key, subject, named=named) from None
        return record

    def shown_error(
        self,
        error: Exception,
        endpoint: LookedUp,
        key: Any,
        subject: Subject | None,
        *,
        named: bool,
    ) -> Exception:
        """Return a failure as the viewer may see it, and audit refusals."""
        if named and isinstance(error, KonaplateError):
            error = self.authorization.failure(error, endpoint, key)
        # That of the whole operation is recorded once, by those who charge it.
        if isinstance(error, BudgetError | HiddenError) and error is not self.loader.refusal:
            self._audit.record_refusal(code_of(error), subject)
        return error

    def give_as_data(self, error: Exception) -> None:
        """Keep an error that clients get as an object, for logs and metrics."""
        self.given_as_data.append(error)

    def settle(self, shown: Iterable[tuple[Any, Sequence[_Leaf], Mapping[str, Any]]]) -> Awaitable[bool]:
        """Write the audit log of what an answer shows; whether it may be returned.

        Args:
            shown: its objects: each one's source, what is selected of it, and its members.
        """
        for source, leaves, data in shown:
            access: Access | None = source.access
            if access is not None:
                access.add(leaves, data)
        return self._audit.settle()

    def begin_again(self) -> None:
        """Restart what is counted, because the operation is executed again."""
        self.given_as_data.clear()
        self.loader.begin_again()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._deadline.close()
            self._audit.close()
        finally:
            await self.loader.close()
