"""Compiled plans: which operations have one, and what they leave to graphql-core."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import pytest
from graphql import GraphQLField, GraphQLObjectType, GraphQLScalarType, GraphQLSchema, parse

from graph.graphql.executor import OperationExecutor
from graph.graphql.fields import Read
from graph.graphql.plan import FallbackToGraphQLCore
from graph.graphql.plan.cache import Plans
from graph.graphql.plan.compiler import Shape
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.security.authorization import ANONYMOUS, EVERY_SCOPE, Allowance, Viewer
from graph.security.card_refs import CardRefs
from schema.secrets import CardNo, MemberId
from tests.graphql.plan_cases import (
    A,
    B,
    C,
    broken,
    card,
    counts,
    member,
    read,
    run,
    run_both,
    says,
    switched,
)
from tests.graphql.plan_world import (
    REFS,
    DistantLimiter,
    World,
    context_of,
    outcome_of,
)
from tests.graphql.schemas import SCHEMA
from tests.support import KeptEvents

if TYPE_CHECKING:
    from graph.graphql.operation import Document, Operation


async def test_an_operation_over_cards_is_executed_by_its_plan() -> None:
    around = World(ANONYMOUS, {A: says(card()), B: says(card(None))})
    outcome, plans = await run_both(
        f'query ($b: CardNumber!) {{ x: card(cardNo: "{A}") {{ balance }} card(cardNo: $b) {{ isRegistered }} }}',
        around,
        b=B,
    )
    assert outcome.data == b'{"x":{"balance":1},"card":{"isRegistered":false}}'
    assert counts(plans) == (1, 0, 0)


@pytest.mark.parametrize(
    "text",
    ["{ __schema { queryType { name } } }", '{ __type(name: "Card") { name } }', switched("abcde")],
    ids=["the schema", "a type", "five switches"],
)
async def test_what_plans_do_not_do_is_left_to_graphql_core(text: str) -> None:
    switches = dict.fromkeys("abcde", True)
    outcome, plans = await run_both(text, World(ANONYMOUS, {}), **switches)
    assert outcome.errors == []
    assert counts(plans) == (0, 1, 0)


async def test_a_value_that_does_not_fit_is_refused_in_the_words_of_always() -> None:
    outcome, plans = await run_both(
        "query ($n: CardNumber!) { card(cardNo: $n) { balance } }", World(ANONYMOUS, {}), n="1234"
    )
    assert [error["message"] for error in outcome.errors] == [
        "The variable '$n' needs a valid value of type 'CardNumber!'. A CardNumber is a string of 16 digits."
    ]
    assert counts(plans) == (0, 1, 0)


@pytest.mark.parametrize("value", [1, "1"])
async def test_a_scalar_that_makes_nothing_of_a_value_is_left_to_graphql_core(value: object) -> None:
    nothing = GraphQLScalarType("Nothing", serialize=lambda _value: None)
    read = Read(lambda source: source, lambda _source, shown: shown, plain=True)
    schema = GraphQLSchema(GraphQLObjectType("Query", {"x": GraphQLField(nothing, resolve=read)}))
    document = parse("{ x }")
    plan = Shape(schema, document, cast("Any", document.definitions[0])).plan({})
    with pytest.raises(FallbackToGraphQLCore):
        await plan.run(value, {})


async def test_a_null_in_place_of_a_default_is_the_error_of_its_field() -> None:
    text = f'query ($n: CardNumber = "{A}") {{ card(cardNo: $n) {{ balance }} }}'
    outcome, plans = await run_both(text, World(ANONYMOUS, {A: says(card())}), n=None)
    assert [error["path"] for error in outcome.errors] == [["card"]]
    assert counts(plans) == (0, 0, 1)


async def test_what_a_plan_cannot_finish_repeats_no_call_and_spends_and_audits_nothing_twice() -> None:
    viewer = Viewer("member", "m", EVERY_SCOPE, None, Allowance(cards_per_minute=2))
    bad = broken(balance=2**60)
    text = """query ($l: [CardNumber!]!) { cards(cardNos: $l) { balance member { profile { userName } } } }"""
    around = World(viewer, {A: says(bad), B: says(card(), 2), C: says(card())}, {"1001": member()})
    outcome, plans = await run_both(text, around, l=[A, B, C])
    assert counts(plans) == (0, 0, 1)
    assert outcome.calls == Counter({("card_info", A): 1, ("card_info", B): 1, ("user_info", "1001"): 1})
    assert outcome.counted == (3, 1)
    assert [(error["path"], error["extensions"]["code"]) for error in outcome.errors] == [
        (["cards", 2], "RATE_LIMITED"),
        (["cards", 0, "balance"], "INTERNAL_SERVER_ERROR"),
    ]
    assert sorted(event[0] for event in outcome.events) == ["read", "read", "refused"]


async def test_a_card_is_counted_once_in_a_request_and_the_verdict_stands() -> None:
    viewer = Viewer("member", "m", EVERY_SCOPE, None, Allowance(cards_per_minute=1))
    around = World(viewer, {A: says(card())})
    upstream, limiter = around.upstream(), DistantLimiter(1)
    events = KeptEvents()
    async with context_of(around, upstream, limiter, events) as context:
        asked = [CardNo(A), CardNo(B), CardNo(A), CardNo(B), CardNo(A)]
        loading = [asyncio.ensure_future(context.load(CARD_INFO, card_no, card_no)) for card_no in asked[:3]]
        await asyncio.wait(loading)
        loading += [asyncio.ensure_future(context.load(CARD_INFO, card_no, card_no)) for card_no in asked[3:]]
        await asyncio.wait(loading)
    assert [getattr(each.exception(), "budget", None) for each in loading] == [None, "cards", None, "cards", None]
    assert [REFS.of(CardNo(A)), REFS.of(CardNo(B))] == limiter.added
    assert upstream.calls == {("card_info", A): 1}
    assert [event.code for event in events] == ["RATE_LIMITED"]


async def test_a_null_where_none_may_be_nulls_what_graphql_core_nulls(monkeypatch: pytest.MonkeyPatch) -> None:
    # There is none of an id without digits.
    monkeypatch.setattr(CardRefs, "of", lambda _refs, _subject: "a-reference")
    around = World(ANONYMOUS, {A: says(broken(user_id=MemberId(cast("Any", None))))})
    outcome, plans = await run_both(f'{{ card(cardNo: "{A}") {{ balance member {{ userId }} }} }}', around)
    assert outcome.data == b'{"card":{"balance":1,"member":null}}'
    assert [error["path"] for error in outcome.errors] == [["card", "member", "userId"]]
    assert counts(plans) == (0, 0, 1)


async def test_an_error_names_every_place_that_selects_its_field() -> None:
    text = f"""{{ card(cardNo: "{A}") {{ balance ...F }} card(cardNo: "{A}") {{ balance }} }}
fragment F on Card {{ balance }}"""
    around = World(ANONYMOUS, {A: says(card(balance=None))})
    outcome, plans = await run_both(text, around)
    (error,) = outcome.errors
    assert [(place["line"], place["column"]) for place in error["locations"]] == [(1, 38), (2, 22), (1, 88)]
    assert counts(plans) == (1, 0, 0)


async def test_every_choice_of_the_switches_has_a_plan_of_its_own() -> None:
    names = "abcd"
    document, operation = read(switched(names))
    plans = OperationExecutor(SCHEMA)
    for _ in range(2):
        for choice in range(16):
            values = {name: bool(choice & 1 << place) for place, name in enumerate(names)}
            outcome = await outcome_of(plans, World(ANONYMOUS, {}), document, operation, values)
            expected = ",".join(f'"{name}":"Query"' for name in names if values[name])
            assert outcome.data.decode() == f"{{{expected}}}"
    assert counts(plans) == (32, 0, 0)
    assert len(operation.prepared.plans) == 16


def found(plans: Plans, document: Document, operation: Operation) -> object:
    return plans.find(operation.prepared, document.node, operation.node, {})


def test_the_oldest_plans_make_room_for_new_ones() -> None:
    plans, read_ones = (
        Plans(SCHEMA, max_steps=5),
        [read(f"{{ a{index}: __typename b: __typename }}") for index in range(4)],
    )
    for document, operation in read_ones:
        assert found(plans, document, operation) is not None
        assert plans.steps <= 5
    assert [len(operation.prepared.plans) for _, operation in read_ones] == [0, 0, 1, 1]
    document, operation = read_ones[0]
    assert found(plans, document, operation) is not None
    assert [len(operation.prepared.plans) for _, operation in read_ones] == [1, 0, 0, 1]


def test_plans_without_any_step_make_room_too() -> None:
    plans = Plans(SCHEMA, max_steps=2)
    read_ones = [read(f"{{ a{index}: __typename @skip(if: true) }}") for index in range(3)]
    for document, operation in read_ones:
        assert found(plans, document, operation) is not None
    assert [len(operation.prepared.plans) for _, operation in read_ones] == [0, 1, 1]


def test_a_plan_does_not_keep_its_document() -> None:
    plans = Plans(SCHEMA, max_steps=3)
    document, operation = read("{ a: __typename b: __typename }")
    assert found(plans, document, operation) is not None
    prepared = weakref.ref(operation.prepared)
    del document, operation
    gc.collect()
    assert prepared() is None
    assert plans.steps == 2


async def test_a_setting_leaves_everything_to_graphql_core() -> None:
    core = OperationExecutor(SCHEMA, "core")
    assert (await run(core, "{ __typename }", World(ANONYMOUS, {}))).data == b'{"__typename":"Query"}'
    assert counts(core) == (0, 1, 0)


async def test_an_operation_that_has_no_plan_is_reported_once() -> None:
    reported: list[str | None] = []
    plans = OperationExecutor(SCHEMA, on_unplanned=lambda _, operation: reported.append(operation.name))
    document, operation = read("query Q { __schema { queryType { name } } }")
    for _ in range(2):
        await outcome_of(plans, World(ANONYMOUS, {}), document, operation, {})
    await run(plans, "query ($n: CardNumber!) { card(cardNo: $n) { balance } }", World(ANONYMOUS, {}), n="1")
    assert reported == ["Q"]
