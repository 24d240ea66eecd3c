"""GraphQL over HTTP: one call per step, from the request's headers to the answer.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from graph.context import RequestContext
from graph.graphql import request as parameters
from graph.graphql.errors import DocumentError, introspection_refused
from graph.graphql.persisted import Unseen
from graph.http import accept as negotiation
from graph.http.body import ClientDisconnectedError, check_content_type, content_type_fault, read_body
from graph.http.disconnect import while_connected
from graph.http.error_responses import not_acceptable, presented, refusal
from graph.http.header_cache import Memo
from graph.http.report import RequestReport
from graph.http.request_timeout import timeout_of
from graph.http.responses import Answer, HttpError, json_answer
from graph.resilience.deadline import Deadline, DeadlineTimer
from graph.security.audit import Caller
from graph.security.viewer import ANONYMOUS

if TYPE_CHECKING:
    from graph.graphql.documents import Document, Operation, Resolved
    from graph.graphql.executor import OperationExecutor
    from graph.graphql.persisted import DocumentResolver
    from graph.graphql.request import GraphQLRequest
    from graph.http.authenticate import Gate
    from graph.http.exchange import Exchange
    from graph.http.graphiql import Explorer
    from graph.resilience.admission import Admission
    from graph.security.budgets import CostStatus
    from graph.security.viewer import Viewer

CLIENT_CLOSED_REQUEST: Final = 499
"""The status, in logs and metrics alone, of a request whose client went away: nginx made it known."""

_ALLOW: Final = (b"allow", b"GET, POST")
_ALLOW_POST: Final = (b"allow", b"POST")

ContextFactory = Callable[[Caller, Deadline], AbstractAsyncContextManager[RequestContext]]


class GraphQLEndpoint:
    """Answers the requests of the GraphQL path.

    Args:
        executor: executes operations.
        documents: finds the document of a request.
        gate: recognizes the caller, and refuses one who asks too often.
        new_context: makes the context of one request of a caller, which waits until a deadline.
        may_introspect: whether a viewer may query the schema.
        admission: counts the operations that are executed, and refuses one too many.
        request_timeout: seconds for a request, from its start; a client may ask for fewer.
        max_body_bytes: bound of a request's body.
        get: whether GET is answered; never for an operation that takes a card number: URLs end up in logs and
            histories.
        explorer: the page for browsers, or None.
        on_request: told of every request when it is answered or its client has gone.
    """

    def __init__(
        self,
        executor: OperationExecutor,
        documents: DocumentResolver,
        gate: Gate,
        new_context: ContextFactory,
        *,
        may_introspect: Callable[[Viewer], bool],
        admission: Admission,
        request_timeout: float,
        max_body_bytes: int,
        get: bool,
        explorer: Explorer | None,
        on_request: Callable[[RequestReport], None],
    ) -> None:
        self._executor = executor
        self._documents = documents
        self._gate = gate
        self._new_context = new_context
        self._may_introspect = may_introspect
        self._admission = admission
        self._request_timeout = request_timeout
        self._deadlines = DeadlineTimer()
        self._max_body_bytes = max_body_bytes
        self._get = get
        self._explorer = explorer
        self._on_request = on_request
        self._accepted_type = Memo(negotiation.accepted_type)
        self._content_type_fault = Memo(content_type_fault)

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one HTTP request."""
        started = time.perf_counter()
        report = RequestReport(exchange.request_id, exchange.method)
        try:
            answer = await self._answer(exchange, report)
        except ClientDisconnectedError:
            report.status = CLIENT_CLOSED_REQUEST
        else:
            await exchange.reply(answer)
            report.status = int(answer.status)
        report.seconds = time.perf_counter() - started
        self._on_request(report)

    async def _answer(self, exchange: Exchange, report: RequestReport) -> Answer:
        fields = exchange.fields
        accept = fields.joined(b"accept") or b""
        if self._explorer is not None and _is_for_a_person(exchange, accept):
            status, page_headers, page = self._explorer.page()
            return Answer(status, page, tuple(page_headers))
        media_type = self._accepted_type(accept)
        if media_type is None:
            return not_acceptable(report)
        try:
            deadline = Deadline(timeout_of(fields, self._request_timeout), self._deadlines)
            caller = await self._gate.caller(exchange)
            viewer = caller.viewer
            report.viewer = viewer.kind
            report.viewer_id = None if viewer is ANONYMOUS else viewer.id
            request = await self._read(exchange)
            # Not before: whoever sends a body slowly must not keep others out.
            with self._admission:
                executing = self._execute(request, caller, deadline, media_type, report)
                return await while_connected(exchange.receive, executing)
        except ClientDisconnectedError:
            raise
        except Exception as error:  # noqa: BLE001 - every refusal is an answer, and so is what nobody foresaw
            return refusal(error, media_type, report)

    async def _read(self, exchange: Exchange) -> GraphQLRequest:
        match exchange.method:
            case "POST":
                fields = exchange.fields
                check_content_type(fields, self._content_type_fault)
                return parameters.from_json(await read_body(fields, exchange.receive, limit=self._max_body_bytes))
            case "GET" if self._get:
                return parameters.from_query_string(exchange.scope["query_string"])
            case "GET":
                raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "GET is switched off.", [_ALLOW_POST])
            case _:
                raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "The method must be GET or POST.", [_ALLOW])

    async def _execute(
        self, request: GraphQLRequest, caller: Caller, deadline: Deadline, media_type: str, report: RequestReport
    ) -> Answer:
        resolved = await self._resolved(request, caller, report.method)
        document, variables = resolved.document, request.variables
        if resolved.hoisted:
            # Last: these names are the gateway's, whatever the client gives for them.
            variables = {**variables, **resolved.hoisted}
        report.document = document.sha256
        operation = document.operation(request.operation_name)
        report.operation_type, report.operation = operation.kind, operation.shown_name
        report.roots = operation.roots
        self._check(document, operation, caller.viewer, report.method)
        cost = operation.cost(variables)
        left = await self._gate.spend_cost(caller, cost)
        async with self._new_context(caller, deadline) as context:
            try:
                result = await self._executor.execute(document, operation, variables, context)
            finally:
                report.upstream_calls, report.saved_calls = context.upstream_calls, context.saved_calls
        payload: dict[str, Any] = {}
        if result.errors:
            payload["errors"] = presented(result.errors, report)
        payload["data"] = result.data
        if request.wants_cost:
            payload["extensions"] = {"cost": _cost_figures(cost, left)}
        return json_answer(HTTPStatus.OK, payload, media_type=media_type)

    async def _resolved(self, request: GraphQLRequest, caller: Caller, method: str) -> Resolved:
        """The document of a request; one that must be read is paid for before, whatever comes of it."""
        try:
            found = await self._documents.find(request)
        except DocumentError:
            if method == "GET" and request.persisted_hash is not None and request.variables:
                # Not "unknown": the client would register it by POST, and be refused from the next GET on.
                raise _not_by_get() from None
            raise
        if isinstance(found, Unseen):
            if found.cost:
                await self._gate.spend_cost(caller, found.cost)
            found = await self._documents.read(found, introspection=self._may_introspect(caller.viewer))
        return found

    def _check(self, document: Document, operation: Operation, viewer: Viewer, method: str) -> None:
        """Refuse what a document may not do by this method or for this viewer."""
        if method == "GET" and (operation.takes_card_numbers or document.sha256 is None):
            raise _not_by_get()
        if document.introspects and not self._may_introspect(viewer):
            raise introspection_refused()


def _not_by_get() -> HttpError:
    message = "This operation must be sent by POST: a URL is no place for a card number."
    return HttpError(HTTPStatus.METHOD_NOT_ALLOWED, message, [_ALLOW_POST])


def _is_for_a_person(exchange: Exchange, accept: bytes) -> bool:
    if exchange.method != "GET" or not negotiation.prefers_html(accept.decode("latin-1")):
        return False
    return not parameters.names_parameters(exchange.scope["query_string"])


def _cost_figures(cost: int, left: CostStatus | None) -> dict[str, Any]:
    """`extensions.cost`, in the shape that Shopify's API made known; no throttle where there is no bound."""
    figures: dict[str, Any] = {"requestedQueryCost": cost}
    if left is not None:
        figures["throttleStatus"] = {
            "maximumAvailable": left.maximum,
            "currentlyAvailable": left.available,
            "restoreRate": left.restore_rate,
        }
    return figures
