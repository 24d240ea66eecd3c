"""What a process and its worker tell each other, and the metrics of several as one text."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from graph.http.health import Health
from graph.server.worker_channel import METRICS, STATE, Channel, WorkerGoneError, answer_parent
from graph.server.worker_metrics import merge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FIRST = """\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200"} 3.0
requests_total{code="a b{c}"} 1.0
# HELP seconds Time.
# TYPE seconds histogram
seconds_bucket{le="+Inf"} 4.0
seconds_count 4.0
seconds_sum 1.5e-05
"""
SECOND = """\
# HELP seconds Time.
# TYPE seconds histogram
seconds_bucket{le="+Inf"} 1.0
seconds_count 1.0
seconds_sum 2.0
# HELP only_here Something.
# TYPE only_here gauge
only_here 7.0 1700000000000
"""


class Numbers:
    content_type = "text/plain"

    def render(self) -> bytes:
        return b"x" * 1_000_000


class Pair:
    """Both ends."""

    def __init__(self, channel: Channel, health: Health) -> None:
        self.channel = channel
        self.health = health
        self.ended = asyncio.Event()


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    own, others = socket.socketpair()
    made = Pair(Channel(own), Health())
    answering = asyncio.ensure_future(answer_parent(others, made.health, Numbers, made.ended.set))
    yield made
    await made.channel.aclose()
    await answering


async def test_the_parent_learns_the_state_and_the_metrics_as_often_as_it_asks() -> None:
    async with pair() as both:
        before = json.loads(await both.channel.ask(STATE))
        both.health.started = True
        after = json.loads(await both.channel.ask(STATE))
        metrics = await both.channel.ask(METRICS)

    assert (False, True, b"x" * 1_000_000) == (before["ready"], after["ready"], metrics)


async def test_several_who_ask_at_once_get_the_answers_to_their_questions() -> None:
    async with pair() as both:
        answers = await asyncio.gather(*(both.channel.ask(what) for what in (STATE, METRICS, STATE, METRICS)))

    assert [False, True, False, True] == [answer.startswith(b"x") for answer in answers]


async def test_a_worker_that_does_not_answer_in_time_is_as_good_as_gone_until_it_does() -> None:
    own, others = socket.socketpair()
    channel = Channel(own)
    with others:
        for _ in range(2):
            with pytest.raises(WorkerGoneError):
                await channel.ask(STATE, seconds=0.05)
        # Asked once, however often it was waited for, so that its late answer is that of the next who asks.
        reader, writer = await asyncio.open_unix_connection(sock=others.dup())
        assert STATE == await reader.read(10)
        writer.write((4).to_bytes(4, "big") + b"late")
        assert b"late" == await channel.ask(STATE)
        writer.close()
    await channel.aclose()


async def test_a_worker_that_is_gone_is_told_apart() -> None:
    own, others = socket.socketpair()
    channel = Channel(own)
    others.close()

    with pytest.raises(WorkerGoneError):
        await channel.ask(STATE)
    await channel.aclose()


async def test_closing_the_channel_is_no_cancellation_of_who_asks() -> None:
    own, others = socket.socketpair()
    channel = Channel(own)
    asking = asyncio.ensure_future(channel.ask(STATE))
    await asyncio.sleep(0)
    await channel.aclose()
    with pytest.raises(WorkerGoneError):
        await asking
    others.close()


async def test_a_worker_learns_that_its_parent_is_gone() -> None:
    async with pair() as both:
        await both.channel.ask(STATE)
        await both.channel.aclose()
        async with asyncio.timeout(5):
            await both.ended.wait()


def test_samples_tell_whose_they_are_and_stay_with_their_metric() -> None:
    assert """\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{worker="0",code="200"} 3.0
requests_total{worker="0",code="a b{c}"} 1.0
# HELP seconds Time.
# TYPE seconds histogram
seconds_bucket{worker="0",le="+Inf"} 4.0
seconds_count{worker="0"} 4.0
seconds_sum{worker="0"} 1.5e-05
seconds_bucket{worker="1",le="+Inf"} 1.0
seconds_count{worker="1"} 1.0
seconds_sum{worker="1"} 2.0
# HELP only_here Something.
# TYPE only_here gauge
only_here{worker="1"} 7.0 1700000000000
""" == merge({"0": FIRST, "1": SECOND})


def test_no_worker_has_no_metrics() -> None:
    assert "" == merge({})
    assert "" == merge({"0": "\n# a comment\n"})
