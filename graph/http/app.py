"""The ASGI app: which path is answered by what."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Route

from graph.http.front import Front

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response

    from graph.http.client_address import ClientAddresses
    from graph.http.cors import OriginRules
    from graph.http.endpoint import GraphQLEndpoint
    from graph.http.graphiql import Explorer

GRAPHQL_PATH: Final = "/graphql"


def make_app(
    endpoint: GraphQLEndpoint,
    explorer: Explorer | None,
    addresses: ClientAddresses,
    origins: OriginRules,
    *,
    around: Sequence[Middleware] = (),
    lifespan: Any = None,
) -> Starlette:
    """The gateway's app.

    Args:
        endpoint: answers the GraphQL path.
        explorer: has the files of the page for browsers; None when there is no page.
        addresses: see `graph.http.front`.
        origins: likewise.
        around: further middleware, around everything.
        lifespan: as Starlette has it.
    """
    routes = [Route("/", _home), Route("/livez", _alive)]
    if explorer is not None:
        routes.append(Route(f"{GRAPHQL_PATH}/explorer/{{name}}", _assets(explorer)))
    app = Starlette(routes=routes, lifespan=lifespan)
    routing = ExceptionMiddleware(app.router, {HTTPException: _not_found})
    # Not by the argument: Starlette would put one more around it for what fails, which the front answers already.
    app.middleware_stack = Front(routing, addresses, origins, {GRAPHQL_PATH: endpoint})
    for cls, args, kwargs in reversed(around):
        app.middleware_stack = cls(app.middleware_stack, *args, **kwargs)
    # The redirect from a path with a slash at its end would name whatever host the request names.
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


async def _not_found(_request: Request, error: Exception) -> Response:
    """Answer what no route takes, without repeating the path: it may hold anything."""
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    headers = error.headers if isinstance(error, HTTPException) else None
    return PlainTextResponse("This gateway answers /graphql.\n", status, headers)
