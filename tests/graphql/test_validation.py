"""Validation messages: every rule has one, and none quotes a client's value."""

from __future__ import annotations

import pytest
from graphql import GraphQLError, parse, specified_rules
from graphql import validate as validate_as_always
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graph.errors import GatewayError
from graph.graphql.errors import DocumentError
from graph.graphql.validation import MAX_ERRORS, MESSAGES, RULES, validate
from schema.errors import ErrorCode
from tests.graphql.schemas import SCHEMA
from tests.graphql.test_hoisting_equality import texts
from tests.tables import table
from tests.tools import examples

CARD = "9491339400000013"
FORM = "A CardNumber is a string of 16 digits."
COMPARISONS = 1_000


def errors_of(text: str) -> list[GraphQLError]:
    return validate(SCHEMA, parse(text), max_comparisons=COMPARISONS)


def messages(text: str) -> list[str]:
    return [error.message for error in errors_of(text)]


BROKEN = {
    "ExecutableDefinitionsRule": (
        "type T { a: Unknown }",
        "A document may hold only operations and fragments; 'T' is neither.",
    ),
    "KnownOperationTypesRule": ("mutation { a }", "The schema has only queries, and no mutation."),
    "UniqueOperationNamesRule": (
        "query A { __typename } query A { __typename }",
        "There is more than one operation named 'A'.",
    ),
    "LoneAnonymousOperationRule": (
        "{ __typename } query A { __typename }",
        "An operation without a name must be the only one.",
    ),
    "KnownTypeNamesRule": ("{ ... on Nothing { a } }", "There is no type 'Nothing'."),
    "FragmentsOnCompositeTypesRule": (
        "{ ... on Won { a } }",
        "A fragment must be on a type that has fields; 'Won' has none.",
    ),
    "VariablesAreInputTypesRule": (
        "query ($a: Card) { __typename }",
        "The variable '$a' must have an input type, which 'Card' is not.",
    ),
    "ScalarLeafsRule": (
        f'{{ card(cardNo: "{CARD}") }}',
        "The field 'card' needs a selection of subfields.",
    ),
    "FieldsOnCorrectTypeRule": (
        f'{{ card(cardNo: "{CARD}") {{ blance }} }}',
        "The type 'Card' has no field 'blance'.",
    ),
    "UniqueFragmentNamesRule": (
        "{ ...F } fragment F on Query { __typename } fragment F on Query { __typename }",
        "There is more than one fragment named 'F'.",
    ),
    "KnownFragmentNamesRule": ("{ ...F }", "There is no fragment 'F'."),
    "NoUnusedFragmentsRule": (
        "{ __typename } fragment F on Query { __typename }",
        "The fragment 'F' is never used.",
    ),
    "PossibleFragmentSpreadsRule": (
        "{ ... on Card { balance } }",
        "The fragment on 'Card' can never apply to the type 'Query'.",
    ),
    "NoFragmentCyclesRule": ("{ ...F } fragment F on Query { ...F }", "The fragment 'F' spreads itself."),
    "UniqueVariableNamesRule": (
        "query ($a: Int, $a: Int) { __typename @skip(if: $a) }",
        "There is more than one variable named '$a'.",
    ),
    "NoUndefinedVariablesRule": (
        "{ card(cardNo: $a) { balance } }",
        "The variable '$a' is not defined.",
    ),
    "NoUnusedVariablesRule": ("query ($a: Int) { __typename }", "The variable '$a' is never used."),
    "KnownDirectivesRule": ("{ __typename @nothing }", "There is no directive '@nothing', or it may not be here."),
    "UniqueDirectivesPerLocationRule": (
        "{ __typename @skip(if: true) @skip(if: true) }",
        "The directive '@skip' may be used only once here.",
    ),
    "KnownArgumentNamesRule": ("{ __typename @skip(if: true, x: 1) }", "There is no argument 'x' of '@skip'."),
    "UniqueArgumentNamesRule": (
        "{ __typename @skip(if: true, if: true) }",
        "The argument 'if' of '@skip' is given twice.",
    ),
    "ValuesOfCorrectTypeRule": (
        f"{{ card(cardNo: {CARD}) {{ balance }} }}",
        f"The argument 'cardNo' of 'card' needs a valid value of type 'CardNumber!'. {FORM}",
    ),
    "ProvidedRequiredArgumentsRule": (
        "{ card { balance } }",
        "A required argument of 'card' is missing.",
    ),
    "VariablesInAllowedPositionRule": (
        "query ($a: String!) { card(cardNo: $a) { balance } }",
        "The type of the variable '$a' does not fit where it is used.",
    ),
    "OverlappingFieldsCanBeMergedRule": (
        f'{{ card(cardNo: "{CARD}") {{ balance balance: serviceId }} }}',
        "Fields 'balance' conflict; give them different aliases.",
    ),
    "MaxIntrospectionDepthRule": (
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
        "Introspection is nested too deeply within '__schema'.",
    ),
}


@table("rule", BROKEN)
def test_a_broken_rule_is_told_in_our_own_words(rule: str) -> None:
    text, message = BROKEN[rule]
    assert message in messages(text)
    assert CARD not in " ".join(messages(text))


ABOUT = {
    "a selection of a scalar": (
        "{ card(cardNo: $n) { balance { x } } }",
        "The field 'balance' has no subfields to select.",
    ),
    "a selection of a list of scalars": (
        "{ __typename { x } }",
        "The field '__typename' has no subfields to select.",
    ),
    "a list for a scalar": (
        f'{{ card(cardNo: ["{CARD}"]) {{ balance }} }}',
        f"The argument 'cardNo' of 'card' needs a valid value of type 'CardNumber!'. {FORM}",
    ),
    "a list within a list": (
        f'{{ cards(cardNos: [["{CARD}"]]) {{ balance }} }}',
        f"The argument 'cardNos' of 'cards' needs a valid value of type '[CardNumber!]!'. {FORM}",
    ),
    "null in a list": (
        "{ cards(cardNos: [null]) { balance } }",
        f"The argument 'cardNos' of 'cards' needs a valid value of type '[CardNumber!]!'. {FORM}",
    ),
    "an object for a scalar": (
        f'{{ card(cardNo: {{ a: "{CARD}" }}) {{ balance }} }}',
        f"The argument 'cardNo' of 'card' needs a valid value of type 'CardNumber!'. {FORM}",
    ),
    "an argument of a directive": (
        "{ __typename @skip(if: 1) }",
        "The argument 'if' of '@skip' needs a valid value of type 'Boolean!'.",
    ),
    "an argument of introspection": (
        "{ __type(name: 1) { name } }",
        "The argument 'name' of '__type' needs a valid value of type 'String!'.",
    ),
    "a default value": (
        f"query ($n: CardNumber! = {CARD}) {{ card(cardNo: $n) {{ balance }} }}",
        f"The default of the variable '$n' needs a valid value of type 'CardNumber!'. {FORM}",
    ),
    "a default value in a list": (
        "query ($n: [CardNumber!]! = [1]) { cards(cardNos: $n) { balance } }",
        f"The default of the variable '$n' needs a valid value of type '[CardNumber!]!'. {FORM}",
    ),
    "a required argument of a directive": (
        "{ __typename @skip }",
        "A required argument of '@skip' is missing.",
    ),
    "a required argument of introspection": (
        "{ __type { name } }",
        "A required argument of '__type' is missing.",
    ),
    "an argument of a field": ("{ __typename(x: 1) }", "There is no argument 'x' of '__typename'."),
    "an argument that is given twice": (
        "{ card(cardNo: $n, cardNo: $n) { balance } }",
        "The argument 'cardNo' of 'card' is given twice.",
    ),
    "a list of objects as a variable": (
        "query ($a: [Card!]) { __typename }",
        "The variable '$a' must have an input type, which '[Card!]' is not.",
    ),
    "a fragment with a name": (
        "{ ...F } fragment F on Card { balance }",
        "The fragment 'F' can never apply to the type 'Query'.",
    ),
    "a fragment on a scalar": (
        "{ ...F } fragment F on Won { x }",
        "A fragment must be on a type that has fields; 'Won' has none.",
    ),
    "a schema": ("schema { query: Query }", "operations and fragments; 'schema' is neither."),
    "an extended schema": ("extend schema @a", "operations and fragments; 'schema' is neither."),
    "a directive": ("directive @d on FIELD", "operations and fragments; 'd' is neither."),
    "an alias": ("{ card(cardNo: $n) { a: balance a: serviceId } }", "Fields 'a' conflict"),
    "a subscription": ("subscription { a }", "The schema has only queries, and no subscription."),
    "a deferred fragment": ("{ ... @defer { __typename } }", "There is no directive '@defer'"),
    "a field of introspection": ("{ __schema { x } }", "The type '__Schema' has no field 'x'."),
}


@table(("text", "message"), ABOUT.values())
def test_a_message_names_what_it_is_about(text: str, message: str) -> None:
    found = messages(text)
    assert any(message in one for one in found), found


def test_every_rule_has_a_message_and_every_message_its_rule() -> None:
    rules = {rule.__name__ for rule in RULES}
    assert rules == set(MESSAGES)
    assert {name for name in (rule.__name__ for rule in specified_rules) if "Stream" not in name} == rules
    # The schema has no subscriptions.
    assert rules - {"SingleFieldSubscriptionsRule", "UniqueInputFieldNamesRule"} == set(BROKEN)


def test_no_more_errors_are_told_than_anybody_reads() -> None:
    assert len(messages("{" + " ".join(f"f{index}" for index in range(50)) + "}")) == MAX_ERRORS


def test_a_name_with_many_digits_is_hidden() -> None:
    assert messages(f"{{ a{CARD} }}") == ["The type 'Query' has no field '[hidden]'."]
    assert messages("{ address2 }") == ["The type 'Query' has no field 'address2'."]


def test_a_wrong_value_is_bad_user_input_and_anything_else_a_validation_error() -> None:
    def codes(text: str) -> list[ErrorCode]:
        errors = errors_of(text)
        return [error.original_error.code for error in errors if isinstance(error.original_error, GatewayError)]

    assert codes('{ card(cardNo: "x") { balance } }') == [ErrorCode.BAD_USER_INPUT]
    assert codes("{ x }") == [ErrorCode.GRAPHQL_VALIDATION_FAILED]


def test_every_error_has_a_place() -> None:
    for text, _ in BROKEN.values():
        for error in errors_of(text):
            assert error.locations


NAMES = st.sampled_from(["card", "cards", "balance", "x", "member", f"n{CARD}", "cardNo", "__typename"])
VALUES = st.sampled_from([f'"{CARD}"', CARD, "null", "true", f'["{CARD}"]', "$v", f'{{a: "{CARD}"}}', f"E{CARD}"])
FIELDS = st.recursive(
    st.builds(lambda name, value: f"{name}(cardNo: {value})", NAMES, VALUES) | NAMES,
    lambda inner: st.builds(
        lambda name, fields: f"{name} {{ {' '.join(fields)} }}", NAMES, st.lists(inner, min_size=1)
    ),
    max_leaves=8,
)


@given(st.lists(FIELDS, min_size=1, max_size=4))
def test_no_message_ever_holds_the_callers_digits(fields: list[str]) -> None:
    text = f"query Q{CARD}($v: CardNumber) {{ {' '.join(fields)} }}"
    assert CARD not in " ".join(messages(text))


@given(
    st.one_of(texts(), st.lists(FIELDS, min_size=1, max_size=4).map(lambda fields: f"{{ {' '.join(fields)} }}"))
)
@example("query A { ...F } query B($v: Int) { ...F } fragment F on Query { card(cardNo: $v) { balance } }")
@example("{ ...F } fragment F on Query { ...G @skip(if: $v) } fragment G on Query { ...F a: __typename a: x }")
@example("type T { a: Int @a } extend schema @a { __typename @defer }")
@settings(max_examples=examples(200))
def test_the_errors_are_those_that_graphql_core_finds(text: str) -> None:
    try:
        document = parse(text)
    except GraphQLError:
        return
    expected = validate_as_always(SCHEMA, document, RULES, max_errors=100)
    found = validate(SCHEMA, document, max_comparisons=500_000)
    assert [error.positions for error in expected][:MAX_ERRORS] == [error.positions for error in found]


def test_what_would_have_to_be_compared_too_often_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        errors_of(f'{{ card(cardNo: "{CARD}") {{ {"balance " * 50} }} }}')
    cause = caught.value.errors[0].original_error
    assert isinstance(cause, GatewayError)
    assert cause.extensions == {"limit": "comparisons", "maximum": COMPARISONS}


def test_what_was_found_before_that_is_told() -> None:
    text = f'{{ x card(cardNo: "{CARD}") {{ {"balance " * 50} }} }}'
    assert messages(text) == ["The type 'Query' has no field 'x'."]
