"""Lists whose lengths only look-ups tell are paid for as assumed, and settled as soon as they are known."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

import pytest
from graphql import parse
from hypothesis import given, note, settings
from hypothesis import strategies as st

from graph.context import RequestContext, RequestSecurity
from graph.errors import GatewayError
from graph.graphql.analysis import analyse
from graph.graphql.bill import Bill
from graph.graphql.cost import SATURATED
from graph.graphql.documents import Documents
from graph.graphql.errors import DocumentError
from graph.graphql.executor import OperationExecutor
from graph.graphql.limits import DocumentLimits
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.resilience.deadline import Deadline
from graph.security.audit import Caller, RequestAudit
from graph.security.authorization import Allowance, Authorization, Viewer
from graph.security.budgets import Budgets
from graph.security.errors import RateLimitedError
from graph.security.limiter import LocalLimiter
from schema.secrets import CardNo
from tests.graphql.nested_lists import NAMES, SCHEMA, Answers, Item, Piece, Shelf, price, selected
from tests.graphql.plan_world import REFS, DistantLimiter, FakeUpstream, Reply
from tests.support import HANDLES, KeptEvents
from tests.tables import table
from tests.tools import examples, settle

if TYPE_CHECKING:
    from graph.security.budgets import CostStatus

Kind = Literal["plan", "core"]
KINDS: tuple[Kind, ...] = ("plan", "core")
VIEWER = Viewer("service", "a-service", frozenset(), None, None)


class Purse:
    """A budget of cost that takes a few turns, and notes what happened in which order."""

    def __init__(self, upstream: FakeUpstream, left: int, turns: int = 0) -> None:
        self.left = left
        self.spent: list[int] = []
        self.calls_at_refusal: int | None = None
        self._upstream = upstream
        self._turns = turns

    async def spend(self, cost: int, paid: int = 0) -> CostStatus | None:
        assert paid in {0, sum(self.spent)}
        for _ in range(self._turns):
            await asyncio.sleep(0)
        if cost > self.left:
            self.calls_at_refusal = self._upstream.calls.total()
            raise RateLimitedError("cost", 1)
        self.left -= cost
        self.spent.append(cost)
        return None


@dataclass
class Paid:
    """What became of an execution."""

    refusal: Exception | None
    requested: int
    cost: int
    spent: list[int]
    left: int
    calls: Counter[tuple[str, str]]
    calls_at_refusal: int | None
    data: Any


async def execute(
    kind: Kind,
    text: str,
    answers: dict[str, dict[str, Any]],
    *,
    budget: int = SATURATED,
    maximum: int = SATURATED,
    turns: int = 0,
    may_wait: bool = False,
    abandoned: bool = False,
) -> Paid:
    executor = OperationExecutor(SCHEMA, kind)
    documents = Documents(SCHEMA, DocumentLimits(cost=maximum, aliases=1_000, tokens=10_000), introspection=True)
    document = documents.read(text)
    operation = document.operation(None)
    upstream = FakeUpstream(answers)
    purse = Purse(upstream, budget, turns)
    requested = operation.cost({})
    await purse.spend(requested)
    bill = Bill(operation, {}, requested, purse.spend, None)
    budgets = Budgets(LocalLimiter(lambda: 0.0), REFS, may_wait=may_wait)
    audit = RequestAudit(Caller(VIEWER, "192.0.2.1", "an-id"), REFS, KeptEvents())
    security = RequestSecurity(Authorization(VIEWER), budgets, audit, HANDLES)
    data, refusal = None, None
    context = RequestContext(upstream, security, deadline=Deadline(30), max_cards=1_000)
    async with asyncio.timeout(30), context:
        try:
            data = (await executor.execute(document, operation, {}, context, bill)).data
        except (RateLimitedError, DocumentError) as error:
            refusal = error
        else:
            await bill.close()
    assert not upstream.under_way
    assert executor.counts.abandoned == abandoned
    # Nothing goes on behind its back.
    assert len(asyncio.all_tasks()) == 1
    return Paid(
        refusal, requested, bill.cost, purse.spent, purse.left, upstream.calls, purse.calls_at_refusal, data
    )


def example(random: Random) -> tuple[str, Answers, int, int]:
    """A document, the answers, and its price with assumed and with real lengths."""
    while True:
        fields, answers = selected(random, random.randint(1, 3)), Answers(random, random.choice([FEW, MANY]))
        requested, actual = price(fields, None), price(fields, answers)
        if requested < SATURATED and 20 < actual < 500:
            text = " ".join(each.text(f"r{index}") for index, each in enumerate(fields))
            return f"{{ {text} }}", answers, requested, actual


FEW, MANY = (0, 1, 1, 2, 3, 12), (9, 11, 12, 14)
"""Lengths of lists."""
SEEDS = st.integers(0, 2**64 - 1)
few = settings(max_examples=max(examples(50), 10))
"""Each executes a document of many lists, once or twice."""


@pytest.mark.parametrize("kind", KINDS)
@few
@given(seed=SEEDS)
def test_lists_are_paid_for_as_assumed_before_and_as_they_are_after(kind: Kind, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - nothing secret: an example
    text, answers, requested, actual = example(random)
    note(text)
    turns, may_wait = random.choice([0, 2]), random.random() < 0.5
    paid = asyncio.run(execute(kind, text, answers.replies(), turns=turns, may_wait=may_wait))
    assert paid.refusal is None
    assert (paid.requested, paid.cost, sum(paid.spent)) == (requested, actual, actual)
    # What is left over is given back in one piece, at the end.
    assert paid.spent[0] == requested
    assert all(spent > 0 for spent in paid.spent[1:-1])


@few
@given(seed=SEEDS)
def test_plans_and_graphql_core_look_up_and_pay_the_same(seed: int) -> None:
    text, answers, _, _ = example(Random(seed))  # noqa: S311 - nothing secret: an example
    replies = answers.replies()
    plan, core = [asyncio.run(execute(kind, text, replies)) for kind in KINDS]
    assert (plan.data, plan.calls, plan.cost, plan.left) == (core.data, core.calls, core.cost, core.left)


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_paid_is_refused_whole_and_no_call_begins_after_that(kind: Kind) -> None:
    seen: Counter[str] = Counter()

    @few
    @given(seed=SEEDS)
    def refuse_one(seed: int) -> None:
        seen[_refuse(kind, Random(seed))] += 1  # noqa: S311 - nothing secret: an example

    refuse_one()
    # Otherwise, this would test only one of the two.
    assert min(seen["paid"], seen["refused"]) >= seen.total() / 20, seen


def _refuse(kind: Kind, random: Random) -> str:
    text, answers, requested, actual = example(random)
    note(text)
    budget = requested + random.randint(0, max(0, actual - requested) * 5 // 4 + 5)
    turns, may_wait = random.choice([0, 2]), random.random() < 0.5
    paid = asyncio.run(execute(kind, text, answers.replies(), budget=budget, turns=turns, may_wait=may_wait))
    assert paid.left == budget - sum(paid.spent) >= 0
    if paid.refusal is None:
        assert paid.cost == actual == sum(paid.spent)
        assert actual <= budget
        return "paid"
    assert isinstance(paid.refusal, RateLimitedError)
    assert paid.data is None
    assert paid.calls.total() == paid.calls_at_refusal
    return "refused"


def shelf_of(length: int, *, keys: list[str] | None = None) -> Reply:
    pieces = [Piece(key=NAMES[index % 8], keys=keys) for index in range(length)]
    return Reply(lambda: Shelf(items=[Item(key=piece.key, keys=keys, parts=pieces) for piece in pieces]))


def item_of(length: int, *, turns: int | None = 0) -> Reply:
    pieces = [Piece(key=NAMES[index % 8], keys=None) for index in range(length)]
    keys = [piece.key for piece in pieces]
    return Reply(lambda: Item(key="a", keys=keys, parts=pieces), turns)


def world(length: int) -> dict[str, dict[str, Reply]]:
    return {
        "items": {name: item_of(length) for name in NAMES},
        "shelves": {name: shelf_of(length) for name in NAMES},
    }


TOP = '{ top(key: "a") { same { key } } }'
LISTS = {
    "a list within an answer": (TOP, 10, 7),
    "a list that came with its object": ('{ item(key: "a") { parts { same { key } } } }', 7, 1 + 7),
    "a list of keys": ('{ item(key: "a") { named { shelf { key } } } }', 7, 7 + 10),
    "lists of given keys": ('{ item(key: "a") { asked(keys: ["b"]) { same { key } } } }', 7 + 10, 7),
    "what nothing is looked up below": ('{ item(key: "a") { parts { key } } }', 7, 1),
    "a fragment": ('{ top(key: "a") { ...F } } fragment F on Item { same { key } }', 10, 7),
    "a field that is merged": ('{ top(key: "a") { key } top(key: "a") { same { key } } }', 10 + 10, 7),
    "a literal with a default": ('query ($k: String! = "a") { top(key: $k) { same { key } } }', 10, 7),
}


@pytest.mark.parametrize("kind", KINDS)
@table(("text", "once", "each"), LISTS.values())
async def test_each_kind_of_list_is_settled(text: str, once: int, each: int, kind: Kind) -> None:
    for length in (0, 1, 10, 14):
        paid = await execute(kind, text, world(length))
        assert (paid.requested, paid.cost) == (once + 10 * each, once + length * each)
        assert paid.spent == [paid.requested] + [paid.cost - paid.requested] * (length != 10)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_missing_is_paid_before_anything_below_the_list_is_looked_up(kind: Kind) -> None:
    paid = await execute(kind, TOP, world(14), budget=10 + 14 * 7 - 1)
    assert isinstance(paid.refusal, RateLimitedError)
    assert (paid.spent, dict(paid.calls)) == ([80], {("shelves", "a"): 1})
    assert (await execute(kind, TOP, world(14), budget=10 + 14 * 7)).left == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_lists_in_lists_are_paid_level_by_level(kind: Kind) -> None:
    text = '{ item(key: "a") { named { named { key } } } }'
    paid = await execute(kind, text, world(12))
    assert paid.spent == [7 + 10 * (7 + 70), 2 * (7 + 70), 12 * 2 * 7]
    assert paid.cost == 7 + 12 * (7 + 12 * 7)
    refused = await execute(kind, text, world(12), budget=paid.cost - 1)
    assert isinstance(refused.refusal, RateLimitedError)
    assert refused.spent == paid.spent[:2]
    assert refused.calls.total() == refused.calls_at_refusal


@pytest.mark.parametrize("kind", KINDS)
async def test_an_operation_that_turns_out_to_cost_more_than_it_may_is_refused_as_if_that_were_known(
    kind: Kind,
) -> None:
    paid = await execute(kind, TOP, world(14), maximum=10 + 14 * 7 - 1)
    assert isinstance(paid.refusal, DocumentError)
    with pytest.raises(DocumentError) as known:
        Documents(SCHEMA, DocumentLimits(cost=9), introspection=True).read(TOP)
    (expected,), (error,) = known.value.errors, paid.refusal.errors
    assert isinstance(error.original_error, GatewayError)
    assert isinstance(expected.original_error, GatewayError)
    assert (error.message, error.original_error.code) == (expected.message, expected.original_error.code)
    assert error.original_error.extensions == {"limit": "cost", "maximum": 107}
    assert paid.calls.total() == 1


async def test_lists_are_not_counted_twice_when_a_plan_gives_up() -> None:
    # A text in place of a list is for graphql-core to judge.
    broken: Any = "text"
    answers = world(14)
    answers["items"] = {
        name: Reply(lambda: Item(key="a", keys=["b"] * 12, parts=broken), turns=index * 2)
        for index, name in enumerate(NAMES)
    }
    text = '{ top(key: "a") { same { named { key } parts { key } } } }'
    plan, core = [await execute(kind, text, answers, abandoned=kind == "plan") for kind in KINDS]
    assert plan.cost == core.cost == 10 + 14 * (7 + 12 * 7)
    assert plan.left == core.left


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refusal_waits_for_no_other_look_up(kind: Kind) -> None:
    answers = {"items": {"a": item_of(1, turns=None)}, "shelves": world(14)["shelves"]}
    text = '{ item(key: "a") { key } top(key: "a") { same { key } } }'
    paid = await execute(kind, text, answers, budget=100)
    assert isinstance(paid.refusal, RateLimitedError)


@pytest.mark.parametrize("kind", KINDS)
async def test_other_look_ups_wait_for_a_payment_and_are_refused_with_it(kind: Kind) -> None:
    answers = world(14) | {"items": {"a": item_of(1, turns=2), "b": item_of(1, turns=4)}}
    text = """{ top(key: "a") { named { key } } a: item(key: "a") { same { key } shelf { key } }
      b: item(key: "b") { shelf { key } } }"""
    paid = await execute(kind, text, answers, budget=10 + 10 * 10 * 7 + 2 * 17 + 7 + 20, turns=9)
    assert isinstance(paid.refusal, RateLimitedError)
    assert paid.calls.total() == paid.calls_at_refusal


async def test_an_operation_without_such_lists_has_none_whatever_others_of_its_document_have() -> None:
    text = 'query A { item(key: "a") { key } } query B { item(key: "a") { parts { key } } }'
    document = Documents(SCHEMA, DocumentLimits(), introspection=True).read(text)
    assert [len(document.operation(name).lists) for name in "AB"] == [0, 1]


@pytest.mark.parametrize("kind", KINDS)
async def test_variables_count_within_items(kind: Kind) -> None:
    text = """query ($k: [String!]! = ["a", "b", "c"]) { top(key: "a") { asked(keys: $k) { key } } }"""
    paid = await execute(kind, text, world(14))
    assert (paid.requested, paid.cost) == (10 + 10 * 3 * 10, 10 + 14 * 3 * 10)


SIZES = {
    "a list within an answer": (TOP, (3, 3, 3)),
    "a list of keys": ('{ item(key: "a") { named { same { key } } } }', (4, 4, 4)),
    "lists of lists": ('{ item(key: "a") { shelves { ... { same { key } } } } }', (4, 4, 5)),
    "a fragment": ('{ top(key: "a") { ...F } } fragment F on Item { parts { key } }', (3, 3, 4)),
}


@table(("text", "expected"), SIZES.values())
def test_what_is_below_a_list_counts_in_every_limit(text: str, expected: tuple[int, int, int]) -> None:
    ((_, size),) = analyse(parse(text), SCHEMA).operations
    assert (size.depth, size.fields, size.nesting) == expected
    assert size.root_fields == 1


async def test_a_card_that_is_being_counted_is_not_looked_up_once_the_operation_is_refused() -> None:
    viewer = Viewer("service", "a-service", frozenset({"cards:read:any"}), None, Allowance())
    limiter, upstream = DistantLimiter(20), FakeUpstream({"card_info": {"9491339400000013": Reply(ValueError)}})
    audit = RequestAudit(Caller(viewer, "192.0.2.1", "an-id"), REFS, KeptEvents())
    security = RequestSecurity(Authorization(viewer), Budgets(limiter, REFS, may_wait=True), audit, HANDLES)
    async with RequestContext(upstream, security, deadline=Deadline(30), max_cards=20) as context:
        loading = asyncio.ensure_future(context.load(CARD_INFO, CardNo("9491339400000013")))
        await settle(10)
        context.loader.abandon(RateLimitedError("cost", 1))
        with pytest.raises(RateLimitedError):
            await loading
    assert (len(limiter.added), upstream.calls.total()) == (1, 0)
