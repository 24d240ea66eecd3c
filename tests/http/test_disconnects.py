"""When a client disconnects, its work is cancelled and nothing remains."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.flow_control import FlowControl

from graph.app import create_app
from graph.http.disconnect import while_connected
from graph.sandbox.ledger import CARDS, FIRST_CARD
from graph.server.connection import DisconnectNotice
from tests.server.live_server import PATIENCE, serving
from tests.server.raw_http import Wire
from tests.support import sandbox_settings, sandbox_transport

if TYPE_CHECKING:
    from starlette.types import Message

    from tests.telemetry.capture import Unredacted

BALANCE = "query ($cardNo: CardNumber!) { card(cardNo: $cardNo) { balance } }"


class Upstream(httpx.AsyncBaseTransport):
    """Holds calls until it is opened, and counts those in flight; used from another thread."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.most = 0
        self.wanted = 1
        self.arrived = threading.Event()
        self.gone = threading.Event()
        self.open = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.open:
            return await sandbox_transport().handle_async_request(request)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        if self.in_flight >= self.wanted:
            self.arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self.gone.set()
        raise AssertionError  # pragma: no cover - the event is never set


def post(card: str = FIRST_CARD) -> bytes:
    body = json.dumps({"query": BALANCE, "variables": {"cardNo": card}}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    return head.encode() + b"\r\n\r\n" + body


def test_the_upstream_call_of_a_client_that_hangs_up_is_cancelled_and_noted_as_499(
    logged: Unredacted,
) -> None:
    upstream = Upstream()
    with serving(create_app(sandbox_settings(), transport=upstream)) as live:
        with Wire(live.port) as wire:
            wire.send(post())
            assert upstream.arrived.wait(PATIENCE)
        assert upstream.gone.wait(PATIENCE)

    (request,) = logged.named("request")
    assert (
        request["status"],
        request["codes"],
        request["upstream_calls"],
        request["log_level"],
    ) == (499, [], 1, "info")
    assert [call["outcome"] for call in logged.named("upstream call")] == ["cancelled"]
    assert {event["log_level"] for event in logged.events} == {"info"}
    assert [record for record in logged.records.records if record.levelname in ("ERROR", "WARNING")] == []


def test_after_200_clients_hung_up_the_next_query_is_answered_and_no_call_is_left() -> None:
    upstream = Upstream()
    upstream.wanted = 64
    settings = sandbox_settings(KONAGRAPH_REQUEST_TIMEOUT=60, KONAPLATE_POOL_TIMEOUT=60, KONAPLATE_TIMEOUT=60)
    with serving(create_app(settings, transport=upstream)) as live:
        wires = [Wire(live.port) for _ in range(200)]
        for number, wire in enumerate(wires):
            wire.send(post(f"9491339{number:09d}"))
        assert upstream.arrived.wait(PATIENCE)
        for wire in wires:
            with wire:
                pass
        assert upstream.gone.wait(PATIENCE)
        upstream.open = True
        with Wire(live.port) as wire:
            wire.send(post())
            answer = wire.answer()

    assert {"data": {"card": {"balance": CARDS[FIRST_CARD].fields["balance"]}}} == answer.json()
    assert upstream.in_flight == 0
    # Calls really were in flight, and no more than there are slots.
    assert upstream.most == 64


def test_a_connection_answers_one_request_after_another_and_those_that_wait_in_a_line() -> None:
    upstream = Upstream()
    upstream.open = True
    with serving(create_app(sandbox_settings(), transport=upstream)) as live, Wire(live.port) as wire:
        for _ in range(3):
            wire.send(post())
            assert wire.answer().status == 200
        wire.send(post() + post() + post())
        assert [wire.answer().status for _ in range(3)] == [200, 200, 200]


class Client:
    """The `receive` of a client that is silent until it is told to disconnect.

    Args:
        notice: reports a disconnect as well, if the server offers that.
    """

    def __init__(self, notice: DisconnectNotice | None) -> None:
        self.notice = notice
        self._gone = asyncio.Event()
        self.waiting = asyncio.Event()
        self.asked = 0

    async def __call__(self) -> Message:
        self.asked += 1
        if self.asked == 1:
            # A late message of the body, without a meaning.
            return {"type": "http.request", "body": b"", "more_body": False}
        self.waiting.set()
        await self._gone.wait()
        return {"type": "http.disconnect"}

    def hang_up(self) -> None:
        """Disconnect."""
        self._gone.set()
        if self.notice is not None:
            self.notice.fire()

    async def is_watched(self) -> None:
        """Wait until its disconnect can be noticed."""
        if self.notice is None:
            await self.waiting.wait()


@pytest.fixture(params=["receive", "notice"])
async def client(request: pytest.FixtureRequest) -> Client:
    """A client of a server that reports disconnects in one of the two ways."""
    offered = DisconnectNotice(FlowControl(asyncio.Transport())) if request.param == "notice" else None
    return Client(offered)


async def others() -> int:
    """The number of other tasks, once those that are ending have ended."""
    await asyncio.sleep(0)
    return len(asyncio.all_tasks()) - 1


async def test_work_that_ends_is_given_back_and_leaves_no_task(client: Client) -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    assert await while_connected(client, work(), client.notice) == "done"
    assert await others() == 0


async def test_work_that_fails_fails_and_leaves_no_task(client: Client) -> None:
    async def work() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await while_connected(client, work(), client.notice)
    assert await others() == 0


async def test_a_client_that_goes_cancels_the_work_and_not_the_task(client: Client) -> None:
    cancelled = []

    async def work() -> None:
        client.hang_up()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(ClientDisconnect):
        await while_connected(client, work(), client.notice)
    task = asyncio.current_task()
    assert task is not None
    assert (cancelled, task.cancelling(), await others()) == ([True], 0, 0)


async def test_work_that_ends_although_its_client_has_gone_counts_as_gone(client: Client) -> None:

    async def work() -> str:
        client.hang_up()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "stubborn"
        raise AssertionError  # pragma: no cover - the event is never set

    with pytest.raises(ClientDisconnect):
        await while_connected(client, work(), client.notice)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_from_elsewhere_stays_one(client: Client) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(while_connected(client, work(), client.notice))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await others() == 0


async def test_a_cancellation_from_elsewhere_wins_over_a_client_that_goes_in_the_same_moment(
    client: Client,
) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(while_connected(client, work(), client.notice))
    await begun.wait()
    await client.is_watched()
    client.hang_up()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_for_a_client_that_has_gone_before_is_cancelled_where_it_waits(client: Client) -> None:
    client.hang_up()
    with pytest.raises(ClientDisconnect):
        await while_connected(client, asyncio.Event().wait(), client.notice)
    assert await others() == 0


async def test_a_client_that_goes_once_the_work_is_done_cancels_nothing(client: Client) -> None:
    async def work() -> str:
        return "done"

    await while_connected(client, work(), client.notice)
    client.hang_up()
    task = asyncio.current_task()
    assert task is not None
    assert (await others(), task.cancelling()) == (0, 0)


async def test_a_server_that_always_has_something_to_say_keeps_nothing_waiting() -> None:
    said = 0

    async def talk() -> Message:
        nonlocal said
        said += 1
        return {"type": "http.request" if said < 1_000 else "http.disconnect", "body": b"", "more_body": False}

    async def work() -> str:
        for _ in range(10):
            await asyncio.sleep(0)
        return "done"

    assert await while_connected(talk, work()) == "done"
    assert said < 100
