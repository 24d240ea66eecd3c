"""What waits for the end of a turn: lines before answers, each once, and nothing is lost."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from graph.outbox import Outbox

if TYPE_CHECKING:
    import pytest


def opened() -> Outbox:
    outbox = Outbox()
    outbox.open(asyncio.get_running_loop())
    return outbox


def test_until_it_is_open_nothing_waits() -> None:
    outbox, out = Outbox(), list[str]()
    outbox.hold_answer(lambda: out.append("answer"))
    outbox.hold_lines(lambda: out.append("lines"))
    assert ["answer", "lines"] == out
    assert not outbox.is_here()


async def test_lines_go_out_before_answers_whichever_was_first_and_answers_in_their_order() -> None:
    outbox, out = opened(), list[str]()
    outbox.hold_answer(lambda: out.append("first answer"))
    outbox.hold_lines(lambda: out.append("lines"))
    outbox.hold_answer(lambda: out.append("second answer"))
    assert [] == out
    await asyncio.sleep(0)
    assert ["lines", "first answer", "second answer"] == out


async def test_what_goes_out_goes_out_once_and_the_next_turn_has_its_own() -> None:
    outbox, out = opened(), list[str]()
    outbox.hold_answer(lambda: out.append("first"))
    outbox.release()
    assert ["first"] == out
    outbox.hold_answer(lambda: out.append("second"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert ["first", "second"] == out


async def test_an_answer_that_lets_another_one_begin_does_not_take_it_along() -> None:
    outbox, out = opened(), list[str]()

    def begin_another() -> None:
        out.append("first")
        outbox.hold_answer(lambda: out.append("second"))

    outbox.hold_answer(begin_another)
    outbox.release()
    assert ["first"] == out
    await asyncio.sleep(0)
    assert ["first", "second"] == out


async def test_one_that_cannot_be_sent_keeps_no_other_back(caplog: pytest.LogCaptureFixture) -> None:
    outbox, out = opened(), list[str]()

    def fail() -> None:
        raise RuntimeError("c4n4ry")

    outbox.hold_lines(fail)
    outbox.hold_answer(fail)
    outbox.hold_answer(lambda: out.append("answer"))
    await asyncio.sleep(0)
    assert ["answer"] == out
    # Of a line nothing is said: what cannot write lines would be told so for ever.
    assert ["something could not be sent"] == [record.message for record in caplog.records]


async def test_what_another_thread_makes_does_not_wait() -> None:
    outbox, out = opened(), list[str]()
    here: list[bool] = []

    def work() -> None:
        here.append(outbox.is_here())
        outbox.hold_lines(lambda: out.append("lines"))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ([False], ["lines"]) == (here, out)
    assert outbox.is_here()


async def test_closed_it_lets_everything_go_and_holds_nothing_more() -> None:
    outbox, out = opened(), list[str]()
    outbox.hold_answer(lambda: out.append("answer"))
    outbox.hold_lines(lambda: out.append("lines"))
    outbox.close()
    assert ["lines", "answer"] == out
    outbox.hold_answer(lambda: out.append("late"))
    assert ["lines", "answer", "late"] == out
