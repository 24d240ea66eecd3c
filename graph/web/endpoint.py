"""GraphQL over HTTP: one call per step, from the request's headers to the answer.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError
from starlette.datastructures import Headers

from graph.context import RequestContext
from graph.errors import GatewayError, code_of, present_all
from graph.execution import request as parameters
from graph.execution.documents import DocumentError
from graph.execution.executor import execute
from graph.redact import safe_name
from graph.web import negotiation
from graph.web.body import ClientDisconnectedError, check_content_type, read_body
from graph.web.middleware import request_id_of
from graph.web.responses import Answer, HttpError, json_answer
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLSchema
    from starlette.types import Receive, Scope, Send

    from graph.execution.documents import Documents
    from graph.execution.request import GraphQLRequest
    from graph.web.explorer import Explorer

_ALLOW: Final = (b"allow", b"GET, POST")
_ALLOW_POST: Final = (b"allow", b"POST")

ContextFactory = Callable[[], AbstractAsyncContextManager[RequestContext]]


@dataclass(slots=True)
class RequestReport:
    """What is known of one request once it is answered; made for logs and metrics, free of secrets."""

    request_id: str
    method: str
    status: int = 0
    seconds: float = 0.0
    operation: str | None = None
    codes: list[str] = field(default_factory=list)
    upstream_calls: int = 0
    saved_calls: int = 0
    unexpected: list[BaseException] = field(default_factory=list)
    """Exceptions that no table foresees. Their messages may hold anything and must not be logged."""


class GraphQLEndpoint:
    """The ASGI app behind `/graphql`.

    Args:
        schema: the executable schema.
        documents: parses, validates and remembers documents.
        new_context: makes the context of one request.
        max_body_bytes: bound of a request's body.
        get: whether GET is answered; never for an operation with an argument at its root, which could be a card
            number: URLs end up in logs and histories.
        explorer: the page for browsers, or None.
        on_request: told of every request when it is answered.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        documents: Documents,
        new_context: ContextFactory,
        *,
        max_body_bytes: int,
        get: bool,
        explorer: Explorer | None,
        on_request: Callable[[RequestReport], None],
    ) -> None:
        self._schema = schema
        self._documents = documents
        self._new_context = new_context
        self._max_body_bytes = max_body_bytes
        self._get = get
        self._explorer = explorer
        self._on_request = on_request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        started = time.perf_counter()
        report = RequestReport(request_id_of(scope), scope["method"])
        try:
            answer = await self._answer(scope, receive, report)
        except ClientDisconnectedError:
            return
        await answer.send(send)
        report.status = int(answer.status)
        report.seconds = time.perf_counter() - started
        self._on_request(report)

    async def _answer(self, scope: Scope, receive: Receive, report: RequestReport) -> Answer:
        headers = Headers(scope=scope)
        accept = ", ".join(headers.getlist("accept")) or None
        if self._explorer is not None and _is_for_a_person(scope, accept):
            status, page_headers, page = self._explorer.page()
            return Answer(status, page, page_headers)
        media_type = negotiation.answer_type(accept)
        if media_type is None:
            message = f"Answers are {negotiation.GRAPHQL_RESPONSE} or {negotiation.JSON}."
            refused = GatewayError(ErrorCode.BAD_REQUEST, message)
            return _refusal(HTTPStatus.NOT_ACCEPTABLE, [_shown(refused)], negotiation.JSON, report)
        return await self._respond(scope, headers, receive, media_type, report)

    async def _respond(
        self, scope: Scope, headers: Headers, receive: Receive, media_type: str, report: RequestReport
    ) -> Answer:
        try:
            request = await self._read(scope, headers, receive)
            return await self._execute(request, media_type, report)
        except HttpError as error:
            cause = GatewayError(ErrorCode.BAD_REQUEST, error.message)
            return _refusal(error.status, [_shown(cause)], media_type, report, error.headers)
        except GatewayError as error:
            return _refusal(HTTPStatus.BAD_REQUEST, [_shown(error)], media_type, report)
        except DocumentError as error:
            # A well-formed request whose document is refused: before the media type of its own, such an answer
            # was a 200, and clients that ask for application/json expect that.
            status = HTTPStatus.OK if media_type == negotiation.JSON else HTTPStatus.BAD_REQUEST
            return _refusal(status, error.errors, media_type, report)
        except Exception as error:  # noqa: BLE001 - the last resort: an answer without internals
            unexpected = GraphQLError("", original_error=error)
            return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, [unexpected], media_type, report)

    async def _read(self, scope: Scope, headers: Headers, receive: Receive) -> GraphQLRequest:
        match scope["method"]:
            case "POST":
                check_content_type(headers)
                return parameters.from_json(await read_body(headers, receive, limit=self._max_body_bytes))
            case "GET" if self._get:
                return parameters.from_query_string(scope["query_string"])
            case "GET":
                raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "GET is switched off.", [_ALLOW_POST])
            case _:
                raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "The method must be GET or POST.", [_ALLOW])

    async def _execute(self, request: GraphQLRequest, media_type: str, report: RequestReport) -> Answer:
        document = self._documents.get(request.query)
        operation = document.operation(request.operation_name)
        report.operation = safe_name(operation.name) if operation.name else None
        if report.method == "GET" and operation.takes_arguments:
            message = "This operation must be sent by POST: a URL is no place for a card number."
            raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, message, [_ALLOW_POST])
        async with self._new_context() as context:
            result = await execute(self._schema, document, operation, request.variables, context)
        report.upstream_calls, report.saved_calls = context.upstream_calls, context.saved_calls
        payload: dict[str, Any] = {}
        if result.errors:
            payload["errors"] = _present(result.errors, report)
        payload["data"] = result.data
        return json_answer(HTTPStatus.OK, payload, media_type=media_type)


def _is_for_a_person(scope: Scope, accept: str | None) -> bool:
    return scope["method"] == "GET" and b"query=" not in scope["query_string"] and negotiation.prefers_html(accept)


def _shown(error: GatewayError) -> GraphQLError:
    return GraphQLError(error.message, original_error=error)


def _refusal(
    status: int,
    errors: Sequence[GraphQLError],
    media_type: str,
    report: RequestReport,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> Answer:
    """An answer without `data`: nothing was executed."""
    payload = {"errors": _present(errors, report)}
    return json_answer(status, payload, media_type=media_type, headers=headers)


def _present(errors: Sequence[GraphQLError], report: RequestReport) -> list[dict[str, Any]]:
    for error in errors:
        code = code_of(error.original_error)
        report.codes.append(code.value)
        if code is ErrorCode.INTERNAL_SERVER_ERROR:
            report.unexpected.append(error.original_error or error)
    return present_all(errors, report.request_id)
