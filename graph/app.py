"""The composition root: the only place that knows every part by name."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from graph.context import Guards, RequestContext
from graph.documents import build_documents
from graph.protection import build_protection
from graph.resilience.deadline import Deadline
from graph.security.audit import RequestAudit
from graph.security.authorization import Authorization
from graph.security.viewer import Scope
from graph.settings import Settings, SettingsError
from graph.telemetry.audit_log import AuditLog
from graph.telemetry.logs import RequestLog
from graph.upstream import build_client
from graph.web.client_address import ClientAddresses
from graph.web.endpoint import GraphQLEndpoint
from graph.web.explorer import Explorer
from graph.web.gate import Gate
from graph.web.middleware import PrivateAnswers
from graph.web.origin import Origins
from graph.web.routes import GRAPHQL_PATH, not_found, routes
from schema.query import build_schema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from graph.security.audit import Caller

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
        SettingsError: when a key, certificate or manifest cannot be used.
    """
    log = RequestLog()
    audit = _audit_log(settings)
    protection = build_protection(settings, on_key_failure=log.on_key_failure, on_fallback=log.on_limiter_fallback)
    client = build_client(settings, transport, log.on_call)
    schema = build_schema()
    explorer = _explorer(settings, example_card or _NO_CARD)
    slots = asyncio.Semaphore(settings.konaplate_max_connections)

    def new_context(caller: Caller) -> RequestContext:
        return RequestContext(
            client,
            Guards(
                Authorization(caller.viewer),
                protection.budgets,
                RequestAudit(caller, protection.refs, audit.emit),
            ),
            slots=slots,
            deadline=Deadline(settings.konagraph_request_timeout),
            max_cards=settings.konagraph_max_cards,
        )

    endpoint = GraphQLEndpoint(
        schema,
        build_documents(settings, log.on_untrusted_document, protection.redis),
        Gate(protection.authenticate, protection.budgets, audit.emit),
        new_context,
        may_introspect=lambda viewer: (
            settings.allowed_in_development(settings.konagraph_introspection) or viewer.may(Scope.INTROSPECT)
        ),
        max_body_bytes=settings.konagraph_max_body_bytes,
        get=settings.allowed_in_development(settings.konagraph_get),
        explorer=explorer,
        on_request=log.on_request,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await protection.open()
        yield
        await client.aclose()
        await protection.aclose()
        audit.close()

    app = Starlette(
        routes=routes(endpoint, explorer),
        middleware=[
            Middleware(PrivateAnswers, ClientAddresses(settings.konagraph_trusted_proxies)),
            Middleware(Origins, settings.konagraph_allowed_origins),
        ],
        exception_handlers={HTTPException: not_found},
        lifespan=lifespan,
    )
    # The redirect from a path with a slash at its end would name whatever host the request names.
    app.router.redirect_slashes = False
    return app


def _audit_log(settings: Settings) -> AuditLog:
    try:
        return AuditLog(settings.konagraph_audit_log)
    except OSError:
        raise SettingsError(["KONAGRAPH_AUDIT_LOG names a file that cannot be written"]) from None


def _explorer(settings: Settings, example_card: str) -> Explorer | None:
    if not settings.allowed_in_development(settings.konagraph_explorer):
        return None
    return Explorer(
        settings.konagraph_explorer_directory,
        endpoint=GRAPHQL_PATH,
        default_query=EXAMPLE_QUERY,
        default_variables=orjson.dumps({"cardNo": example_card}, option=orjson.OPT_INDENT_2).decode(),
    )
