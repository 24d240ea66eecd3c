"""GraphQL over HTTP: the steps from a request's headers to its response.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import ClientDisconnect

from graph.context import RequestContext
from graph.errors import present_all
from graph.graphql.bill import Bill
from graph.graphql.errors import DocumentError, introspection_refused
from graph.graphql.request import CardNumberInUrlError, from_json, from_query_string, names_parameters
from graph.http.accept import GRAPHQL_RESPONSE, JSON, prefers_html, response_type
from graph.http.body import check_content_type, read_body
from graph.http.clients import client_of_request
from graph.http.disconnect import while_connected
from graph.http.exchange import request_timeout
from graph.http.report import CLIENT_CLOSED_REQUEST
from graph.http.request_trace import RequestTrace
from graph.http.responses import HttpError, error_response, json_response
from graph.resilience.deadline import Deadline, DeadlineTimer
from graph.resilience.slots import AtCapacityError
from graph.security.audit import Caller
from graph.security.authorization import ANONYMOUS, Scope

if TYPE_CHECKING:
    from starlette.responses import Response

    from graph.graphql.executor import OperationExecutor
    from graph.graphql.operation import Document, Operation
    from graph.graphql.persisted import DocumentResolver
    from graph.graphql.request import GraphQLRequest
    from graph.http.authenticate import Callers
    from graph.http.clients import KnownClients
    from graph.http.exchange import Exchange
    from graph.http.graphiql import Explorer
    from graph.http.report import RequestReport
    from graph.http.status import StatusCodes
    from graph.resilience.slots import Admission
    from graph.security.authorization import Viewer
    from graph.security.budgets import CostStatus

# QUERY is POST that proxies may repeat: RFC 10008.
_WITH_BODY: Final = ("POST", "QUERY")
_ALLOW: Final = MappingProxyType({"allow": "GET, POST, QUERY", "accept-query": JSON})
_ALLOW_BODY: Final = MappingProxyType({"allow": "POST, QUERY", "accept-query": JSON})

ContextFactory = Callable[[Caller, Deadline], AbstractAsyncContextManager[RequestContext]]


class GraphQLEndpoint:
    """Answers requests for the GraphQL path.

    Args:
        executor: executes operations.
        documents: finds the document of a request.
        callers: authenticates the caller and enforces rate limits.
        new_context: creates the context of one request, with its deadline.
        clients: tells which client sends a request.
        may_introspect: whether a viewer may query the schema.
        admission: limits concurrent operations.
        request_timeout: seconds for a request; a client may ask for fewer.
        max_body_bytes: maximum size of a request's body.
        statuses: chooses the HTTP statuses of responses.
        get: whether GET is allowed; never for operations that take card numbers, because URLs end up in logs.
        explorer: the page for browsers, or None.
        traces: whether clients may ask what happened upstream; only with the embedded sandbox.
        on_request: called once a request is answered or its client has disconnected.
    """

    def __init__(
        self,
        executor: OperationExecutor,
        documents: DocumentResolver,
        callers: Callers,
        new_context: ContextFactory,
        clients: KnownClients,
        *,
        may_introspect: Callable[[Viewer], bool],
        admission: Admission,
        request_timeout: float,
        max_body_bytes: int,
        statuses: StatusCodes,
        get: bool,
        explorer: Explorer | None,
        traces: bool,
        on_request: Callable[[RequestReport], None],
    ) -> None:
        self._executor = executor
        self._documents = documents
        self._callers = callers
        self._new_context = new_context
        self._clients = clients
        self._may_introspect = may_introspect
        self._admission = admission
        self._request_timeout = request_timeout
        self._deadlines = DeadlineTimer()
        self._max_body_bytes = max_body_bytes
        self._statuses = statuses
        self._get = get
        self._explorer = explorer
        self._traces = traces
        self._on_request = on_request

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one HTTP request."""
        started = time.perf_counter()
        report = exchange.report()
        try:
            response = await self._respond(exchange, report)
        except ClientDisconnect:
            report.status = CLIENT_CLOSED_REQUEST
        else:
            if report.timing is not None:
                response.raw_headers.append(report.timing.server_timing(time.perf_counter() - started))
            await exchange.reply(response)
            report.status = int(response.status_code)
        RequestTrace.end()
        report.seconds = time.perf_counter() - started
        self._on_request(report)

    async def _respond(self, exchange: Exchange, report: RequestReport) -> Response:
        accept = ", ".join(exchange.headers.get("accept", ()))
        if self._explorer is not None and exchange.method == "GET" and _is_for_a_person(exchange, accept):
            return self._explorer.page()
        media_type = response_type(accept)
        try:
            # First, because the work of a refusal is lost to the requests that are answered.
            self._admission.check()
            return await self._answer(exchange, media_type, report)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - every error has a response, also an unexpected one
            report.at_capacity = isinstance(error, AtCapacityError)
            report.note(error.errors if isinstance(error, DocumentError) else [error])
            return error_response(error, exchange.request_id, media_type or JSON, self._statuses)

    async def _answer(self, exchange: Exchange, media_type: str | None, report: RequestReport) -> Response:
        if media_type is None:
            raise HttpError(HTTPStatus.NOT_ACCEPTABLE, f"Answers are {GRAPHQL_RESPONSE} or {JSON}.")
        deadline = Deadline(request_timeout(exchange.headers, self._request_timeout), self._deadlines)
        report.clients = exchange.clients = self._clients.of(exchange.headers)
        caller = await self._callers.authenticate(exchange)
        viewer = caller.viewer
        report.viewer, report.viewer_id = viewer.kind, None if viewer is ANONYMOUS else viewer.id
        request = await self._read(exchange)
        # Not before the body is read: slow clients must not take up capacity.
        with self._admission:
            execution = self._execute(request, caller, deadline, report)
            # Other methods may have a body that has not been read, which only `receive` consumes.
            on_disconnect = exchange.on_disconnect() if exchange.method in _WITH_BODY else None
            payload = await while_connected(exchange.receive, execution, on_disconnect)
            return json_response(self._statuses.of_result(payload, media_type), payload, media_type)

    async def _read(self, exchange: Exchange) -> GraphQLRequest:
        match exchange.method:
            case "POST" | "QUERY":
                check_content_type(exchange.headers)
                return from_json(await read_body(exchange.headers, exchange.receive, limit=self._max_body_bytes))
            case "GET" if self._get:
                try:
                    return from_query_string(exchange.scope["query_string"])
                except CardNumberInUrlError:
                    raise _not_by_get() from None
            case "GET":
                raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "GET is switched off.", _ALLOW_BODY)
            case _ if self._get:
                raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "The method must be GET, POST or QUERY.", _ALLOW)
            case _:
                raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "The method must be POST or QUERY.", _ALLOW_BODY)

    async def _execute(
        self, request: GraphQLRequest, caller: Caller, deadline: Deadline, report: RequestReport
    ) -> dict[str, Any]:
        began = time.perf_counter()
        spend = partial(self._callers.spend_cost, caller)
        resolved = await self._documents.find(request, spend, partial(self._may_introspect, caller.viewer))
        document = resolved.document
        report.document, report.clients = document.sha256, client_of_request(document.clients, report.clients)
        operation = document.operation(request.operation_name)
        report.operation_type, report.operation = operation.kind, operation.shown_name
        report.roots, report.named = operation.roots, operation.named
        self._check(document, operation, caller.viewer, report.method)
        # Hoisted variables last: the client must not override them.
        is_traced, may_see_times = self._traces and request.wants_trace, caller.viewer.may(Scope.SEE_TIMES)
        trace = RequestTrace.begin(began) if is_traced or may_see_times else None
        report.timing = trace if may_see_times else None
        variables = {**request.variables, **resolved.hoisted} if resolved.hoisted else request.variables
        cost = operation.cost(variables)
        left = await spend(cost)
        bill = Bill(operation, variables, cost, spend, left) if operation.lists else None
        async with self._new_context(caller._replace(clients=report.clients), deadline) as context:
            try:
                result = await self._executor.execute(document, operation, variables, context, bill)
            finally:
                loader = context.loader
                report.upstream_calls, report.saved_calls = loader.stats.attempts, loader.saved_calls
        if bill is not None:
            await bill.close()
            left = bill.status
        payload: dict[str, Any] = {}
        report.note(context.given_as_data)
        if result.errors:
            report.note(result.errors)
            payload["errors"] = present_all(result.errors, report.request_id)
        payload["data"] = result.data
        extensions: dict[str, Any] = {}
        if request.wants_cost:
            extensions["cost"] = _cost_figures(cost, bill, left)
        if is_traced and trace is not None:
            extensions["trace"] = trace.figures(context, document, stored=self._documents.has_stored(document))
        if extensions:
            payload["extensions"] = extensions
        return payload

    def _check(self, document: Document, operation: Operation, viewer: Viewer, method: str) -> None:
        """Refuse operations that this method or this viewer may not execute."""
        if method == "GET" and operation.size.takes_card_numbers:
            raise _not_by_get()
        if document.introspects and not self._may_introspect(viewer):
            raise introspection_refused(needs=Scope.INTROSPECT)


def _not_by_get() -> HttpError:
    message = "This operation must be sent by POST or QUERY: a URL is no place for a card number."
    return HttpError(HTTPStatus.METHOD_NOT_ALLOWED, message, _ALLOW_BODY)


def _is_for_a_person(exchange: Exchange, accept: str) -> bool:
    return prefers_html(accept) and not names_parameters(exchange.scope["query_string"])


def _cost_figures(cost: int, bill: Bill | None, left: CostStatus | None) -> dict[str, Any]:
    """`extensions.cost`, in the format of Shopify's API; no throttle status for a viewer without a budget."""
    figures: dict[str, Any] = {"requestedQueryCost": cost}
    if bill is not None:
        figures["actualQueryCost"] = bill.cost
    if left is not None:
        figures["throttleStatus"] = {
            "maximumAvailable": left.maximum,
            "currentlyAvailable": left.available,
            "restoreRate": left.restore_rate,
        }
    return figures
