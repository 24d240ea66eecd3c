"""Beyond capacity, only further operations are refused, at once and cheaply."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from graph.app import create_app
from graph.http.report import RequestReport
from graph.telemetry.metrics import Metrics
from graph.telemetry.requests import RequestTelemetry
from tests.security.jwt_gateway import jwt_settings
from tests.security.jwt_maker import claims, ec_signer, key_set
from tests.support import GRAPHQL_RESPONSE, Blocking, Gateway, gateway, sandbox_settings
from tests.telemetry.capture import logs_as

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive

    from tests.telemetry.capture import Unredacted

QUERY = '{ card(cardNo: "9491339400000013") { balance } }'
JSON = {"Content-Type": "application/json"}
BODY = json.dumps({"query": QUERY}).encode()


@asynccontextmanager
async def full(**variables: object) -> AsyncIterator[tuple[Gateway, asyncio.Task[httpx.Response]]]:
    """A gateway at its capacity: one operation, whose upstream is silent."""
    upstream = Blocking()
    async with gateway(upstream, KONAGRAPH_MAX_REQUESTS=1, **variables) as running:
        first = asyncio.ensure_future(running.post(QUERY))
        await upstream.arrived.wait()
        try:
            yield running, first
        finally:
            first.cancel()
            await asyncio.wait([first])


def assert_is_overloaded(answer: httpx.Response) -> None:
    request_id = answer.headers["x-request-id"]
    extensions = {"code": "OVERLOADED", "retryable": True, "requestId": request_id, "retryAfterMs": 1000}
    assert (
        answer.status_code,
        answer.headers["retry-after"],
        answer.headers["cache-control"],
    ) == (503, "1", "private, no-store")
    assert {
        "errors": [{"message": "The gateway cannot answer right now.", "extensions": extensions}]
    } == answer.json()


async def test_one_operation_too_many_is_refused_in_the_words_of_its_code() -> None:
    async with full() as (running, _):
        answer = await running.post(QUERY)

    assert_is_overloaded(answer)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_the_refusal_has_the_form_that_the_client_accepts() -> None:
    async with full() as (running, _):
        answer = await running.post(QUERY, Accept=GRAPHQL_RESPONSE)

    assert_is_overloaded(answer)
    assert answer.headers["content-type"] == f"{GRAPHQL_RESPONSE}; charset=utf-8"


async def test_a_get_is_refused_likewise() -> None:
    async with full() as (running, _):
        answer = await running.client.get("/graphql", params={"query": "{ __typename }"})

    assert_is_overloaded(answer)


async def test_a_page_of_an_allowed_origin_may_read_the_refusal() -> None:
    async with full(KONAGRAPH_ALLOWED_ORIGINS="https://app.example") as (running, _):
        answer = await running.post(QUERY, Origin="https://app.example")

    assert_is_overloaded(answer)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "retry-after" in answer.headers["access-control-expose-headers"]


async def test_the_explorer_and_the_health_check_are_still_answered() -> None:
    async with full() as (running, _):
        page = await running.client.get("/graphql", headers={"Accept": "text/html"})
        alive = await running.client.get("/livez")

    assert page.headers["content-type"].startswith("text/html")
    assert page.status_code != 503 or b"OVERLOADED" not in page.content
    assert (alive.status_code, alive.text) == (200, "ok\n")


async def test_an_operation_that_ends_makes_room_for_the_next() -> None:
    async with full() as (running, first):
        assert (await running.post("{ __typename }")).status_code == 503
        first.cancel()
        await asyncio.wait([first])
        answer = await running.post("{ __typename }")

    assert answer.json() == {"data": {"__typename": "Query"}}


async def sent_by(app: ASGIApp, receive: Receive) -> list[Message]:
    """What an app sends in response to a request without credentials, whose body comes from `receive`."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "headers": [(b"host", b"gateway"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "scheme": "http",
        "root_path": "",
        "asgi": {"version": "3.0"},
        "state": {},
    }
    sent: list[Message] = []

    async def collect(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, collect)
    return sent


async def nothing_may_be_read() -> Message:
    raise AssertionError("the body was read")


async def test_the_refusal_comes_before_credentials_and_body_are_looked_at(tmp_path: Path) -> None:
    signer = ec_signer()
    keys = tmp_path / "jwks.json"
    keys.write_bytes(key_set(signer))
    upstream = Blocking()
    app = create_app(sandbox_settings(KONAGRAPH_MAX_REQUESTS=1, **jwt_settings(keys)), transport=upstream)
    token = signer.token(claims(scope="cards:read:any"))
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        with_room = await sent_by(app, nothing_may_be_read)
        headers = {"Authorization": f"Bearer {token}"}
        first = asyncio.ensure_future(
            client.post("http://gateway/graphql", content=BODY, headers={**headers, **JSON})
        )
        await upstream.arrived.wait()
        without = await sent_by(app, nothing_may_be_read)
        first.cancel()
        await asyncio.wait([first])

    assert (with_room[0]["status"], without[0]["status"]) == (401, 503)
    assert b'"OVERLOADED"' in without[1]["body"]


async def test_a_slow_body_takes_nobodys_place_and_is_refused_when_others_took_it() -> None:
    upstream = Blocking()
    app = create_app(sandbox_settings(KONAGRAPH_MAX_REQUESTS=1), transport=upstream)
    complete = asyncio.Event()
    asked = asyncio.Event()

    async def slowly() -> Message:
        asked.set()
        await complete.wait()
        return {"type": "http.request", "body": BODY, "more_body": False}

    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
        slow = asyncio.ensure_future(sent_by(app, slowly))
        await asked.wait()
        quick = asyncio.ensure_future(client.post("http://gateway/graphql", json={"query": QUERY}))
        await upstream.arrived.wait()
        complete.set()
        start, body = await slow
        quick.cancel()
        await asyncio.wait([quick])

    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"1")
    (error,) = json.loads(body["body"])["errors"]
    assert tuple(error["extensions"][name] for name in ("code", "retryable", "retryAfterMs")) == (
        "OVERLOADED",
        True,
        1000,
    )
    assert upstream.calls == 1


@asynccontextmanager
async def at_once(count: int) -> AsyncIterator[list[asyncio.Task[list[Message]]]]:
    """Requests started in one turn of the event loop, with complete bodies."""
    upstream = Blocking()
    app = create_app(sandbox_settings(KONAGRAPH_MAX_REQUESTS=2), transport=upstream)

    def body() -> Receive:
        unread = [BODY]

        async def receive() -> Message:
            if not unread:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": unread.pop(), "more_body": False}

        return receive

    async with app.router.lifespan_context(app):
        tasks = [asyncio.ensure_future(sent_by(app, body())) for _ in range(count)]
        await upstream.arrived.wait()
        yield tasks
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_of_many_that_come_at_once_as_many_are_executed_as_may_be() -> None:
    async with at_once(5) as tasks:
        refused = [task for task in tasks if task.done()]
        assert [task.result()[0]["status"] for task in refused] == [503] * 3


async def test_one_line_a_second_tells_of_refusals_and_none_of_each() -> None:
    with logs_as("info") as stream:
        async with full() as (running, _):
            for _ in range(3):
                assert (await running.post(QUERY)).status_code == 503
            written = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["refused"]) for line in written] == [("overloaded", 1)]


async def test_the_next_line_counts_those_since_the_last_one_and_comes_without_another_refusal() -> None:
    with logs_as("info") as stream:
        requests = RequestTelemetry(Metrics(), quiet_seconds=0.01)
        for _ in range(4):
            requests.on_request(RequestReport("r", "POST", 503, at_capacity=True))
        await asyncio.sleep(0.05)
        # Nothing was refused meanwhile, so there is no third line, and a later refusal is told at once.
        requests.on_request(RequestReport("r", "POST", 503, at_capacity=True))
        told = [json.loads(line)["refused"] for line in stream.getvalue().splitlines()]
    assert told == [1, 3, 1]


async def test_the_log_tells_of_refusals_and_the_metrics_count_them(logged: Unredacted) -> None:
    async with full() as (running, _):
        await running.post(QUERY)
        text = running.metrics.render().decode()

    warnings = [event for event in logged.events if event["log_level"] == "warning"]
    assert len(warnings) == 1
    assert 'konagraph_responses_total{status="503",viewer="none"} 1.0' in text
