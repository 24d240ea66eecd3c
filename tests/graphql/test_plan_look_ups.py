"""What plans look up and when, and what remains after failures, timeouts and cancellation."""

from __future__ import annotations

import asyncio

import pytest

from graph.graphql.executor import OperationExecutor
from graph.konaplate.errors import TimedOutError
from graph.security.authorization import ANONYMOUS, Viewer
from schema.secrets import MemberId
from tests.graphql.plan_cases import (
    DETAILS,
    A,
    B,
    C,
    card,
    counts,
    member,
    read,
    run_both,
    says,
    turns_until,
)
from tests.graphql.plan_world import (
    DistantLimiter,
    Reply,
    World,
    context_of,
)
from tests.graphql.schemas import SCHEMA
from tests.support import KeptEvents


async def test_a_failing_look_up_is_its_fields_error_without_a_second_execution() -> None:
    failure = Reply(lambda: TimedOutError(DETAILS))
    around = World(ANONYMOUS, {A: failure, B: says(card("1001")), C: says(card("1002"))}, {"1001": failure})
    around.members = {"1001": failure, "1002": member("1002")}
    text = "query ($l: [CardNumber!]!) { cards(cardNos: $l) { member { profile { email } } } }"
    outcome, plans = await run_both(text, around, l=[A, B, C])
    assert outcome.data == (b'{"cards":[null,{"member":{"profile":null}},{"member":{"profile":{"email":"x"}}}]}')
    assert [error["path"] for error in outcome.errors] == [["cards", 0], ["cards", 1, "member", "profile"]]
    assert counts(plans) == (1, 0, 0)


async def test_the_deadline_is_the_error_of_each_look_up_that_is_not_over() -> None:
    around = World(ANONYMOUS, {A: says(None, None), B: says(card())}, {"1001": says(None, None)}, seconds=0.05)
    selected = "{ balance member { profile { email } } }"
    text = f'{{ b: card(cardNo: "{B}") {selected} a: card(cardNo: "{A}") {selected} }}'
    outcome, plans = await run_both(text, around)
    assert outcome.data == b'{"b":{"balance":1,"member":{"profile":null}},"a":null}'
    assert [(error["path"], error["extensions"]["code"]) for error in outcome.errors] == [
        (["b", "member", "profile"], "UPSTREAM_TIMEOUT"),
        (["a"], "UPSTREAM_TIMEOUT"),
    ]
    assert counts(plans) == (1, 0, 0)


async def test_a_request_that_is_cancelled_leaves_neither_a_task_nor_a_look_up() -> None:
    around = World(ANONYMOUS, {A: says(None, None), B: says(card())}, {"1001": says(None, None)})
    upstream = around.upstream()
    document, operation = read(
        f'{{ a: card(cardNo: "{A}") {{ balance }} b: card(cardNo: "{B}") {{ member {{ profile {{ email }} }} }} }}'
    )

    async def request() -> None:
        async with context_of(around, upstream, DistantLimiter(0), KeptEvents()) as context:
            await OperationExecutor(SCHEMA).execute(document, operation, {}, context)

    before = asyncio.all_tasks()
    task = asyncio.create_task(request())
    await turns_until(lambda: upstream.under_way == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert upstream.under_way == 0
    assert before == asyncio.all_tasks()


async def test_a_card_that_comes_as_the_request_ends_leads_to_no_further_look_up() -> None:
    around = World(ANONYMOUS, {A: says(None, None), B: says(card(), 1)}, {"1001": says(None, None)})
    upstream = around.upstream()
    selected = "{ member { profile { email } } }"
    document, operation = read(f'{{ a: card(cardNo: "{A}") {selected} b: card(cardNo: "{B}") {selected} }}')

    async def request() -> None:
        async with context_of(around, upstream, DistantLimiter(0), KeptEvents()) as context:
            await OperationExecutor(SCHEMA).execute(document, operation, {}, context)

    task = asyncio.create_task(request())
    await turns_until(lambda: upstream.under_way == 2)
    # Before the card's, in the next turn.
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(5):
        await asyncio.sleep(0)
    assert upstream.calls == {("card_info", A): 1, ("card_info", B): 1}


async def test_a_member_that_was_looked_up_beforehand_and_never_asked_for_has_saved_no_call() -> None:
    around = World(ANONYMOUS, {A: says(None, None), B: says(card())}, {"1001": says(None, None)}, seconds=0.05)
    selected = "{ balance member { profile { email } } }"
    text = f'{{ a: card(cardNo: "{A}") {selected} b: card(cardNo: "{B}") {selected} }}'
    outcome, plans = await run_both(text, around)
    assert outcome.counted == (3, 0)
    assert counts(plans) == (1, 0, 0)


async def test_every_root_field_begins_before_the_first_is_waited_for() -> None:
    around = World(ANONYMOUS, {number: says(None, None) for number in (A, B, C)})
    upstream = around.upstream()
    document, operation = read(
        f'{{ card(cardNo: "{A}") {{ balance }} cards(cardNos: ["{B}", "{C}", "{A}"]) {{ balance }} }}'
    )
    async with context_of(around, upstream, DistantLimiter(0), KeptEvents()) as context:
        task = asyncio.create_task(OperationExecutor(SCHEMA).execute(document, operation, {}, context))
        await turns_until(lambda: upstream.under_way == 3)
        task.cancel()
        await asyncio.wait([task])


async def test_a_member_is_looked_up_while_an_earlier_card_is_still_waited_for() -> None:
    around = World(ANONYMOUS, {A: says(None, None), B: says(card(), 3)}, {"1001": says(None, None)})
    upstream = around.upstream()
    text = "query ($l: [CardNumber!]!) { cards(cardNos: $l) { member { profile { email } } } }"
    document, operation = read(text)
    async with context_of(around, upstream, DistantLimiter(0), KeptEvents()) as context:
        task = asyncio.create_task(OperationExecutor(SCHEMA).execute(document, operation, {"l": [A, B]}, context))
        await turns_until(lambda: upstream.calls["user_info", "1001"] == 1)
        task.cancel()
        await asyncio.wait([task])


async def test_a_member_of_a_hidden_card_is_not_looked_up_nor_one_without_the_scope() -> None:
    selected = "{ member { profile { email } } }"
    text = f"query ($l: [CardNumber!]!) {{ cards(cardNos: $l) {selected} }}"
    around = World(ANONYMOUS, {A: says(card("1001")), B: says(card("1002"))}, {"1001": member()})
    for scopes, expected in ((frozenset({"member:read"}), {"1001"}), (frozenset({"cards:read:any"}), set())):
        around.viewer = Viewer("member", "m", scopes, MemberId("1001"), None)
        outcome, plans = await run_both(text, around, l=[A, B])
        assert {key for kind, key in outcome.calls if kind == "user_info"} == expected
        assert counts(plans) == (1, 0, 0)


async def test_cards_of_one_member_share_one_call() -> None:
    around = World(ANONYMOUS, {A: says(card(), 2), B: says(card()), C: says(card(), 1)}, {"1001": member()})
    text = "query ($l: [CardNumber!]!) { cards(cardNos: $l) { member { profile { email } } } }"
    outcome, plans = await run_both(text, around, l=[A, B, C])
    assert outcome.calls["user_info", "1001"] == 1
    assert counts(plans) == (1, 0, 0)
