"""Hoisting: which card numbers are taken out of a text, and which texts are left alone."""

from __future__ import annotations

import pytest
from graphql import Source, VariableNode, parse, print_ast, visit
from graphql.language import OperationDefinitionNode, Visitor
from hypothesis import given
from hypothesis import strategies as st

from graph.graphql.literals import declare, hoist
from tests.graphql.schemas import SCHEMA
from tests.tables import table

A, B = "9491339400000013", "9491339400000021"


def test_a_literal_becomes_a_variable_of_the_same_length() -> None:
    text = f'{{ card(cardNo: "{A}") {{ balance }} }}'
    hoisted = hoist(text)
    assert hoisted is not None
    assert hoisted.skeleton == "{ card(cardNo: $konagraph_card_00) { balance } }"
    assert (len(hoisted.skeleton), hoisted.card_nos) == (len(text), {"konagraph_card_00": A})


def test_equal_literals_become_one_variable_and_different_ones_several() -> None:
    hoisted = hoist(f'{{["{A}","{B}" "{A}"]')
    assert hoisted is not None
    assert hoisted.skeleton == "{[$konagraph_card_00,$konagraph_card_01 $konagraph_card_00]"
    assert hoisted.card_nos == {"konagraph_card_00": A, "konagraph_card_01": B}
    assert hoisted.literals == 3


def test_the_skeleton_is_the_same_for_all_numbers_that_differ_in_the_same_way() -> None:
    def skeleton(*numbers: str) -> str:
        hoisted = hoist("{" + " ".join(f'"{number}"' for number in numbers))
        assert hoisted is not None
        return hoisted.skeleton

    assert skeleton(A, B, A) == skeleton(B, A, B)
    assert skeleton(A, B, A) != skeleton(A, B, B)
    assert skeleton(A, B) != skeleton(A, A)


def test_other_strings_stay_in_their_places() -> None:
    hoisted = hoist(f'{{ "" "x" "{A}" "{A}1" "{A[1:]}" 1 "{A}"')
    assert hoisted is not None
    assert hoisted.skeleton == f'{{ "" "x" $konagraph_card_00 "{A}1" "{A[1:]}" 1 $konagraph_card_00'


def test_a_hundred_numbers_are_hoisted_however_often_and_no_more() -> None:
    numbers = [f'"{9_000_000_000_000_000 + number}"' for number in range(101)]
    hoisted = hoist("{" + " ".join(numbers[:100] * 2))
    assert hoisted is not None
    assert (len(hoisted.card_nos), hoisted.literals) == (100, 200)
    assert list(hoisted.card_nos)[99] == "konagraph_card_99"
    assert hoist("{" + " ".join(numbers)) is None


LEFT_ALONE = {
    "no string": "{ card(cardNo: $n) { balance } }",
    "no card number": '{ card(cardNo: "x") { balance } }',
    "a number without quotation marks": f"{{ card(cardNo: {A}) {{ balance }} }}",
    "a number between two strings": f'"a"{A}"b"',
    "fifteen digits": f'"{A[1:]}"',
    "seventeen digits": f'"{A}0"',
    "a space": f'" {A[1:]}"',
    "full-width digits": '"９４９１３３９４００００００１３"',
    "superscript digits": '"²²²²²²²²²²²²²²²²"',
    "an escape": f'"{A}" "\\n"',
    "a number that is escaped": f'"\\u0039{A[1:]}" "{A}"',
    "a comment": f'"{A}" # x',
    "a comment with a quotation mark": f'# "\n"{A}"',
    "a block string": f'"""{A}"""',
    "a block string elsewhere": f'"{A}" """x"""',
    "an unterminated string": f'"{A}" "x',
    "a line break in a string": f'"{A}" "\n"',
    "a carriage return in a string": f'"{A}" "\r"',
    "a name right behind": f'"{A}"x',
    "a digit right behind": f'"{A}"1',
    "an underscore right behind": f'"{A}"_',
    "a reserved name": f'"{A}" $konagraph_card_00',
    "a reserved name in a string": f'"{A}" "konagraph_card_"',
}


@table("text", LEFT_ALONE.values())
def test_what_is_not_simple_is_left_alone(text: str) -> None:
    assert hoist("{" + text) is None


@pytest.mark.parametrize(
    "text", [f'"{A}"', f'query ($n: CardNumber! = "{A}") {{ a }}', f'{{ a }} "{A}"', f'{{ "{{" }} "{A}"']
)
def test_what_stands_outside_of_all_braces_is_left_alone(text: str) -> None:
    assert hoist(text) is None


def test_a_text_that_is_too_long_is_left_alone() -> None:
    text = f'{{ card(cardNo: "{A}") {{ balance }} }}'
    assert hoist(text.ljust(5_000)) is not None
    assert hoist(text.ljust(5_001)) is None


@given(
    st.lists(st.sampled_from([f'"{A}"', f'"{B}"', A, '"', "x", " ", "\n", ",", "1", "#", "\\", '""', "é"])).map(
        "".join
    )
)
def test_the_text_is_what_its_skeleton_says_with_the_numbers_put_back(text: str) -> None:
    text = "{" + text
    hoisted = hoist(text)
    if hoisted is not None:
        restored = hoisted.skeleton
        for name, number in hoisted.card_nos.items():
            restored = restored.replace(f"${name}", f'"{number}"')
        assert text == restored
        assert len(hoisted.skeleton) == len(text)


def test_nothing_of_it_is_shown() -> None:
    hoisted = hoist(f'{{"{A}"')
    assert (repr(hoisted), "%s" % hoisted) == ("Hoisted(...)", "Hoisted(...)")  # noqa: UP031 - a tuple is taken apart


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ card(cardNo: $a) { balance } }", "query ($a: CardNumber!) {"),
        ("query Q($n: Int) { x(n: $n) card(cardNo: $a) { y } }", "query Q($n: Int, $a: CardNumber!) {"),
        ("fragment F on Query { card(cardNo: $a) { x } } query { ...F }", "query ($a: CardNumber!) {"),
    ],
)
def test_the_operation_declares_the_variables(text: str, expected: str) -> None:
    declared = declare(SCHEMA, parse(text), ["a"])
    assert declared is not None
    assert expected in print_ast(declared).splitlines()


@pytest.mark.parametrize("text", ["{ a } query B { b }", "fragment F on Query { a }", "type A { a: Int }"])
def test_none_is_declared_unless_there_is_one_operation(text: str) -> None:
    assert declare(SCHEMA, parse(text), ["a"]) is None


@pytest.mark.parametrize(
    "field",
    ["__type(name: $a)", "cards(cardNos: $a)", "x(y: $a)", "card(cardNo: { x: $a })", "...F", "a @skip(if: $a)"],
)
def test_none_is_declared_unless_all_stand_where_a_card_number_is_expected(field: str) -> None:
    text = f"{{ card(cardNo: $a) {{ x }} {field} {{ x }} }} fragment F on Query {{ __type(name: $a) {{ x }} }}"
    assert declare(SCHEMA, parse(text.replace("...F {", "...F ... {")), ["a"]) is None


def test_what_is_not_the_operation_stays_as_it_was_parsed() -> None:
    source = Source("fragment F on Query { a } { ...F card(cardNo: $a) { x } }")
    document = parse(source)
    declared = declare(SCHEMA, document, ["a"])
    assert declared is not None
    fragment, operation = declared.definitions
    assert fragment is document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.selection_set is document.definitions[1].selection_set  # type: ignore[attr-defined]
    assert operation.loc is not None
    assert operation.loc.source is source
    assert document.definitions[1].variable_definitions is None  # type: ignore[attr-defined]


def test_a_variable_stands_where_its_literal_stood() -> None:
    text = f'{{\n  a: card(cardNo: "{A}") {{ balance }}\n  b: card(cardNo: "{B}") {{ balance }}\n}}'
    hoisted = hoist(text)
    assert hoisted is not None
    places: list[tuple[int, int]] = []

    class Places(Visitor):
        def enter_variable(self, node: VariableNode, *_args: object) -> None:
            assert node.loc is not None
            places.append((node.loc.start, node.loc.end))

    visit(parse(hoisted.skeleton), Places())
    assert [text[start:end] for start, end in places] == [f'"{A}"', f'"{B}"']
