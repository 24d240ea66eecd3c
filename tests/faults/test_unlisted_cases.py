"""What else an upstream or a network can do between a request and its response."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from typing import TYPE_CHECKING

import pytest

from tests.faults.card_upstream import BAD, BALANCE, GOOD, SILENCE, WELL, CardUpstream, say
from tests.faults.jumping_clock import jumping
from tests.faults.rows import INVALID, TIMEOUT, UNAVAILABLE
from tests.faults.whole_gateway import BOTH, ONLY_BAD, ONLY_GOOD, Failure, failures, gateway_over, networked
from tests.konaplate.faulty_upstream import chunk, head, http
from tests.konaplate.support import card_fields, succeeded

if TYPE_CHECKING:
    from tests.konaplate.faulty_upstream import Connection

ALL_WELL = {"data": {"good": {"balance": BALANCE}, "bad": {"balance": BALANCE}}}
CHUNKED = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
EARLY = head("HTTP/1.1 100 Continue") + head("HTTP/1.1 103 Early Hints", "Link: </a>")


def small_chunks(extension: str = "") -> bytes:
    pieces = b"".join(b"1%b\r\n%c\r\n" % (extension.encode(), byte) for byte in WELL)
    return CHUNKED + pieces + b"0\r\n\r\n"


ODD_BUT_GOOD: dict[str, bytes] = {
    "informational answers first": EARLY + http(WELL),
    "a chunk for each byte": small_chunks(),
    "chunk extensions": small_chunks(';name="value"'),
    "trailers": CHUNKED + chunk(WELL) + b"0\r\nX-Trailer: later\r\nSet-Cookie: a=b\r\n\r\n",
    "Connection: close on every answer": http(WELL, headers=["Connection: close"]),
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(WELL) + WELL,
    "a wrong content type": http(WELL, headers=["Content-Type: text/html; charset=euc-kr"]),
    "no reason phrase": b"HTTP/1.1 200 \r\nContent-Length: %d\r\n\r\n" % len(WELL) + WELL,
    "another good status": http(WELL, "201 Created"),
    "white space around": http(b" \r\n\t" + WELL + b"\n\n"),
    "a cookie": http(WELL, headers=["Set-Cookie: session=1; Path=/"]),
    "a hundred headers": http(WELL, headers=[f"X-{number}: {number}" for number in range(100)]),
    "the correlation id of nobody": http(WELL, headers=["X-KM-Correlation-Id: 200101000000-0000000"]),
    "a header that is not ASCII": http(WELL, headers=["X-Name: caf\xe9"]),
    "Retry-After on a good answer": http(WELL, headers=["Retry-After: 120"]),
}


@pytest.mark.parametrize("raw", ODD_BUT_GOOD.values(), ids=ODD_BUT_GOOD)
@jumping
async def test_an_answer_that_only_looks_odd_is_good_on_every_connection(raw: bytes) -> None:
    upstream = CardUpstream(say(raw))
    async with gateway_over(upstream) as gateway:
        for _ in range(3):
            assert await gateway.query(BOTH) == ALL_WELL
    assert len(upstream.bad_calls) == 3


async def two_answers(connection: Connection, request: bytes) -> None:
    found = re.search(rb"X-KM-Correlation-Id: (\S+)", request, re.IGNORECASE)
    assert found is not None
    echo = [f"X-KM-Correlation-Id: {found[1].decode()}"]
    other = succeeded(card_fields(balance=666))
    await connection.send(http(WELL, headers=echo) + http(other, headers=echo))


@jumping
async def test_two_answers_to_one_request_are_none() -> None:
    """It is unclear which of the two is about our card, and the second would be taken for the next response."""
    upstream = CardUpstream(two_answers, say(http(WELL)))
    async with gateway_over(upstream) as gateway:
        answers = [await gateway.query(ONLY_BAD) for _ in range(3)]
    assert [Failure(["bad"], UNAVAILABLE, retryable=True)] == failures(answers[0])
    assert answers[1:] == [{"data": {"bad": {"balance": BALANCE}}}] * 2
    assert [len(connection.requests) for connection in upstream.connections] == [1, 2]


@jumping
async def test_an_unasked_answer_on_an_idle_connection_is_nobodys() -> None:
    async def answer_and_say_more(connection: Connection, _request: bytes) -> None:
        await connection.send(http(WELL))
        await asyncio.sleep(0.1)
        await connection.send(http(succeeded(card_fields(balance=666))))

    upstream = CardUpstream(everything=answer_and_say_more)
    async with gateway_over(upstream) as gateway:
        for _ in range(3):
            assert await gateway.query(ONLY_GOOD) == {"data": {"good": {"balance": BALANCE}}}
            await asyncio.sleep(1)
    assert len(upstream.connections) == 3


@jumping
async def test_answers_that_come_in_another_order_reach_who_asked() -> None:
    """Each card on its own connection, and the last request is answered first."""
    waiting: list[asyncio.Event] = []
    balances: dict[int, int] = {}

    async def act(connection: Connection, request: bytes) -> None:
        card = int(json.loads(request.partition(b"\r\n\r\n")[2])["cardNo"])
        balances[card] = card % 1_000_000
        mine = asyncio.Event()
        waiting.append(mine)
        if len(waiting) == 10:
            for place, event in enumerate(reversed(waiting)):
                asyncio.get_running_loop().call_later(place / 100, event.set)
        await mine.wait()
        await connection.send(http(succeeded(card_fields(balance=balances[card]))))

    numbers = [f"94913394{number:08}" for number in range(10)]
    async with gateway_over(CardUpstream(everything=act)) as gateway:
        answer = await gateway.query("{ cards(cardNos: %s) { balance } }" % json.dumps(numbers))  # noqa: UP031
    assert {"data": {"cards": [{"balance": int(number) % 1_000_000} for number in numbers]}} == answer


@jumping
async def test_a_body_that_ends_with_garbage_spoils_its_connection_only() -> None:
    upstream = CardUpstream(say(http(WELL) + b"garbage that nobody asked for"), say(http(WELL)))
    async with gateway_over(upstream) as gateway:
        first, second = [await gateway.query(BOTH) for _ in range(2)]
    assert first["data"] == {"good": {"balance": BALANCE}, "bad": None}
    assert [failure.code for failure in failures(first)] == [UNAVAILABLE]
    assert second == ALL_WELL


@jumping
async def test_an_answer_before_the_request_was_sent_out_is_read() -> None:
    """This upstream responds as soon as anything arrives, and closes."""

    class Rash(CardUpstream):
        async def _play(self, connection: Connection) -> None:
            await connection.receive()
            await connection.send(http(b"", "413 Payload Too Large", ["Connection: close"]))
            connection.end()

    async with gateway_over(Rash()) as gateway:
        answer = await gateway.query(ONLY_GOOD)
    assert [Failure(["good"], INVALID, retryable=False)] == failures(answer)


@jumping
async def test_a_connection_that_closes_as_soon_as_it_is_accepted_is_tried_twice() -> None:
    class Shut(CardUpstream):
        async def _play(self, connection: Connection) -> None:
            connection.end()

    upstream = Shut()
    async with gateway_over(upstream) as gateway:
        answer = await gateway.query(ONLY_GOOD)
    assert [Failure(["good"], UNAVAILABLE, retryable=True)] == failures(answer)
    assert len(upstream.connections) == 2


@jumping
async def test_a_slow_member_leaves_the_card_answered_within_the_upstreams_time() -> None:
    loop = asyncio.get_running_loop()
    upstream = CardUpstream(members=say(b""))
    async with gateway_over(upstream) as gateway:
        answer = await gateway.query(
            f'{{ card(cardNo: "{GOOD}") {{ balance member {{ profile {{ userName }} }} }} }}'
        )
        assert pytest.approx(loop.time(), abs=0.001) == 2.5
    assert answer["data"] == {"card": {"balance": BALANCE, "member": {"profile": None}}}
    assert [Failure(["card", "member", "profile"], TIMEOUT, retryable=True)] == failures(answer)
    assert upstream.member_calls == 2


@jumping
async def test_a_card_and_its_member_together_end_with_the_request() -> None:
    loop = asyncio.get_running_loop()

    async def slow_card(connection: Connection, _request: bytes) -> None:
        await asyncio.sleep(1.4)
        await connection.send(http(WELL))

    upstream = CardUpstream(slow_card, members=say(b""))
    query = f'{{ card(cardNo: "{BAD}") {{ balance member {{ profile {{ userName }} }} }} }}'
    async with gateway_over(upstream) as gateway:
        answer = (await gateway.post(query, None, **{"x-request-timeout-ms": "2000"})).json()
        assert pytest.approx(loop.time(), abs=0.001) == 2.0
    assert answer["data"] == {"card": {"balance": BALANCE, "member": {"profile": None}}}
    assert [failure.code for failure in failures(answer)] == [TIMEOUT]


@jumping
async def test_an_upstream_that_comes_back_serves_who_asked_meanwhile() -> None:
    """The first connection is reset, the second one answers: nobody sees the restart of the upstream."""

    class Restarting(CardUpstream):
        async def _play(self, connection: Connection) -> None:
            if len(self.connections) <= 5:
                await connection.read_request()
                connection.reset()
                return
            await super()._play(connection)

    numbers = ", ".join(f'"94913394{number:08}"' for number in range(5))
    upstream = Restarting()
    async with gateway_over(upstream) as gateway:
        answer = await gateway.query(f"{{ cards(cardNos: [{numbers}]) {{ balance }} }}")
    assert answer == {"data": {"cards": [{"balance": BALANCE}] * 5}}
    assert len(upstream.connections) == 10


@jumping
async def test_a_pool_of_stale_connections_does_not_fail_the_next_query() -> None:
    """All kept connections end when reused, as behind a balancer that has dropped them."""

    async def act(connection: Connection, _request: bytes) -> None:
        if len(connection.requests) > 1:
            connection.reset()
        else:
            await connection.send(http(WELL))

    numbers = ", ".join(f'"94913394{number:08}"' for number in range(5))
    query = f"{{ cards(cardNos: [{numbers}]) {{ balance }} }}"
    async with gateway_over(CardUpstream(everything=act)) as gateway:
        for _ in range(3):
            assert await gateway.query(query) == {"data": {"cards": [{"balance": BALANCE}] * 5}}


@jumping
async def test_one_query_after_many_does_not_meet_one_stale_connection_after_the_other() -> None:
    """A closed connection implies that older idle ones are closed, too."""
    loop = asyncio.get_running_loop()
    stale: list[Connection] = []

    async def act(connection: Connection, _request: bytes) -> None:
        if connection in stale:
            connection.reset()
        else:
            await connection.send(http(WELL))

    numbers = ", ".join(f'"94913394{number:08}"' for number in range(5))
    upstream = CardUpstream(everything=act)
    async with gateway_over(upstream) as gateway:
        await gateway.query(f"{{ cards(cardNos: [{numbers}]) {{ balance }} }}")
        stale += upstream.connections
        assert await gateway.query(ONLY_GOOD) == {"data": {"good": {"balance": BALANCE}}}
    assert (len(stale), len(upstream.connections), loop.time()) == (5, 6, 0)


async def test_a_name_that_cannot_be_looked_up_is_an_upstream_that_cannot_be_reached() -> None:
    async with networked("http://does-not-exist.invalid/open-api") as gateway:
        answer = await gateway.query(ONLY_GOOD)
    assert [Failure(["good"], UNAVAILABLE, retryable=True)] == failures(answer)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


# Not an installable tool, but a property of the machine.
@pytest.mark.skipif(not has_ipv6(), reason="the loopback device has no IPv6")
@jumping
async def test_an_upstream_with_an_ipv6_address_only_is_reached() -> None:
    upstream = CardUpstream(host="::1")
    async with gateway_over(upstream) as gateway:
        assert await gateway.query(ONLY_GOOD) == {"data": {"good": {"balance": BALANCE}}}
        named = f"\r\nhost: [::1]:{upstream.port}\r\n"
    (request,) = upstream.connections[0].requests
    assert named in request.decode().lower()


@jumping
async def test_clients_without_any_patience_leave_nothing_behind() -> None:
    upstream = CardUpstream(SILENCE)
    async with gateway_over(upstream, KONAPLATE_MAX_CONNECTIONS=4) as gateway:
        for milliseconds in ("0", "1", "000"):
            responses = await asyncio.gather(
                *(gateway.post(BOTH, None, **{"x-request-timeout-ms": milliseconds}) for _ in range(20))
            )
            for response in responses:
                assert {failure.code for failure in failures(response.json())} - {"OVERLOADED"} == {TIMEOUT}
        # The slots and the breaker are unchanged.
        assert await gateway.query(ONLY_GOOD) == {"data": {"good": {"balance": BALANCE}}}
