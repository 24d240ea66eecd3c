"""Which path is answered by what."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from graph.http.graphiql import Explorer

GRAPHQL_PATH: Final = "/graphql"


def routes(explorer: Explorer | None) -> list[BaseRoute]:
    """The routing table of the gateway, without the GraphQL path, which goes a shorter way."""
    table: list[BaseRoute] = [
        Route("/", endpoint=_home, methods=["GET"]),
        Route("/livez", endpoint=_alive, methods=["GET"]),
    ]
    if explorer is not None:
        table.append(Route(f"{GRAPHQL_PATH}/explorer/{{name}}", endpoint=_assets(explorer), methods=["GET"]))
    return table


async def not_found(_request: Request, error: Exception) -> Response:
    """Answer what no route takes, without repeating the path: it may hold anything."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    return PlainTextResponse("This gateway answers /graphql.\n", status_code=status, headers=headers)


async def _home(_request: Request) -> Response:
    return RedirectResponse(GRAPHQL_PATH)


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _assets(explorer: Explorer) -> Callable[[Request], Awaitable[Response]]:
    async def asset(request: Request) -> Response:
        found = explorer.asset(request.path_params["name"])
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        status, headers, body = found
        response = Response(body, status_code=status)
        response.raw_headers = [*headers, (b"content-length", str(len(body)).encode("ascii"))]
        return response

    return asset
