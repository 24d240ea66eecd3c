"""An upstream that breaks its response for one card: code and retries; everything else works."""

from __future__ import annotations

import asyncio
import gzip
import socket

import httpx
import pytest

from graph.resilience.breaker import BreakerRules
from graph.resilience.guard import GuardRules
from tests.faults.card_upstream import (
    BALANCE,
    SILENCE,
    WELL,
    CardUpstream,
    drip,
    flood,
    hang_up,
    reflect,
    reset,
    say,
)
from tests.faults.jumping_clock import jumping
from tests.faults.rows import INVALID, TIMEOUT, UNAVAILABLE, Row, check
from tests.faults.whole_gateway import (
    BOTH,
    ONLY_GOOD,
    Failure,
    failures,
    gateway_over,
    networked,
    open_files,
)
from tests.konaplate.faulty_upstream import chunk, head, http
from tests.tools import settle

TOTAL, ATTEMPT = 2.5, 1.5
LONGEST_PAUSE = 0.25
SLACK = 0.05
CHUNKED = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
MANY_HEADERS = "".join(f"X-{number}: {'x' * 1_000}\r\n" for number in range(200)).encode()
MIB = 1024 * 1024


GONE: dict[str, Row] = {
    "closed without an answer": Row(hang_up(), UNAVAILABLE, 2),
    "reset without an answer": Row(reset(), UNAVAILABLE, 2),
}
"""The connection ends before a response begins: retried at once."""

BROKEN: dict[str, Row] = {
    "reset within the head": Row(reset(b"HTTP/1.1 200 OK\r\nContent-"), UNAVAILABLE, 1),
    "another protocol": Row(hang_up(b"220 mail.example.com ESMTP\r\n"), UNAVAILABLE, 1),
    "closed within the head": Row(hang_up(b"HTTP/1.1 200 OK\r\nContent-"), UNAVAILABLE, 1),
    "closed within the body": Row(hang_up(http(WELL)[:-1]), UNAVAILABLE, 1),
    "reset within the body": Row(reset(http(WELL)[:-1]), UNAVAILABLE, 1),
    "closed within the chunks": Row(hang_up(CHUNKED + chunk(WELL)), UNAVAILABLE, 1),
    "garbage instead of a chunk": Row(say(CHUNKED + b"no chunk\r\n"), UNAVAILABLE, 1),
    "garbage status line": Row(say(b"\x16\x03\x01 garbage\r\n\r\n"), UNAVAILABLE, 1),
    "the request sent back": Row(reflect, UNAVAILABLE, 1),
    "one huge header": Row(say(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000), UNAVAILABLE, 1),
    "many large headers": Row(say(b"HTTP/1.1 200 OK\r\n" + MANY_HEADERS), UNAVAILABLE, 1),
    "two lengths": Row(
        say(head("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2") + WELL), UNAVAILABLE, 1
    ),
    "protocol switched": Row(
        say(head("HTTP/1.1 101 Switching Protocols", "Upgrade: h2c", "Connection: upgrade")), UNAVAILABLE, 1
    ),
    "gzip bomb": Row(
        say(http(gzip.compress(WELL + b" " * 20 * MIB), headers=["Content-Encoding: gzip"])),
        INVALID,
        1,
        retryable=False,
        counted=False,
    ),
    "50 MB": Row(
        flood(head("HTTP/1.1 200 OK", f"Content-Length: {50 * MIB}"), b" " * 65_536),
        INVALID,
        1,
        retryable=False,
        counted=False,
    ),
    "without measure": Row(flood(CHUNKED, chunk(b" " * 65_536)), INVALID, 1, retryable=False, counted=False),
}

SLOW: dict[str, Row] = {
    "silence": Row(SILENCE, TIMEOUT, 2),
    "stops within the head": Row(say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"), TIMEOUT, 2),
    "stops within the body": Row(say(http(WELL)[:-1]), TIMEOUT, 2),
    "stops before the last chunk": Row(say(CHUNKED + chunk(WELL)), TIMEOUT, 2),
    "head in drops": Row(drip(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"), TIMEOUT, 2),
    "one header in drops": Row(drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"), TIMEOUT, 2),
    "body in drops": Row(drip(head("HTTP/1.1 200 OK", "Content-Length: 9999") + b'{"a":', b"1"), TIMEOUT, 2),
    "chunks in drops": Row(drip(CHUNKED, chunk(b" ")), TIMEOUT, 2),
    "body without an end in drops": Row(drip(head("HTTP/1.1 200 OK"), b" "), TIMEOUT, 2),
    "informational answers for ever": Row(drip(b"", head("HTTP/1.1 102 Processing")), TIMEOUT, 2),
}
"""Ended by the limits of each attempt and of the whole call."""

EVERY = {**GONE, **BROKEN, **SLOW}

TOLD_APART_BY_LEAN_ONLY = ("closed within the head", "reset within the head", "another protocol")
"""httpx reports these like a connection that ends without a byte, so they are retried."""


@pytest.mark.parametrize("row", [*GONE.values(), *BROKEN.values()], ids=[*GONE, *BROKEN])
@jumping
async def test_a_broken_answer_fails_one_card_at_once_and_leaves_nothing_behind(row: Row) -> None:
    # No pause: a new connection is as good now as later.
    assert await check(row, CardUpstream(row.act)) == 0


@pytest.mark.parametrize("row", SLOW.values(), ids=SLOW)
@jumping
async def test_a_slow_answer_fails_one_card_within_the_upstreams_time(row: Row) -> None:
    upstream = CardUpstream(row.act)
    took = await check(row, upstream)
    assert TOTAL <= took <= TOTAL + SLACK
    first, second = upstream.bad_calls
    assert ATTEMPT <= second - first <= ATTEMPT + LONGEST_PAUSE


@pytest.mark.parametrize("name", EVERY)
@jumping
async def test_the_other_transport_fails_in_the_same_way(name: str) -> None:
    row = EVERY[name]
    if name in TOLD_APART_BY_LEAN_ONLY:
        row = row._replace(attempts=2)
    assert await check(row, CardUpstream(row.act), httpx.AsyncHTTPTransport(trust_env=False)) <= TOTAL + SLACK


@pytest.mark.parametrize("row", EVERY.values(), ids=EVERY)
@jumping
async def test_no_fault_outlasts_the_clients_own_patience(row: Row) -> None:
    loop, upstream = asyncio.get_running_loop(), CardUpstream(row.act)
    async with gateway_over(upstream) as gateway:
        started = loop.time()
        answer = (await gateway.post(BOTH, None, **{"x-request-timeout-ms": "150"})).json()
        took = loop.time() - started
        await settle()
        assert {asyncio.current_task()} == asyncio.all_tasks() - upstream.tasks
        await upstream.until_spoiled_closed()
    assert answer["data"] == {"good": {"balance": BALANCE}, "bad": None}
    assert [Failure(["bad"], row.code, row.retryable)] == failures(answer)
    assert took <= 0.15 + SLACK


@pytest.mark.parametrize("row", [*GONE.values(), *SLOW.values()], ids=[*GONE, *SLOW])
@jumping
async def test_a_fault_that_passes_is_not_seen(row: Row) -> None:
    upstream = CardUpstream(row.act, say(http(WELL)))
    async with gateway_over(upstream) as gateway:
        answer = await gateway.query(BOTH)
    assert answer == {"data": {"good": {"balance": BALANCE}, "bad": {"balance": BALANCE}}}
    assert len(upstream.bad_calls) == 2


@jumping
async def test_a_refused_connection_is_tried_once_more_after_a_pause() -> None:
    loop, before = asyncio.get_running_loop(), open_files()
    with socket.socket() as nobody:
        # Bound, to reserve the port, but not listening.
        nobody.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{nobody.getsockname()[1]}/open-api"
        async with networked(base_url, GuardRules(breaker=BreakerRules(minimum_calls=1))) as gateway:
            answer = await gateway.query(ONLY_GOOD.replace("{ good", "{ __typename good"))
            took = loop.time()
            refused = await gateway.query(ONLY_GOOD)
            assert loop.time() == took
    await settle()
    assert answer["data"] == {"__typename": "Query", "good": None}
    assert [Failure(["good"], UNAVAILABLE, retryable=True)] == failures(answer)
    assert 0.05 <= took <= LONGEST_PAUSE
    # The second response came without a call.
    assert ["retryAfterMs" in one["errors"][0]["extensions"] for one in (answer, refused)] == [False, True]
    assert (before, {asyncio.current_task()}) == (open_files(), asyncio.all_tasks())
