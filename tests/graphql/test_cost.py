"""Cost: one per object, and ten per call, which a list of card numbers multiplies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLField, GraphQLObjectType, is_introspection_type, parse
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import GatewayError
from graph.graphql.analysis import analyse
from graph.graphql.cost import COST, SATURATED, Factor, FieldCost
from graph.graphql.documents import Documents
from graph.graphql.errors import DocumentError
from graph.graphql.fields import ByOrigin, LookUp
from graph.graphql.limits import DocumentLimits
from schema.errors import ErrorCode
from tests.graphql.schemas import SCHEMA
from tests.tables import table

if TYPE_CHECKING:
    from graph.graphql.operation import Operation

CARD = '"9491339400000013"'
WHOLE_CARD = "balance member { userId profile { userName addressInfo { address } } } cashReceiptInfo { idNo }"


def operation(text: str, *, maximum: int = 500) -> Operation:
    documents = Documents(
        SCHEMA, DocumentLimits(cost=maximum, fields=1_000, root_fields=1_000), introspection=True
    )
    return documents.read(text).operation(None)


def cost(text: str, variables: dict[str, Any] | None = None) -> int:
    return operation(text, maximum=SATURATED).cost(variables or {})


CARDS = "query ($n: [CardNumber!]!) { cards(cardNos: $n)"

COSTS = {
    "a leaf": ("{ __typename }", {}, 0),
    "a card": (f"{{ card(cardNo: {CARD}) {{ balance serviceId }} }}", {}, 10),
    "a member of it": (f"{{ card(cardNo: {CARD}) {{ member {{ userId }} }} }}", {}, 11),
    "a profile": (f"{{ card(cardNo: {CARD}) {{ member {{ profile {{ email }} }} }} }}", {}, 21),
    "everything of a card": (f"{{ card(cardNo: {CARD}) {{ {WHOLE_CARD} }} }}", {}, 10 + 1 + 10 + 1 + 1),
    "two cards": (f"{{ a: card(cardNo: {CARD}) {{ balance }} b: card(cardNo: {CARD}) {{ balance }} }}", {}, 20),
    "a field that a directive leaves out": (f"{{ card(cardNo: {CARD}) @skip(if: true) {{ balance }} }}", {}, 10),
    "an inline fragment": (f"{{ ... on Query {{ ... {{ card(cardNo: {CARD}) {{ balance }} }} }} }}", {}, 10),
    "a fragment, twice": (
        f"{{ card(cardNo: {CARD}) {{ ...F ...F }} }} fragment F on Card {{ member {{ userId }} }}",
        {},
        12,
    ),
    "a literal list": (f"{{ cards(cardNos: [{CARD}, {CARD}, {CARD}]) {{ balance }} }}", {}, 30),
    "a literal that becomes a list": (f"{{ cards(cardNos: {CARD}) {{ balance }} }}", {}, 10),
    "an empty list": ("{ cards(cardNos: []) { balance } }", {}, 0),
    "a variable's list": (CARDS + "{ balance } }", {"n": ["1", "2", "3", "4"]}, 40),
    "a variable's value that becomes a list": (CARDS + "{ balance } }", {"n": "1"}, 10),
    "a variable that is missing": (CARDS + "{ balance } }", {}, 0),
    "a variable that is null": (CARDS + "{ balance } }", {"n": None}, 0),
    "another variable": (CARDS + "{ balance } }", {"n": ["1"], "x": ["1"] * 100}, 10),
    "everything of each card of a list": (CARDS + f"{{ {WHOLE_CARD} }} }}", {"n": ["1"] * 20}, 20 * 23),
    "a fragment within a list": (
        CARDS + "{ ...F } } fragment F on Card { member { userId } }",
        {"n": ["1"] * 3},
        3 * 11,
    ),
    "a list within a fragment": (
        "query ($n: [CardNumber!]!) { ...F ...F } fragment F on Query { cards(cardNos: $n) { balance } }",
        {"n": ["1"] * 3},
        2 * 3 * 10,
    ),
    "two lists": (
        """query ($n: [CardNumber!]!, $m: [CardNumber!]!) {
          cards(cardNos: $n) { balance } b: cards(cardNos: $m) { member { userId } } }""",
        {"n": ["1", "2"], "m": ["3"]},
        2 * 10 + 11,
    ),
    "variables within a literal list": (
        "query ($a: CardNumber!, $b: CardNumber!) { cards(cardNos: [$a, $b]) { balance } }",
        {"a": "1", "b": "2"},
        20,
    ),
    "introspection": ("{ __schema { types { fields { type { name } } } } }", {}, 1),
}


@table(("text", "variables", "expected"), COSTS.values())
def test_cost(text: str, variables: dict[str, Any], expected: int) -> None:
    assert cost(text, variables) == expected


DEFAULT = f"query ($n: [CardNumber!]! = [{CARD}, {CARD}]) {{ cards(cardNos: $n) {{ balance }} }}"


@pytest.mark.parametrize(
    ("variables", "expected"), [({}, 20), ({"n": ["1", "2", "3"]}, 30), ({"n": []}, 0), ({"m": ["1"]}, 20)]
)
def test_the_default_value_counts_unless_the_variable_is_given(variables: dict[str, Any], expected: int) -> None:
    assert cost(DEFAULT, variables) == expected


def test_a_default_value_that_becomes_a_list_is_one_card() -> None:
    assert cost(DEFAULT.replace(f"[{CARD}, {CARD}]", CARD)) == 10


@pytest.mark.parametrize(
    ("value", "length"), [(None, 0), ([], 0), (["1", "2"], 2), (("1", "2"), 2), ("12", 1), (7, 1)]
)
def test_coerced_and_raw_values_have_the_same_length(value: object, length: int) -> None:
    assert length == Factor("n", is_amount=False).of(value)


def test_a_request_may_cost_the_maximum_and_no_more() -> None:
    within = operation(CARDS + f"{{ {WHOLE_CARD} }} }}", maximum=3 * 23)
    assert within.cost({"n": ["1"] * 3}) == 69
    with pytest.raises(DocumentError) as caught:
        within.cost({"n": ["1"] * 4})
    (error,) = caught.value.errors
    assert isinstance(error.original_error, GatewayError)
    assert ErrorCode.QUERY_LIMIT_EXCEEDED is error.original_error.code
    assert error.original_error.extensions == {"limit": "cost", "maximum": 69}
    assert error.message == "The document exceeds the limit of its cost."


def refused_cost(text: str, **limits: int) -> tuple[object, ...]:
    with pytest.raises(DocumentError) as caught:
        Documents(SCHEMA, DocumentLimits(**limits), introspection=True).read(text)
    (error,) = caught.value.errors
    assert isinstance(error.original_error, GatewayError)
    return error.original_error.code, *error.original_error.extensions.values()


def test_a_document_that_always_costs_too_much_is_refused_before_it_is_validated() -> None:
    three = f"{{ cards(cardNos: [{CARD}, {CARD}, {CARD}]) {{ nothing }} }}"
    assert refused_cost(three, cost=29) == (ErrorCode.QUERY_LIMIT_EXCEEDED, "cost", 29)
    assert refused_cost(three, cost=30) == (ErrorCode.GRAPHQL_VALIDATION_FAILED,)


def test_what_variables_add_is_not_refused_before_they_are_known() -> None:
    text = f"query ($n: [CardNumber!]!) {{ cards(cardNos: $n) {{ balance }} card(cardNo: {CARD}) {{ balance }} }}"
    assert operation(text, maximum=10).cost({"n": []}) == 10
    assert refused_cost(text, cost=9) == (ErrorCode.QUERY_LIMIT_EXCEEDED, "cost", 9)


def test_an_operation_that_costs_too_much_leaves_the_others_of_its_document() -> None:
    dear, cheap = f"query A {{ card(cardNo: {CARD}) {{ balance }} }}", "query B { __typename }"
    document = Documents(SCHEMA, DocumentLimits(cost=9), introspection=True).read(f"{dear} {cheap}")
    assert document.operation("B").cost({}) == 0
    with pytest.raises(DocumentError):
        document.operation("A").cost({})
    assert refused_cost(f"{dear} {dear.replace('A', 'C', 1)}", cost=9) == (
        ErrorCode.QUERY_LIMIT_EXCEEDED,
        "cost",
        9,
    )


def test_a_document_without_operations_costs_nothing() -> None:
    assert refused_cost("type A { a: Int }", cost=0) == (ErrorCode.GRAPHQL_VALIDATION_FAILED,)


def test_twenty_cards_with_everything_are_within_the_default_maximum() -> None:
    text = CARDS + f"{{ {WHOLE_CARD} }} }}"
    assert operation(text, maximum=DocumentLimits().cost).cost({"n": ["1"] * 20}) == 460


def test_cost_saturates() -> None:
    chain = " ".join(f"fragment F{index} on Query {{ ...F{index + 1} ...F{index + 1} }}" for index in range(60))
    text = "query ($n: [CardNumber!]!) { ...F0 } " + chain
    document = parse(text + " fragment F60 on Query { cards(cardNos: $n) { balance } }")
    ((_, size),) = analyse(document, SCHEMA).operations
    assert size.price.at(dict.fromkeys(size.price.factors, 1_000_000)) == SATURATED
    assert list(size.price._terms.values()) == [SATURATED]


@pytest.mark.parametrize(
    "text",
    [
        "{ cards(cardNos: $a) { cards(cardNos: $b) { balance } } }",
        "{ cards(cardNos: $a) { ...F } } fragment F on Query { cards(cardNos: $b) { balance } }",
        "{ cards { balance } }",
        "{ cards(cardNos: {a: 1}) { balance } ...F } fragment F on Nothing { card { balance } }",
        "mutation { card { balance } }",
        "{ balance { cards { ... on Won { profile { x } } } } }",
    ],
)
def test_a_document_that_is_not_valid_has_some_cost(text: str) -> None:
    ((_, size),) = analyse(parse(text), SCHEMA).operations
    assert 0 <= size.price.at(dict.fromkeys(size.price.factors, 3)) <= SATURATED


def object_fields() -> dict[str, GraphQLField]:
    return {
        f"{kind.name}.{name}": field
        for kind in SCHEMA.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind)
        for name, field in kind.fields.items()
    }


def costs_of(field: GraphQLField) -> list[FieldCost]:
    """Its cost for each origin."""
    cost = field.extensions.get(COST, FieldCost())
    return list(cost.values()) if isinstance(cost, dict) else [cost]


def is_dear(cost: FieldCost) -> bool:
    return max(cost.once, cost.each, cost.by_way_of[1] if cost.by_way_of else 0) >= 10


def looks_up(field: GraphQLField) -> bool:
    resolvers = field.resolve.resolvers.values() if isinstance(field.resolve, ByOrigin) else [field.resolve]
    return any(isinstance(resolver, LookUp) for resolver in resolvers)


def test_every_field_that_waits_for_something_costs_a_call() -> None:
    waiting = {name for name, field in object_fields().items() if looks_up(field)}
    dear = {name for name, field in object_fields().items() if any(map(is_dear, costs_of(field)))}
    # A member by id and the catalogue are no calls, and the names of all products are one.
    assert waiting == dear | {"Query.member", "Query.errorCatalog", "CardProduct.serviceName"}
    assert waiting >= {"Query.card", "Query.cards", "Member.profile", "Member.cards", "Card.pendingAmount"}


def test_every_list_is_paid_for_by_item() -> None:
    lists = {name: costs_of(field) for name, field in object_fields().items() if "[" in str(field.type)}
    # Scopes and codes are no objects, and the size of a page is its connection's.
    free = {
        "Viewer.scopes",
        "ErrorCatalogEntry.upstreamCodes",
        "TransactionConnection.edges",
        "TransactionConnection.nodes",
    }
    unpaid = {
        name
        for name, costs in lists.items()
        if any(cost.items is None and cost.size == 1 and cost.amount is None and not cost.listed for cost in costs)
    }
    assert unpaid == free


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=20), st.integers(1, 6))
def test_the_cost_of_a_list_grows_with_its_length_alone(card_nos: list[str], fields: int) -> None:
    text = CARDS + "{ " + " ".join(f"x{index}: member {{ userId }}" for index in range(fields)) + " } }"
    assert cost(text, {"n": card_nos}) == len(card_nos) * (10 + fields)
