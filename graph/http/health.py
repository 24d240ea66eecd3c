"""What the gateway says of itself on its admin port: `/livez`, `/readyz` and `/metrics`. Pure ASGI."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, Protocol

from graph.http.accept import JSON
from graph.http.responses import Answer, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive, Scope, Send

Keys = Literal["none", "loaded", "stale", "missing"]
"""The keys that verify tokens: none are needed; loaded; loaded, but not of late; not loaded."""

Budgets = Literal["local", "shared", "fallback"]
"""Where viewers' budgets are kept: in this process; in Redis; in this process because Redis does not answer."""

_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_ALLOW: Final = (b"allow", b"GET, HEAD")


class Metrics(Protocol):
    """Where the numbers of `/metrics` come from."""

    @property
    def content_type(self) -> str:
        """The media type of what `render` gives."""
        ...

    def render(self) -> bytes:
        """All numbers, in Prometheus' text format."""
        ...


class Health:
    """Whether this process should be sent requests, and what else there is to see of its state.

    Args:
        keys: state of the keys that verify tokens.
        breakers: state of each upstream API's breaker. An open one is no reason to stop sending requests here:
            every other gateway has the same upstream.
        budgets: where viewers' budgets are kept. Without Redis they still hold, in this process.
        audit: whether the audit log can be written. Without it, no personal data is given out.
    """

    def __init__(
        self,
        keys: Callable[[], Keys] = lambda: "none",
        breakers: Callable[[], Mapping[str, str]] = dict,
        budgets: Callable[[], Budgets] = lambda: "local",
        audit: Callable[[], bool] = lambda: True,
    ) -> None:
        self._keys = keys
        self._breakers = breakers
        self._budgets = budgets
        self._audit = audit
        self.started = False
        """Whether the application has been opened."""
        self.draining = False
        """Whether the process is about to end."""

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.started and not self.draining and self._keys() != "missing" and self._audit()

    def drain(self) -> None:
        """Say from now on that the process is about to end."""
        self.draining = True

    def report(self) -> dict[str, object]:
        """The state in constant words."""
        state = "draining" if self.draining else "started" if self.started else "starting"
        return {
            "ready": self.ready,
            "state": state,
            "keys": self._keys(),
            "breakers": dict(self._breakers()),
            "budgets": self._budgets(),
            "audit": "written" if self._audit() else "unavailable",
        }


class AdminApp:
    """The ASGI app of the admin port. It asks nobody who is calling.

    Args:
        health: the state of the process.
        metrics: its numbers; looked up at each request, None while there are none.
    """

    def __init__(self, health: Health, metrics: Callable[[], Metrics | None]) -> None:
        self._health = health
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - no body is read
        """Answer one HTTP request."""
        if scope["method"] not in ("GET", "HEAD"):
            answer = Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"", (_ALLOW,))
        else:
            answer = self._answer(scope["path"])
        await answer.send(send)

    def _answer(self, path: str) -> Answer:
        match path:
            case "/livez":
                return Answer(HTTPStatus.OK, b"ok\n", (_TEXT,))
            case "/readyz":
                status = HTTPStatus.OK if self._health.ready else HTTPStatus.SERVICE_UNAVAILABLE
                return json_answer(status, self._health.report(), media_type=JSON)
            case "/metrics":
                metrics = self._metrics()
                if metrics is not None:
                    fields = ((b"content-type", metrics.content_type.encode("ascii")),)
                    return Answer(HTTPStatus.OK, metrics.render(), fields)
        return Answer(HTTPStatus.NOT_FOUND, b"This port answers /livez, /readyz and /metrics.\n", (_TEXT,))
