"""Requests to a gateway, as the HTTP tests send them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx

from graph.app import create_app
from graph.playground import build_playground
from graph.security.authorization import ANONYMOUS
from tests.support import GRAPHQL_RESPONSE, gateway, sandbox_settings, sandbox_transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from graph.security.authorization import Viewer

TYPENAME = '{"query": "{ __typename }"}'
JSON = {"content-type": "application/json"}


async def send(method: str = "POST", content: str | bytes | None = TYPENAME, **headers: str) -> httpx.Response:
    """The response to a request; header names are given with underscores."""
    async with gateway() as running:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await running.client.request(
            method, "/graphql", content=content, headers={**JSON, "accept": GRAPHQL_RESPONSE, **names}
        )


def codes(response: httpx.Response) -> list[str]:
    """The codes of a response's errors."""
    return [error["extensions"]["code"] for error in response.json()["errors"]]


@asynccontextmanager
async def playing(caller: Viewer = ANONYMOUS, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway as `konagraph dev` builds it."""
    chosen = sandbox_settings(**settings)
    playground = build_playground(chosen, caller)
    app = create_app(chosen, transport=sandbox_transport(), caller=caller, playground=playground)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client,
    ):
        yield client
