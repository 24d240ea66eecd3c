"""Validation messages: every rule has its own, and none repeats a caller's value."""

from __future__ import annotations

import pytest
from graphql import parse, specified_rules
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import GatewayError
from graph.execution.validation import MAX_ERRORS, RULES, TEMPLATES, validation_errors
from schema.errors import ErrorCode
from schema.query import build_schema

SCHEMA = build_schema()
CARD = "9491339400000013"


def messages(text: str, *, introspection: bool = True) -> list[str]:
    return [error.message for error in validation_errors(SCHEMA, parse(text), introspection=introspection)]


BROKEN = {
    "ExecutableDefinitionsRule": ("type T { a: Int }", "A document may hold only operations and fragments."),
    "KnownOperationTypesRule": ("mutation { a }", "The schema has only queries."),
    "UniqueOperationNamesRule": (
        "query A { __typename } query A { __typename }",
        "There is more than one operation named 'A'.",
    ),
    "LoneAnonymousOperationRule": (
        "{ __typename } query A { __typename }",
        "An operation without a name must be the only one.",
    ),
    "KnownTypeNamesRule": ("{ ... on Nothing { a } }", "There is no type 'Nothing'."),
    "FragmentsOnCompositeTypesRule": ("{ ... on Won { a } }", "A fragment must be on a type that has fields."),
    "VariablesAreInputTypesRule": (
        "query ($a: Card) { __typename }",
        "A variable must have an input type; 'Card' is none.",
    ),
    "ScalarLeafsRule": (
        f'{{ card(cardNo: "{CARD}") }}',
        "The field 'card' needs a selection of subfields, or must not have one.",
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
        "The fragment can never apply to the type 'Query'.",
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
    "KnownArgumentNamesRule": ("{ __typename @skip(if: true, x: 1) }", "There is no argument 'x' here."),
    "UniqueArgumentNamesRule": (
        "{ __typename @skip(if: true, if: true) }",
        "The argument 'if' is given twice.",
    ),
    "ValuesOfCorrectTypeRule": (
        f"{{ card(cardNo: {CARD}) {{ balance }} }}",
        "A value here must be a valid 'CardNumber'.",
    ),
    "ProvidedRequiredArgumentsRule": ("{ card { balance } }", "A required argument of 'card' is missing."),
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
        "Introspection is nested too deeply.",
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told_in_our_own_words(rule: str) -> None:
    text, message = BROKEN[rule]
    assert message in messages(text)
    assert CARD not in " ".join(messages(text))


def test_every_rule_of_the_specification_has_a_message() -> None:
    assert {rule.__name__ for rule in specified_rules} <= TEMPLATES.keys()
    assert len(specified_rules) == len(RULES)


def test_introspection_that_is_switched_off_is_told() -> None:
    assert messages("{ __schema { __typename } }", introspection=False) == ["Introspection is switched off."]
    assert messages("{ __typename }", introspection=False) == []


def test_no_more_errors_are_told_than_anybody_reads() -> None:
    assert len(messages("{" + " ".join(f"f{index}" for index in range(50)) + "}")) == MAX_ERRORS


def test_a_name_with_many_digits_is_hidden() -> None:
    assert messages(f"{{ a{CARD} }}") == ["The type 'Query' has no field '[hidden]'."]
    assert messages("{ address2 }") == ["The type 'Query' has no field 'address2'."]


def test_a_wrong_value_is_bad_user_input_and_anything_else_a_validation_error() -> None:
    def codes(text: str) -> list[ErrorCode]:
        errors = validation_errors(SCHEMA, parse(text), introspection=True)
        return [error.original_error.code for error in errors if isinstance(error.original_error, GatewayError)]

    assert codes('{ card(cardNo: "x") { balance } }') == [ErrorCode.BAD_USER_INPUT]
    assert codes("{ x }") == [ErrorCode.GRAPHQL_VALIDATION_FAILED]


def test_every_error_has_a_place() -> None:
    for text, _ in BROKEN.values():
        for error in validation_errors(SCHEMA, parse(text), introspection=True):
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
