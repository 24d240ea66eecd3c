"""The ASGI app: its routes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Route

from graph.header_values import by_name
from graph.http.accept import JSON
from graph.http.body import read_body
from graph.http.cors import is_loopback_host
from graph.http.front import Front
from graph.http.responses import HttpError, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from graph.http.client_address import ClientAddresses
    from graph.http.cors import OriginRules
    from graph.http.endpoint import GraphQLEndpoint
    from graph.http.front import Handler
    from graph.http.graphiql import Explorer
    from graph.http.schema import SchemaEndpoint
    from graph.security.guests import Guests

GRAPHQL_PATH: Final = "/graphql"
SCHEMA_PATH: Final = f"{GRAPHQL_PATH}/schema.graphql"
_MAX_ROLE_BYTES: Final = 100


def make_app(
    endpoint: GraphQLEndpoint,
    explorer: Explorer | None,
    addresses: ClientAddresses,
    origins: OriginRules,
    *,
    schema: SchemaEndpoint | None = None,
    wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    lifespan: Any = None,
) -> Starlette:
    """The gateway's app.

    Args:
        endpoint: answers GraphQL.
        explorer: the page for browsers, or None.
        addresses: finds clients' addresses.
        origins: decides about cross-origin requests.
        schema: answers with the schema's file, or None for no such path.
        wrap: puts one more middleware around everything.
        lifespan: of the app.
    """
    routes = [Route("/", _home), Route("/livez", _alive)]
    if explorer is not None:
        if explorer.guests is not None:
            routes.append(Route(f"{GRAPHQL_PATH}/explorer/token", _token(explorer.guests), methods=["POST"]))
        routes.append(Route(f"{GRAPHQL_PATH}/explorer/{{name}}", _assets(explorer)))
    app = Starlette(routes=routes, lifespan=lifespan)
    routing = ExceptionMiddleware(app.router, {HTTPException: _http_error})
    shortcuts: dict[str, Handler] = {GRAPHQL_PATH: endpoint}
    if schema is not None:
        shortcuts[SCHEMA_PATH] = schema
    # Set directly, because Starlette would add its ServerErrorMiddleware; the front handles errors already.
    app.middleware_stack = wrap(Front(routing, addresses, origins, shortcuts))
    # The redirect from a path with a trailing slash would name any host that the request names.
    app.router.redirect_slashes = False
    return app


async def _home(_request: Request) -> Response:
    return RedirectResponse(GRAPHQL_PATH)


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _assets(explorer: Explorer) -> Any:
    async def asset(request: Request) -> Response:
        found = explorer.asset(request.path_params["name"])
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return found

    return asset


def _token(guests: Guests) -> Any:
    async def token(request: Request) -> Response:
        # A foreign page may rebind its own name to this machine's address.
        if not is_loopback_host(request.headers.get("host", "")):
            raise HTTPException(HTTPStatus.FORBIDDEN)
        # JSON, because browsers send no page's JSON to another origin without asking.
        if request.headers.get("content-type") != JSON:
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            body = await read_body(by_name(request.scope["headers"]), request.receive, limit=_MAX_ROLE_BYTES)
        except HttpError as error:
            raise HTTPException(error.status) from None
        authorization = guests.authorization(body.decode("utf-8", "replace").strip('"'))
        if authorization is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return json_response(HTTPStatus.OK, {"Authorization": authorization})

    return token


async def _http_error(_request: Request, error: Exception) -> Response:
    """Answer what no route accepts. The path is not repeated, as it may contain anything."""
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    headers = error.headers if isinstance(error, HTTPException) else None
    return PlainTextResponse("This gateway serves GraphQL at /graphql.\n", status, headers)
