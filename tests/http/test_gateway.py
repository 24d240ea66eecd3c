"""The two ways through the gateway: the short one of the GraphQL path, and Starlette's."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from graph.http.app import Gateway, GraphQLPath
from graph.http.client_address import ClientAddresses
from graph.http.cors import OriginRules
from graph.http.overload import Overload, OverloadHooks
from graph.http.responses import Answer
from graph.resilience.admission import Admission
from tests.support import gateway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from graph.http.endpoint import GraphQLEndpoint
    from graph.http.exchange import Exchange


def path(endpoint: Callable[[Exchange], Awaitable[None]]) -> GraphQLPath:
    """The GraphQL path with another endpoint, and nothing that refuses."""
    overload = Overload(Admission(1), hooks=OverloadHooks(), clock=lambda: 0.0)
    return GraphQLPath(cast("GraphQLEndpoint", endpoint), ClientAddresses(), OriginRules(), overload)


async def sent_by(app: ASGIApp, where: str = "/graphql") -> list[Message]:
    """What an app has sent when it ends, in whatever way."""
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
    await exchange.reply(Answer(200, b"answer"))
    raise KeyError("canary 9491339400000013")


async def cancelled(_exchange: Exchange) -> None:
    raise asyncio.CancelledError


async def cancelled_late(exchange: Exchange) -> None:
    await exchange.reply(Answer(200, b"answer"))
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("endpoint", "status", "code", "end"),
    [
        (failing, 500, "INTERNAL_SERVER_ERROR", "raised"),
        (cancelled, 503, "OVERLOADED", "cancelled"),
    ],
)
async def test_what_ends_before_its_answer_is_answered_without_internals_and_ends_likewise(
    endpoint: Callable[[Exchange], Awaitable[None]], status: int, code: str, end: str
) -> None:
    start, body, last = await sent_by(path(endpoint))
    fields = dict(start["headers"])
    extensions = json.loads(body["body"])["errors"][0]["extensions"]
    assert (status, b"no-store", code, end) == (
        start["status"],
        fields[b"cache-control"],
        extensions["code"],
        last["type"],
    )
    assert fields[b"x-request-id"].decode() == extensions["requestId"]
    assert b"canary" not in body["body"]


@pytest.mark.parametrize(("endpoint", "end"), [(failing_late, "raised"), (cancelled_late, "cancelled")])
async def test_what_ends_after_its_answer_gets_no_second_one(
    endpoint: Callable[[Exchange], Awaitable[None]], end: str
) -> None:
    assert ["http.response.start", "http.response.body", end] == [
        message["type"] for message in await sent_by(path(endpoint))
    ]


async def test_what_goes_around_goes_around_both_ways_once() -> None:
    seen: list[str] = []

    def noting(app: ASGIApp, word: str) -> ASGIApp:
        async def note(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(word)
            await app(scope, receive, send)

        return note

    async def endpoint(exchange: Exchange) -> None:
        seen.append("endpoint")
        await exchange.reply(Answer(200, b""))

    async def other(_request: Request) -> PlainTextResponse:
        seen.append("other")
        return PlainTextResponse("")

    arguments: dict[str, Any] = {"routes": [Route("/other", other)]}
    inner = [Middleware(noting, "inner")]
    app = Gateway(path(endpoint), [Middleware(noting, "1"), Middleware(noting, "2")], inner, **arguments)
    await sent_by(app)
    await sent_by(app, "/other")
    assert ["1", "2", "endpoint", "1", "2", "inner", "other"] == seen


async def test_both_ways_carry_the_same_headers_that_keep_an_answer_private() -> None:
    async with gateway() as running:
        short = await running.post("{ __typename }")
        long = await running.client.get("/livez")
    assert (200, 200) == (short.status_code, long.status_code)
    own = {"content-type", "content-length", "x-request-id"}
    assert {name: value for name, value in short.headers.items() if name not in own} == {
        name: value for name, value in long.headers.items() if name not in own
    }
    assert set(short.headers) == set(long.headers)


@pytest.mark.parametrize("where", ["/graphql/", "/graphql%0A", "/Graphql", "/graphql/x"])
async def test_only_the_exact_path_is_graphql(where: str) -> None:
    async with gateway() as running:
        answer = await running.client.post(where, json={"query": "{ __typename }"})
    assert 404 == answer.status_code
    assert "no-store" == answer.headers["cache-control"]
