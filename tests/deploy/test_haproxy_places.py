"""Concurrency limits of the balancer: what is forwarded, what is queued, what is refused."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from schema.errors import ErrorCode
from tests.deploy.asking_front import assert_refusal, client
from tests.deploy.fake_gateway import balanced_fakes
from tests.server.raw_http import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.deploy.balancer import Balancer
    from tests.deploy.fake_gateway import FakeGateway


def _are_given(fakes: tuple[FakeGateway, FakeGateway], count: int, queued: int) -> bool:
    return queued + sum(len(fake.requests) for fake in fakes) == count


@asynccontextmanager
async def waiting(
    front: Balancer, fakes: tuple[FakeGateway, FakeGateway], count: int
) -> AsyncIterator[list[asyncio.Task[httpx.Response]]]:
    """This many requests, all forwarded or queued; the gateways answer after the block."""
    for fake in fakes:
        fake.free.clear()
    already = sum(len(fake.requests) for fake in fakes)
    async with client(front.url) as asking, asyncio.TaskGroup() as group:
        requests = []
        for number in range(1, count + 1):
            requests.append(group.create_task(asking.post("/graphql", content=b"{}")))
            # One by one: HAProxy's threads may forward one too many of simultaneous requests.
            await front.until(partial(_are_given, fakes, already + number))
        yield requests
        for fake in fakes:
            fake.free.set()


async def test_no_gateway_gets_more_at_once_than_it_shall_and_the_others_wait(tmp_path: Path) -> None:
    async with balanced_fakes(tmp_path, GATEWAY_MAXCONN="2") as (front, fakes):
        async with waiting(front, fakes, 7) as requests:
            reached = [len(fake.requests) for fake in fakes]
        statuses = [request.result().status_code for request in requests]
        logged = await front.logged(7)
    assert (reached, statuses) == ([2, 2], [200] * 7)
    assert sum(line["queue_ms"] > 0 for line in logged) == 3


async def test_a_request_that_finds_the_queue_full_is_refused_at_once_in_the_gateways_format(
    tmp_path: Path,
) -> None:
    async with balanced_fakes(tmp_path, GATEWAY_MAXCONN="1", QUEUE_MAX="3") as (front, fakes):
        async with waiting(front, fakes, 5) as requests, client(front.url) as one_more:
            refused = await one_more.post("/graphql", content=b"{}")
            reached = [len(fake.requests) for fake in fakes]
        statuses = [request.result().status_code for request in requests]
        (first, *_) = await front.logged(6)
    assert (
        refused.status_code,
        refused.headers["retry-after"],
        refused.headers["cache-control"],
    ) == (503, "1", "private, no-store")
    assert_refusal(ErrorCode.OVERLOADED, refused.json(), retryable=True, retryAfterMs=1000)
    assert (reached, statuses) == ([1, 1], [200] * 5)
    # Answered first, while the gateways were busy.
    assert (first["status"], first["server"]) == (503, "<NOSRV>")


async def test_a_client_that_disconnects_leaves_the_queue_and_the_gateway(tmp_path: Path) -> None:
    async with (
        balanced_fakes(tmp_path, GATEWAY_MAXCONN="1") as (front, fakes),
        waiting(front, fakes, 5) as impatient,
    ):
        for one in impatient:
            one.cancel()
        # Although no gateway has answered yet.
        await front.until_left()
        gone = [line["state"] for line in await front.logged(5)]
        async with waiting(front, fakes, 2) as (first, second):
            pass
    # All were ended by their clients, none by a timeout.
    assert [state[0] for state in gone] == ["C"] * 5
    assert [first.result().status_code, second.result().status_code] == [200, 200]


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 65000", b"x" * 64_000),
        (b"X-Long: " + b"x" * 28_000 + b"\r\nContent-Length: 60000", b"x" * 50_000),
        (b"Transfer-Encoding: chunked", b"fa00\r\n" + b"x" * 64_000 + b"\r\n"),
    ],
    ids=["a long body", "a long header", "chunks"],
)
async def test_a_large_request_that_is_not_whole_takes_no_place(tmp_path: Path, head: bytes, body: bytes) -> None:
    raw = b"POST /graphql HTTP/1.1\r\nHost: gateway\r\n" + head + b"\r\n\r\n" + body
    async with balanced_fakes(tmp_path, GATEWAY_MAXCONN="1", QUEUE_MAX="1") as (front, fakes):
        with ExitStack() as slow:
            for _ in range(4):
                slow.enter_context(Wire(urlsplit(front.url).port or 0)).send(raw)
            async with client(front.url) as asking:
                answers = [(await asking.post("/graphql", content=b"{}")).text for _ in range(5)]
        reached = fakes[0].requests + fakes[1].requests
    assert answers == ["fine"] * 5
    assert len(reached) == 5


@pytest.mark.parametrize("chunked", [True, False])
async def test_the_largest_body_that_a_gateway_takes_gets_through_and_no_larger_one(
    tmp_path: Path, *, chunked: bool
) -> None:
    async def content(length: int) -> AsyncIterator[bytes]:
        yield b"x" * length

    async with balanced_fakes(tmp_path) as (front, fakes), client(front.url) as asking:
        answers = [
            await asking.post(
                "/graphql",
                content=content(length) if chunked else b"x" * length,
                headers={"X-Long": "x" * (28_000 if length == 65_536 else 1)},
            )
            for length in (65_536, 65_537)
        ]
        # A client that still sends may not be able to read the refusal.
        with suppress(httpx.TransportError):
            answers.append(await asking.post("/graphql", content=content(1_000_000)))
        reached = fakes[0].requests + fakes[1].requests
    assert [200, 413, 413][: len(answers)] == [answer.status_code for answer in answers]
    assert len(reached) == 1
    assert_refusal(ErrorCode.BAD_REQUEST, answers[1].json(), retryable=False)


async def test_with_the_line_full_the_gateways_are_still_asked_whether_they_live(tmp_path: Path) -> None:
    settings = {"GATEWAY_MAXCONN": "1", "QUEUE_MAX": "1"}
    async with balanced_fakes(tmp_path, **settings) as (front, fakes), client(front.url) as asking:
        async with waiting(front, fakes, 3):
            refused = await asking.post("/graphql", content=b"{}")
            alive = asyncio.ensure_future(asking.get("/livez"))
            await front.until(lambda queued: queued == 2)
        answer = await alive
    assert (refused.status_code, answer.status_code) == (503, 200)
