"""Requests that are answered in the same turn of the event loop share a write of the audit log."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from graph.security.audit import AuditEvent
from graph.security.group_commit import GroupCommit
from tests.security.callers import ALL_KNOWING, OWN, callers, codes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Sequence
    from pathlib import Path

QUERY = "query ($n: CardNumber!) { card(cardNo: $n) { balance } }"


def event(number: int) -> AuditEvent:
    return AuditEvent("read", f"request-{number}", "192.0.2.1")


class Writes(list[list[str]]):
    """Keeps the ids of each write; refuses those with an id in `refused`."""

    def __init__(self, *refused: str) -> None:
        super().__init__()
        self._refused = set(refused)

    def record(self, events: Sequence[AuditEvent]) -> bool:
        ids = [each.request_id for each in events]
        self.append(ids)
        return self._refused.isdisjoint(ids)


async def outcomes(*waiting: Awaitable[bool]) -> list[bool | BaseException]:
    """Those of requests, none of which may wait for ever."""
    return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)


async def test_what_is_ready_in_one_turn_is_written_at_once_and_in_order() -> None:
    writes = Writes()
    commits = GroupCommit(writes.record)
    waiting = [commits.add([event(number)]) for number in range(3)]
    assert writes == []
    assert await outcomes(*waiting) == [True, True, True]
    assert await commits.add([event(3)])
    assert writes == [["request-0", "request-1", "request-2"], ["request-3"]]


async def test_a_write_stays_small_but_holds_all_events_of_a_request() -> None:
    writes = Writes()
    commits = GroupCommit(writes.record)
    many = [event(100 + number) for number in range(40)]
    waiting = [commits.add([event(number)]) for number in range(20)]
    assert await outcomes(*waiting, commits.add(many)) == [True] * 21
    assert max(len(write) for write in writes if "request-100" not in write) <= 5
    assert [len([each for each in write if len(each) == len("request-100")]) for write in writes][-1] == 40
    assert sum(map(len, writes)) == 60


async def test_a_failed_write_is_that_of_its_own_requests_alone() -> None:
    writes = Writes("request-7")
    commits = GroupCommit(writes.record)
    recorded = await outcomes(*(commits.add([event(number)]) for number in range(20)))
    failed = {request for write in writes if "request-7" in write for request in write}
    assert recorded == [f"request-{number}" not in failed for number in range(20)]
    assert 0 < len(failed) < 20


async def test_a_cancelled_request_leaves_the_others_alone_and_is_not_recorded() -> None:
    writes = Writes()
    commits = GroupCommit(writes.record)

    async def answer(number: int) -> bool:
        return await commits.add([event(number)])

    tasks = [asyncio.create_task(answer(number)) for number in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    first, second, third = await outcomes(*tasks)
    assert (first, type(second), third) == (True, asyncio.CancelledError, True)
    assert writes == [["request-0", "request-2"]]


async def test_events_that_cannot_be_made_are_the_error_of_their_own_request_alone() -> None:
    def broken() -> Iterator[AuditEvent]:
        yield event(1)
        raise ZeroDivisionError

    writes = Writes()
    commits = GroupCommit(writes.record)
    waiting = [commits.add([event(0)]), commits.add(broken()), commits.add([event(2)])]
    first, second, third = await outcomes(*waiting)
    assert (first, type(second), third) == (True, ZeroDivisionError, True)
    assert writes == [["request-0", "request-2"]]


async def test_an_error_reaches_every_request_of_the_write() -> None:
    def record(_events: Sequence[AuditEvent]) -> bool:
        raise ZeroDivisionError

    commits = GroupCommit(record)
    errors = await outcomes(*(commits.add([event(number)]) for number in range(2)))
    assert [type(error) for error in errors] == [ZeroDivisionError, ZeroDivisionError]


async def test_concurrent_requests_have_their_lines_before_their_answers(tmp_path: Path) -> None:
    """In fewer writes than requests."""
    async with callers(tmp_path, KONAGRAPH_AUDIT_KEY="k" * 40) as running:

        async def ask(number: int) -> tuple[Any, bool]:
            named = f"request-{number:02}"
            answer = await running.post(ALL_KNOWING, QUERY, {"n": OWN}, request_id=named)
            return codes(answer.json()), f'"request_id":"{named}"' in running.audit_file.read_text()

        answers = await asyncio.gather(*(ask(number) for number in range(20)))
        lines = [json.loads(line) for line in running.audit_file.read_text().splitlines()]
    reads = [line for line in lines if line["action"] == "read"]
    assert answers == [([], True)] * 20
    assert sorted(read["request_id"] for read in reads) == [f"request-{number:02}" for number in range(20)]
    # Only the first line of a write tells where the write before it ended.
    assert len([read for read in reads if "after" in read]) < 20
