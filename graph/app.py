"""The composition root: the only place that knows every part by name."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from graph.context import RequestContext
from graph.execution.documents import DocumentLimits, Documents
from graph.resilience.deadline import Deadline
from graph.telemetry.logs import RequestLog
from graph.upstream import build_client
from graph.web.endpoint import GraphQLEndpoint
from graph.web.explorer import Explorer
from graph.web.middleware import PrivateAnswers
from graph.web.routes import GRAPHQL_PATH, not_found, routes
from schema.query import build_schema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from graphql import GraphQLSchema

    from graph.settings import Settings

EXAMPLE_QUERY: Final = """\
query Card($cardNo: CardNumber!) {
  card(cardNo: $cardNo) {
    maskedCardNo
    balance
    cardStatus
    serviceName
    member {
      userId
      profile { userName }
    }
    cashReceiptInfo { maskedIdNo }
  }
}
"""
"""What the explorer shows at first."""

_NO_CARD: Final = "0" * 16


def create_app(
    settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None, example_card: str | None = None
) -> Starlette:
    """Put the gateway together.

    Args:
        settings: see `graph.settings`.
        transport: moves the bytes to Konaplate; None for the network. The sandbox and the tests pass their own.
        example_card: the card number of the explorer's first query; None for a number that no card has.

    Raises:
        SettingsError: when a key or certificate cannot be used.
    """
    log = RequestLog()
    client = build_client(settings, transport, log.on_call)
    schema = build_schema()
    explorer = _explorer(settings, example_card or _NO_CARD)
    slots = asyncio.Semaphore(settings.konaplate_max_connections)

    def new_context() -> RequestContext:
        deadline = Deadline(settings.konagraph_request_timeout)
        return RequestContext(client, slots=slots, deadline=deadline, max_cards=settings.konagraph_max_cards)

    endpoint = GraphQLEndpoint(
        schema,
        _documents(settings, schema),
        new_context,
        max_body_bytes=settings.konagraph_max_body_bytes,
        get=settings.allowed_in_development(settings.konagraph_get),
        explorer=explorer,
        on_request=log.on_request,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await client.aclose()

    return Starlette(
        routes=routes(endpoint, explorer),
        middleware=[Middleware(PrivateAnswers)],
        exception_handlers={HTTPException: not_found},
        lifespan=lifespan,
    )


def _documents(settings: Settings, schema: GraphQLSchema) -> Documents:
    limits = DocumentLimits(
        characters=settings.konagraph_max_document_characters,
        tokens=settings.konagraph_max_document_tokens,
        cached=settings.konagraph_document_cache,
    )
    introspection = settings.allowed_in_development(settings.konagraph_introspection)
    return Documents(schema, limits, introspection=introspection)


def _explorer(settings: Settings, example_card: str) -> Explorer | None:
    if not settings.allowed_in_development(settings.konagraph_explorer):
        return None
    return Explorer(
        settings.konagraph_explorer_directory,
        endpoint=GRAPHQL_PATH,
        default_query=EXAMPLE_QUERY,
        default_variables=orjson.dumps({"cardNo": example_card}, option=orjson.OPT_INDENT_2).decode(),
    )
