"""The admin port: `/livez`, `/readyz` and `/metrics`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from starlette.responses import PlainTextResponse, Response

from graph.http.responses import json_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

KeyState = Literal["none", "loaded", "stale", "missing"]
"""The keys that verify tokens: not needed, loaded, overdue for a reload, or not loaded."""

BudgetState = Literal["local", "shared", "fallback"]
"""Where budgets are kept: in this process; in Redis; in this process because Redis does not answer."""


class Health:
    """The readiness of this process, which needs its keys and a writable audit log.

    An open breaker does not make it unready, as every other gateway has the same upstream.
    """

    def __init__(
        self,
        keys: Callable[[], KeyState] = lambda: "none",
        breakers: Callable[[], Mapping[str, str]] = dict,
        budgets: Callable[[], BudgetState] = lambda: "local",
        audit: Callable[[], bool] = lambda: True,
    ) -> None:
        self._keys = keys
        self._breakers = breakers
        self._budgets = budgets
        self._audit = audit
        self.started = False
        """Whether the application has started."""
        self.draining = False
        """Whether the process is shutting down."""

    @property
    def ready(self) -> bool:
        """Whether load balancers should send requests here."""
        return self.started and not self.draining and self._keys() != "missing" and self._audit()

    def drain(self) -> None:
        """Report from now on that the process is shutting down."""
        self.draining = True

    def report(self) -> dict[str, object]:
        """The state, in constant words."""
        state = "draining" if self.draining else "started" if self.started else "starting"
        return {
            "ready": self.ready,
            "state": state,
            "keys": self._keys(),
            "breakers": dict(self._breakers()),
            "budgets": self._budgets(),
            "audit": "written" if self._audit() else "unavailable",
        }


def admin_app(health: Health, metrics: Callable[[], Response]) -> ASGIApp:
    """The ASGI app of the admin port, which has no authentication; `metrics` builds the response to `/metrics`."""

    def response_to(method: str, path: str) -> Response:
        if method not in ("GET", "HEAD"):
            return Response(status_code=HTTPStatus.METHOD_NOT_ALLOWED, headers={"allow": "GET, HEAD"})
        match path:
            case "/livez":
                return PlainTextResponse("ok\n")
            case "/readyz":
                status = HTTPStatus.OK if health.ready else HTTPStatus.SERVICE_UNAVAILABLE
                return json_response(status, health.report())
            case "/metrics":
                return metrics()
            case _:
                text = "This port answers /livez, /readyz and /metrics.\n"
                return PlainTextResponse(text, HTTPStatus.NOT_FOUND)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await response_to(scope["method"], scope["path"])(scope, receive, send)

    return app
