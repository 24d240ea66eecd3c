"""Authentication and rate limits of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.errors import code_of
from graph.security.audit import AuditEvent, Caller
from graph.security.errors import BudgetError, BudgetTooSmallError, UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.http.exchange import Exchange
    from graph.security.authentication import Authenticate
    from graph.security.budgets import Budgets, CostStatus


class Callers:
    """Authenticates callers and charges their budgets; `emit` receives an audit event for each refusal."""

    def __init__(self, authenticate: Authenticate, budgets: Budgets, emit: Callable[[AuditEvent], None]) -> None:
        self._authenticate = authenticate
        self._budgets = budgets
        self._emit = emit

    async def authenticate(self, exchange: Exchange) -> Caller:
        """The caller of a request, after charging the request to its budget.

        Raises:
            UnauthenticatedError: without valid credentials.
            KeysUnavailableError: when they cannot be verified right now.
            RateLimitedError: when the viewer sends too many requests.
        """
        try:
            viewer = await self._authenticate(exchange.headers)
        except UnauthenticatedError as error:
            code = code_of(error).value
            # The reason, a constant, names the rule that the credentials break. The client does not see it.
            self._emit(
                AuditEvent(
                    "refused",
                    exchange.request_id,
                    exchange.address,
                    code=code,
                    reason=error.reason,
                    clients=exchange.clients,
                )
            )
            raise
        caller = Caller(viewer, exchange.address, exchange.request_id, exchange.clients)
        try:
            await self._budgets.spend_request(viewer)
        except BudgetError as error:
            self._limited(caller, error)
            raise
        return caller

    async def spend_cost(self, caller: Caller, cost: int, paid: int = 0) -> CostStatus | None:
        """Charge the cost of an operation; what is left, or None for a viewer without a budget.

        Args:
            caller: who pays.
            cost: negative to give back what was not needed.
            paid: what was charged for the same operation before.

        Raises:
            BudgetTooSmallError: when the cost exceeds what the viewer may spend at once; nothing is charged.
            RateLimitedError: when the cost exceeds what is left.
        """
        allowance = caller.viewer.allowance
        try:
            if allowance is not None and paid + cost > allowance.cost_burst:
                raise BudgetTooSmallError("cost", allowance.cost_burst)
            return await self._budgets.spend_cost(caller.viewer, cost, paid)
        except BudgetError as error:
            self._limited(caller, error)
            raise

    def _limited(self, caller: Caller, error: BudgetError) -> None:
        self._emit(
            AuditEvent(
                "refused",
                caller.request_id,
                caller.address,
                viewer_kind=caller.viewer.kind,
                viewer_id=caller.viewer.id,
                code=code_of(error).value,
                reason=error.budget,
                clients=caller.clients,
            )
        )
