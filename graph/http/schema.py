"""The schema as a file, `GET /graphql/schema.graphql`, for whoever may query the schema."""

from __future__ import annotations

import time
from hashlib import sha256
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from graph.graphql.cost import SCHEMA_COST
from graph.header_values import parts
from graph.http.responses import HttpError, error_response
from graph.resilience.slots import AtCapacityError
from graph.security.authorization import ANONYMOUS, Scope
from graph.security.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.http.authenticate import Callers
    from graph.http.clients import KnownClients
    from graph.http.exchange import Exchange
    from graph.http.report import RequestReport
    from graph.resilience.slots import Admission
    from graph.security.authorization import Viewer

_ALLOW: Final = MappingProxyType({"allow": "GET, HEAD"})
# No media type is registered for schemas, and browsers show this one.
_MEDIA_TYPE: Final = "text/plain; charset=utf-8"


class SchemaEndpoint:
    """Answers requests for the schema's file.

    Args:
        sdl: the file.
        callers: authenticates the caller and enforces rate limits.
        clients: tells which client sends a request.
        may_introspect: whether a viewer may query the schema.
        admission: limits concurrent operations.
        on_request: called once a request is answered.
    """

    def __init__(
        self,
        sdl: str,
        callers: Callers,
        clients: KnownClients,
        *,
        may_introspect: Callable[[Viewer], bool],
        admission: Admission,
        on_request: Callable[[RequestReport], None],
    ) -> None:
        self._body = sdl.encode("utf-8")
        self._etag = f'"{sha256(self._body).hexdigest()}"'
        self._callers = callers
        self._clients = clients
        self._may_introspect = may_introspect
        self._admission = admission
        self._on_request = on_request

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one HTTP request."""
        started = time.perf_counter()
        report = exchange.report()
        report.roots = "schema.graphql"
        try:
            self._admission.check()
            response = await self._answer(exchange, report)
        except Exception as error:  # noqa: BLE001 - every error has a response, also an unexpected one
            report.at_capacity = isinstance(error, AtCapacityError)
            report.note([error])
            response = error_response(error, exchange.request_id)
        await exchange.reply(response)
        report.status = int(response.status_code)
        report.seconds = time.perf_counter() - started
        self._on_request(report)

    async def _answer(self, exchange: Exchange, report: RequestReport) -> Response:
        report.clients = exchange.clients = self._clients.of(exchange.headers)
        caller = await self._callers.authenticate(exchange)
        viewer = caller.viewer
        report.viewer, report.viewer_id = viewer.kind, None if viewer is ANONYMOUS else viewer.id
        if exchange.method not in ("GET", "HEAD"):
            raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "The method must be GET or HEAD.", _ALLOW)
        if not self._may_introspect(viewer):
            raise ForbiddenError(Scope.INTROSPECT)
        headers = {"etag": self._etag}
        if self._is_known(", ".join(exchange.headers.get("if-none-match", ()))):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        await self._callers.spend_cost(caller, SCHEMA_COST)
        if exchange.method == "HEAD":
            return Response(headers={**headers, "content-length": str(len(self._body))}, media_type=_MEDIA_TYPE)
        return Response(self._body, headers=headers, media_type=_MEDIA_TYPE)

    def _is_known(self, if_none_match: str) -> bool:
        """Whether the client has this version (RFC 9110 section 13.1.2)."""
        return any(tag.removeprefix("W/") in (self._etag, "*") for tag in parts(if_none_match))
