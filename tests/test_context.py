"""The context of a request: its deadline, and what remains after its end."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from graph.context import RequestContext, RequestSecurity
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.resilience.deadline import Deadline, DeadlineExceededError
from graph.sandbox.ledger import FIRST_CARD
from graph.security.audit import Caller, RequestAudit
from graph.security.authorization import ANONYMOUS, EVERY_SCOPE, Allowance, Authorization, Viewer
from graph.security.budgets import Budgets
from graph.security.card_refs import CardRefs
from graph.security.limiter import LocalLimiter
from schema.secrets import CardNo, Credential, MemberId
from tests.faults.jumping_clock import jumping
from tests.security.watched_limiter import WatchedLimiter
from tests.support import HANDLES, Blocking, KeptEvents, Recorder, gateway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graph.budgeted_loader import Upstream
    from graph.konaplate.endpoint import Endpoint
    from graph.resilience.guard import CallStats
    from graph.security.limiter import Limiter, Window

QUERY = f'{{ card(cardNo: "{FIRST_CARD}") {{ balance }} }}'


async def test_work_within_the_deadline_gives_its_result() -> None:
    async def work() -> str:
        return "done"

    assert await Deadline(5).wait(work()) == "done"


async def test_a_passed_deadline_cancels_the_work() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    with pytest.raises(DeadlineExceededError):
        await Deadline(0.01).wait(future)
    assert future.cancelled()


async def test_a_timeout_of_the_work_itself_is_not_the_deadlines() -> None:
    async def work() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await Deadline(5).wait(work())


@jumping
async def test_a_request_that_reaches_its_deadline_answers_with_a_timeout_and_cancels_the_call() -> None:
    upstream = Blocking()
    async with gateway(upstream, KONAGRAPH_REQUEST_TIMEOUT=0.1, KONAPLATE_TIMEOUT=30) as running:
        answer = await running.query(QUERY)
    (error,) = answer["errors"]
    assert answer["data"] == {"card": None}
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UPSTREAM_TIMEOUT", True)
    assert "upstream" not in error["extensions"]
    assert upstream.cancelled == 1


@jumping
async def test_the_deadline_leaves_what_was_answered_in_time() -> None:
    query = f'{{ __typename card(cardNo: "{FIRST_CARD}") {{ balance }} }}'
    async with gateway(Blocking(), KONAGRAPH_REQUEST_TIMEOUT=0.1) as running:
        answer = await running.query(query)
    assert answer["data"] == {"__typename": "Query", "card": None}


@jumping
async def test_an_upstream_that_does_not_answer_in_its_own_time_is_a_timeout_with_its_correlation_id() -> None:
    async with gateway(Blocking(), KONAPLATE_TIMEOUT=0.1) as running:
        answer = await running.query(QUERY)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_TIMEOUT"
    assert error["extensions"]["upstream"]["status"] is None
    assert len(error["extensions"]["upstream"]["correlationId"]) == 20


async def test_a_request_that_is_cancelled_leaves_no_call_and_no_task_behind() -> None:
    upstream = Blocking()
    async with gateway(upstream) as running:
        before = asyncio.all_tasks()
        request = asyncio.create_task(running.query(QUERY))
        await upstream.arrived.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await asyncio.sleep(0)
        assert before == asyncio.all_tasks()
    assert upstream.cancelled == 1


async def test_a_refused_list_does_not_leave_the_other_fields_calls_behind() -> None:
    upstream = Blocking()
    query = """query ($n: [CardNumber!]!, $m: CardNumber!) {
      card(cardNo: $m) { balance } cards(cardNos: $n) { balance } }"""
    async with gateway(upstream) as running:
        before = asyncio.all_tasks()
        answer = await running.query(query, {"n": [FIRST_CARD] * 21, "m": FIRST_CARD})
        for _ in range(5):
            await asyncio.sleep(0)
        assert before == asyncio.all_tasks()
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["QUERY_LIMIT_EXCEEDED"]


async def test_a_request_whose_time_is_over_makes_no_upstream_call() -> None:
    upstream = Recorder()
    async with gateway(upstream) as running:
        answer = (await running.post(QUERY, None, **{"x-request-timeout-ms": "0"})).json()
    assert answer["data"] == {"card": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UPSTREAM_TIMEOUT"]
    assert upstream.paths == []


async def test_a_request_that_waits_when_the_gateway_ends_is_told_at_once() -> None:
    upstream = Blocking()
    async with gateway(upstream, KONAGRAPH_REQUEST_TIMEOUT=30) as running:
        request = asyncio.create_task(running.query(QUERY))
        await upstream.arrived.wait()
    answer = await request
    assert answer["data"] == {"card": None}
    assert [(error["extensions"]["code"], error["extensions"]["retryable"]) for error in answer["errors"]] == [
        ("OVERLOADED", True)
    ]
    assert upstream.cancelled == 1


class NeverAnswers:
    """An upstream whose calls take a few turns to end after they are cancelled."""

    def __init__(self) -> None:
        self.under_way = 0
        self.asked: list[tuple[object, list[object]]] = []

    @property
    def calls(self) -> int:
        return sum(len(keys) for _, keys in self.asked)

    def start(
        self, endpoint: Endpoint[Any, Any], keys: Sequence[Any], stats: CallStats
    ) -> list[asyncio.Future[Any]]:
        del stats
        self.asked.append((endpoint, list(keys)))
        return [asyncio.ensure_future(self.never()) for _ in keys]

    async def never(self) -> NoReturn:
        self.under_way += 1
        try:
            await asyncio.Event().wait()
            raise AssertionError  # pragma: no cover - the event is never set
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            self.under_way -= 1


async def test_a_request_that_is_cancelled_while_it_ends_leaves_no_call_of_any_endpoint() -> None:
    upstream = NeverAnswers()
    context = context_of(upstream)
    card_no = CardNo(FIRST_CARD)
    asked = [
        asyncio.ensure_future(context.load(CARD_INFO, card_no, card_no)),
        asyncio.ensure_future(context.load(USER_INFO, MemberId("1"), card_no, named=False)),
    ]
    while upstream.under_way < len(asked):  # noqa: ASYNC110 - two of them, in a few turns
        await asyncio.sleep(0)
    ending = asyncio.ensure_future(context.__aexit__(None, None, None))
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.wait([ending])
    assert ending.cancelled()
    for _ in range(10):
        await asyncio.sleep(0)
    assert upstream.under_way == 0
    await asyncio.gather(*asked, return_exceptions=True)


def context_of(upstream: Upstream, limiter: Limiter | None = None, viewer: Viewer = ANONYMOUS) -> RequestContext:
    refs = CardRefs(Credential("k" * 32))
    security = RequestSecurity(
        Authorization(viewer),
        Budgets(limiter or LocalLimiter(lambda: 0.0), refs),
        RequestAudit(Caller(viewer, "192.0.2.1", "an-id"), refs, KeptEvents()),
        HANDLES,
    )
    return RequestContext(upstream, security, deadline=Deadline(30), max_cards=20)


class NeverSpends(LocalLimiter):
    """A limiter that never answers for cards."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.waiting = 0

    async def add(self, _key: str, _windows: Sequence[Window], _members: Sequence[str]) -> list[int]:
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1
        return []  # pragma: no cover - the event is never set


@pytest.mark.parametrize("turns", range(5))
async def test_a_key_whose_call_had_not_begun_when_the_request_ended_is_never_called(turns: int) -> None:
    upstream, before = NeverAnswers(), asyncio.all_tasks()
    async with context_of(upstream) as context:
        loading = asyncio.ensure_future(context.load(CARD_INFO, CardNo(FIRST_CARD)))
        for _ in range(turns):
            await asyncio.sleep(0)
        begun = upstream.calls
    for _ in range(10):
        await asyncio.sleep(0)
    assert loading.cancelled()
    assert (upstream.calls, upstream.under_way) == (begun, 0)
    assert before == asyncio.all_tasks()


async def test_a_request_that_ends_while_it_waits_for_a_budget_leaves_no_task_and_makes_no_call() -> None:
    upstream, limiter, before = NeverAnswers(), NeverSpends(), asyncio.all_tasks()
    viewer = Viewer("service", "s", EVERY_SCOPE, None, Allowance())
    async with context_of(upstream, limiter, viewer) as context:
        loading = asyncio.ensure_future(context.load(CARD_INFO, CardNo(FIRST_CARD)))
        while not limiter.waiting:  # noqa: ASYNC110 - in a few turns
            await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    assert loading.cancelled()
    assert (upstream.calls, limiter.waiting) == (0, 0)
    assert before == asyncio.all_tasks()


async def test_the_limiter_sees_no_card_numbers() -> None:
    limiter, viewer = WatchedLimiter(), Viewer("service", "s", EVERY_SCOPE, None, Allowance())
    async with context_of(NeverAnswers(), limiter, viewer) as context:
        cards = [CardNo("9491339400000013"), CardNo("9491339400000021")]
        loading = [asyncio.ensure_future(context.load(CARD_INFO, card_no)) for card_no in cards]
        while not limiter.told:  # noqa: ASYNC110 - in a few turns
            await asyncio.sleep(0)
    await asyncio.wait(loading)
    assert len(limiter.told) == 3
    for name in limiter.told:
        assert re.fullmatch(r"[a-p]{30}(:cards)?", name)


async def test_keys_of_one_turn_are_spent_together_and_each_api_is_asked_once() -> None:
    upstream = NeverAnswers()
    async with context_of(upstream) as context:
        asked: list[tuple[Endpoint[Any, Any], Any]] = [
            (CARD_INFO, CardNo("9491339400000013")),
            (USER_INFO, MemberId("1")),
            (CARD_INFO, CardNo("9491339400000021")),
        ]
        loading = [asyncio.ensure_future(context.load(endpoint, key)) for endpoint, key in asked]
        while upstream.under_way < 3:  # noqa: ASYNC110 - in a few turns
            await asyncio.sleep(0)
    await asyncio.wait(loading)
    assert upstream.asked == [(CARD_INFO, [asked[0][1], asked[2][1]]), (USER_INFO, [asked[1][1]])]
