"""The middleware that every request passes, on all paths."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, cast

import pytest
from starlette.responses import Response

from graph.http.app import make_app
from graph.http.client_address import ClientAddresses
from graph.http.cors import OriginRules
from graph.http.exchange import Exchange
from graph.http.front import Front
from tests.support import gateway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from graph.http.endpoint import GraphQLEndpoint

    Endpoint = Callable[[Exchange], Awaitable[None]]


def app_with(endpoint: Endpoint, wrap: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> Starlette:
    """The gateway's app with another endpoint."""
    graphql = cast("GraphQLEndpoint", endpoint)
    return make_app(graphql, None, ClientAddresses(), OriginRules(), wrap=wrap)


def front_of(endpoint: Endpoint) -> Front:
    """The front of an app that does what the endpoint does."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await endpoint(Exchange(scope, receive, send))

    return Front(app)


async def sent_by(app: ASGIApp, where: str = "/graphql") -> list[Message]:
    """The messages that an app has sent when it ends in any way."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": where, "query_string": b"", "headers": []}
    try:
        await app(scope, receive, send)
    except KeyError:
        sent.append({"type": "raised"})
    except asyncio.CancelledError:
        sent.append({"type": "cancelled"})
    return sent


async def failing(_exchange: Exchange) -> None:
    raise KeyError("canary 9491339400000013")


async def failing_late(exchange: Exchange) -> None:
    await exchange.reply(Response(b"answer"))
    raise KeyError("canary 9491339400000013")


async def cancelled(_exchange: Exchange) -> None:
    raise asyncio.CancelledError


async def cancelled_late(exchange: Exchange) -> None:
    await exchange.reply(Response(b"answer"))
    raise asyncio.CancelledError


@pytest.mark.parametrize("make", [app_with, front_of])
@pytest.mark.parametrize(
    ("endpoint", "status", "code", "end"),
    [
        (failing, 500, "INTERNAL_SERVER_ERROR", "raised"),
        (cancelled, 503, "OVERLOADED", "cancelled"),
    ],
)
async def test_a_failure_before_the_response_is_answered_without_internals_and_raised(
    make: Callable[[Endpoint], ASGIApp], endpoint: Endpoint, status: int, code: str, end: str
) -> None:
    start, body, last = await sent_by(make(endpoint))
    fields = dict(start["headers"])
    extensions = json.loads(body["body"])["errors"][0]["extensions"]
    assert (status, b"private, no-store", code, end) == (
        start["status"],
        fields[b"cache-control"],
        extensions["code"],
        last["type"],
    )
    assert fields[b"x-request-id"].decode() == extensions["requestId"]
    assert b"canary" not in body["body"]


@pytest.mark.parametrize("make", [app_with, front_of])
@pytest.mark.parametrize(("endpoint", "end"), [(failing_late, "raised"), (cancelled_late, "cancelled")])
async def test_a_failure_after_the_response_sends_no_second_one(
    make: Callable[[Endpoint], ASGIApp], endpoint: Endpoint, end: str
) -> None:
    assert ["http.response.start", "http.response.body", end] == [
        message["type"] for message in await sent_by(make(endpoint))
    ]


async def test_the_wrapping_middleware_sees_every_path_once() -> None:
    seen: list[str] = []

    def noting(app: ASGIApp) -> ASGIApp:
        async def note(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append("wrapper")
            await app(scope, receive, send)

        return note

    async def endpoint(exchange: Exchange) -> None:
        seen.append("endpoint")
        await exchange.reply(Response())

    app = app_with(endpoint, noting)
    await sent_by(app)
    await sent_by(app, "/livez")
    assert seen == ["wrapper", "endpoint", "wrapper"]


async def test_every_path_carries_the_same_headers_that_keep_a_response_private() -> None:
    async with gateway() as running:
        short = await running.post("{ __typename }")
        long = await running.client.get("/livez")
    assert (short.status_code, long.status_code) == (200, 200)
    own = {"content-type", "content-length", "server-timing", "x-request-id"}
    assert {name: value for name, value in short.headers.items() if name not in own} == {
        name: value for name, value in long.headers.items() if name not in own
    }
    # Anonymous callers have every scope.
    assert set(short.headers) == {*long.headers, "server-timing"}


@pytest.mark.parametrize("where", ["/graphql/", "/graphql%0A", "/Graphql", "/graphql/x"])
async def test_only_the_exact_path_is_graphql(where: str) -> None:
    async with gateway() as running:
        answer = await running.client.post(where, json={"query": "{ __typename }"})
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "private, no-store"
