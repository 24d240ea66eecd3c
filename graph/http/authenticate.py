"""Who calls, and whether the caller may ask again already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.errors import code_of
from graph.security.audit import AuditEvent, Caller
from graph.security.errors import RateLimitedError, UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.http.exchange import Exchange
    from graph.security.authentication import Authenticate
    from graph.security.budgets import Budgets, CostStatus


class Callers:
    """Recognizes callers and counts what they ask for; refusals are put on record.

    Args:
        authenticate: finds the viewer in the headers.
        budgets: the viewers' budgets.
        emit: takes the audit event of each refusal.
    """

    def __init__(self, authenticate: Authenticate, budgets: Budgets, emit: Callable[[AuditEvent], None]) -> None:
        self._authenticate = authenticate
        self._budgets = budgets
        self._emit = emit

    async def authenticate(self, exchange: Exchange) -> Caller:
        """The caller of a request, which is counted.

        Raises:
            UnauthenticatedError: without valid credentials.
            KeysUnavailableError: when they cannot be verified right now.
            RateLimitedError: when the viewer asks too often.
        """
        try:
            viewer = await self._authenticate(exchange.headers)
        except UnauthenticatedError as error:
            code = code_of(error).value
            # The reason is a constant of ours: which rule the credentials break, which the client is not told.
            self._emit(
                AuditEvent("refused", exchange.request_id, exchange.address, code=code, reason=error.reason)
            )
            raise
        caller = Caller(viewer, exchange.address, exchange.request_id)
        try:
            await self._budgets.spend_request(viewer)
        except RateLimitedError as error:
            self._limited(caller, error)
            raise
        return caller

    async def spend_cost(self, caller: Caller, cost: int) -> CostStatus | None:
        """Count the cost of an operation; what is left, or None for a viewer without bounds.

        Raises:
            RateLimitedError: when it is more than is left.
        """
        try:
            return await self._budgets.spend_cost(caller.viewer, cost)
        except RateLimitedError as error:
            self._limited(caller, error)
            raise

    def _limited(self, caller: Caller, error: RateLimitedError) -> None:
        self._emit(
            AuditEvent(
                "refused",
                caller.request_id,
                caller.address,
                viewer_kind=caller.viewer.kind,
                viewer_id=caller.viewer.id,
                code=code_of(error).value,
                reason=error.budget,
            )
        )
