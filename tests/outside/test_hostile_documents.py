"""Hostile GraphQL documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.outside.attacked import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.outside.attacked import Attacked

CARD: Final = "9491339400000013"
NAME: Final = f"c{CARD}"
REFUSALS: Final = {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "QUERY_LIMIT_EXCEEDED"}


class Client:
    """Sends documents over one connection."""

    def __init__(self, url: str, connection: httpx.Client) -> None:
        self._url = url
        self._connection = connection

    def post(self, query: str, **parameters: Any) -> httpx.Response:
        return self._connection.post(self._url, json={"query": query, **parameters})

    def ask(self, query: str, **parameters: Any) -> dict[str, Any]:
        answer = self.post(query, **parameters)
        assert answer.status_code == 200
        payload: dict[str, Any] = answer.json()
        return payload


@pytest.fixture
def client(open_gateway: Attacked) -> Iterator[Client]:
    with httpx.Client(timeout=PATIENCE) as connection:
        yield Client(open_gateway.url, connection)


def assert_foreseen(payload: dict[str, Any]) -> None:
    """Assert that every error is a refusal, and only repeats the client's names in the path."""
    for error in payload.get("errors", ()):
        assert error["extensions"]["code"] in REFUSALS | {"CARD_NOT_FOUND"}
        assert CARD not in json.dumps({name: value for name, value in error.items() if name != "path"})


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"{{{NAME}}}", "GRAPHQL_VALIDATION_FAILED"),
        (f"{{...{NAME}}}", "GRAPHQL_VALIDATION_FAILED"),
        (f"{{...{NAME}}}fragment {NAME} on Query{{...{NAME}}}", "GRAPHQL_VALIDATION_FAILED"),
        (f"{{__typename}}fragment {NAME} on Query{{__typename}}", "GRAPHQL_VALIDATION_FAILED"),
        (f"{{...on {NAME}{{__typename}}}}", "GRAPHQL_VALIDATION_FAILED"),
        (f"{{__typename @{NAME}}}", "GRAPHQL_VALIDATION_FAILED"),
        (f'{{__typename @deprecated(reason:"{CARD}")}}', "GRAPHQL_VALIDATION_FAILED"),
        (f'{{...@defer(label:"{CARD}"){{__typename}}}}', "GRAPHQL_VALIDATION_FAILED"),
        (f"{{card({NAME}:1){{balance}}}}", "GRAPHQL_VALIDATION_FAILED"),
        (f'{{card(cardNo:"{CARD}",cardNo:"{CARD}"){{balance}}}}', "GRAPHQL_VALIDATION_FAILED"),
        (f'{{{NAME}:card(cardNo:"{CARD}"){{balance}}{NAME}:__typename}}', "GRAPHQL_VALIDATION_FAILED"),
        (f"query {NAME}{{__typename}}query {NAME}{{__typename}}", "GRAPHQL_VALIDATION_FAILED"),
        (f"query(${NAME}:CardNumber!){{__typename}}", "GRAPHQL_VALIDATION_FAILED"),
        (f"{{card(cardNo:${NAME}){{balance}}}}", "GRAPHQL_VALIDATION_FAILED"),
        (f"query($a:{NAME}){{__typename @skip(if:$a)}}", "GRAPHQL_VALIDATION_FAILED"),
        (f'"{CARD}" type {NAME}{{a:Int}} query A{{__typename}}', "GRAPHQL_VALIDATION_FAILED"),
        (
            f'extend schema @{NAME}{{query:Query}} {{card(cardNo:"{CARD}"){{balance}}}}',
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (f"mutation {NAME}{{a}}", "GRAPHQL_VALIDATION_FAILED"),
        (f'subscription{{card(cardNo:"{CARD}"){{balance}}}}', "GRAPHQL_VALIDATION_FAILED"),
        (f"{{card(cardNo:{CARD}){{balance}}}}", "BAD_USER_INPUT"),
        (f"{{card(cardNo:-{CARD}.5e1){{balance}}}}", "BAD_USER_INPUT"),
        (f"{{card(cardNo:{NAME}){{balance}}}}", "BAD_USER_INPUT"),
        (f'{{card(cardNo:{{{NAME}:"{CARD}"}}){{balance}}}}', "BAD_USER_INPUT"),
        (f'{{card(cardNo:["{CARD}"]){{balance}}}}', "BAD_USER_INPUT"),
        (f'{{cards(cardNos:[["{CARD}"]]){{balance}}}}', "BAD_USER_INPUT"),
        (f'{{card(cardNo:"""\n{CARD}\n0\n"""){{balance}}}}', "BAD_USER_INPUT"),
        (f'{{__typename @skip(if:"{CARD}")}}', "BAD_USER_INPUT"),
        (f'query($a:Boolean="{CARD}"){{__typename @skip(if:$a)}}', "BAD_USER_INPUT"),
        (f'{{card(cardNo:"{CARD}', "GRAPHQL_PARSE_FAILED"),
        (f'{{card(cardNo:"{CARD}\\q"){{balance}}}}', "GRAPHQL_PARSE_FAILED"),
        (f'{{card(cardNo:"\\u{{{CARD}}}"){{balance}}}}', "GRAPHQL_PARSE_FAILED"),
        (f'{{card(cardNo:"{CARD}\\ud800"){{balance}}}}', "GRAPHQL_PARSE_FAILED"),
        (f"{{card(cardNo:{CARD}a){{balance}}}}", "GRAPHQL_PARSE_FAILED"),
        (f"# {CARD}", "GRAPHQL_PARSE_FAILED"),
        (f"{CARD}", "GRAPHQL_PARSE_FAILED"),
        (f"{{__typename @stream(initialCount:{'9' * 5000})}}", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_a_card_number_anywhere_in_a_refused_document_is_not_repeated(
    client: Client, query: str, code: str
) -> None:
    payload = client.ask(query)

    assert code in {error["extensions"]["code"] for error in payload["errors"]}
    assert "data" not in payload
    assert CARD not in json.dumps(payload)


@pytest.mark.parametrize(
    "query",
    [
        f"query {NAME}{{__typename}}",
        f'"{CARD}" query A{{__typename}}',
        f"{{__typename}}#{CARD}",
        f'query($a:CardNumber="{CARD}"){{__typename @skip(if:false)card(cardNo:$a)@skip(if:true){{balance}}}}',
    ],
)
def test_a_card_number_that_a_document_does_not_use_goes_nowhere(client: Client, query: str) -> None:
    assert client.ask(query) == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("number", ['"""9491339400000013"""', '"9491\\u0033394\\u{30}0000013"'])
def test_a_card_number_in_disguise_is_the_same_number(client: Client, number: str) -> None:
    query = f"{{card(cardNo:{number}){{maskedCardNo}}}}"

    assert client.ask(query) == {"data": {"card": {"maskedCardNo": "949133******0013"}}}


@pytest.mark.parametrize(
    "value",
    [int(CARD), float(CARD), [CARD], {CARD: CARD}, True, f"{CARD}\n", f" {CARD}", CARD + "\x00", "９" * 16],
)
def test_a_variable_that_is_nearly_a_card_number_is_not_repeated(client: Client, value: object) -> None:
    payload = client.ask("query($c:CardNumber!){card(cardNo:$c){balance}}", variables={"c": value})

    assert [error["extensions"]["code"] for error in payload["errors"]] == ["BAD_USER_INPUT"]
    assert CARD not in json.dumps(payload)


NESTED: dict[str, Callable[[int], str]] = {
    "fragments in place": lambda depth: "{" + "...{" * depth + "__typename" + "}" * depth + "}",
    "lists": lambda depth: "{cards(cardNos:" + "[" * depth + "]" * depth + "){balance}}",
    "objects": lambda depth: "{card(cardNo:" + "{a:" * depth + "1" + "}" * depth + "){balance}}",
    "types": lambda depth: "query($a:" + "[" * depth + "Int" + "]" * depth + "){cards(cardNos:$a){balance}}",
    "defaults": lambda depth: (
        "query($a:[CardNumber!]!=" + "[" * depth + "]" * depth + "){cards(cardNos:$a){balance}}"
    ),
    "fields": lambda depth: "{" + "card{" * depth + "balance" + "}" * depth + "}",
    "braces": lambda depth: "{" * depth,
    "types of types": lambda depth: "{__schema{types{" + "ofType{" * depth + "name" + "}" * depth + "}}}",
    "fragments": lambda depth: (
        "{...F0}"
        + "".join(f"fragment F{index} on Query{{...F{index + 1}}}" for index in range(depth))
        + f"fragment F{depth} on Query{{__typename}}"
    ),
    "circles": lambda depth: (
        "{...F0}"
        + "".join(f"fragment F{index} on Query{{...F{(index + 1) % depth} ...F0}}" for index in range(depth))
    ),
}


@pytest.mark.parametrize("construct", NESTED)
def test_no_depth_of_nesting_is_too_much_for_the_gateway(client: Client, construct: str) -> None:
    # All depths around 200, where graphql-core fails, and samples up to the limit of tokens.
    for depth in (*range(1, 195, 6), *range(195, 206), *range(206, 300, 9)):
        assert_foreseen(client.ask(NESTED[construct](depth)))


DESCRIBED = " ".join(f"a{number}:description" for number in range(15))


@pytest.mark.parametrize(
    "selection",
    [
        "types{fields{type{fields{type{" + DESCRIBED + "}}}}}",
        "types{fields{type{fields{type{b:description " + DESCRIBED + "}}}}}",
        "types{fields{args{type{ofType{ofType{name fields{args{type{name description}}}}}}}}}",
        "types{possibleTypes{fields{type{name description}}}}",
    ],
)
def test_the_largest_answers_about_the_schema_are_small(client: Client, selection: str) -> None:
    answer = client.post(f"{{__schema{{{selection}}}}}")

    assert answer.json().keys() == {"data"}
    assert len(answer.content) < 256 * 1024


@pytest.mark.parametrize(
    "query",
    [
        "{__schema{types{fields{type{fields{type{fields{name}}}}}}}}",
        "{__schema{types{possibleTypes{interfaces{possibleTypes{name}}}}}}",
        "fragment T on __Type{fields{name}} {__schema{types{fields{type{fields{type{...T}}}}}}}",
        "{__schema{types{fields{type{fields{type{" + "description " * 500 + "}}}}}}}",
        "{" + " ".join(f'__type(name:"Card"){{a{number}:name}}' for number in range(11)) + "}",
    ],
)
def test_an_answer_about_the_schema_cannot_be_multiplied(client: Client, query: str) -> None:
    payload = client.ask(query)

    assert payload.keys() == {"errors"}
    assert_foreseen(payload)
