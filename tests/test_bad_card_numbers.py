"""Invalid card numbers are refused before any upstream call, and never quoted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from graph.leak_audit.cases import BAD_CARD_NUMBERS
from tests.support import GRAPHQL_RESPONSE, Recorder, gateway
from tests.tables import table

if TYPE_CHECKING:
    from tests.telemetry.capture import Unredacted

GOOD = "9491339400000021"
QUERY = "query Q($cardNo: CardNumber!) { card(cardNo: $cardNo) { balance } }"
LIST_QUERY = "query Q($cardNos: [CardNumber!]!) { cards(cardNos: $cardNos) { balance } }"


def literal(value: Any) -> str:
    """The value as a literal in a document."""
    match value:
        case dict():
            return "{" + ", ".join(f"{name}: {literal(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def requests_with(value: Any) -> list[dict[str, Any]]:
    """A card number as a variable and as a literal, alone and in a list."""
    return [
        {"query": QUERY, "variables": {"cardNo": value}},
        {"query": LIST_QUERY, "variables": {"cardNos": [GOOD, value]}},
        {"query": f"{{ card(cardNo: {literal(value)}) {{ balance }} }}"},
        {"query": f'{{ cards(cardNos: ["{GOOD}", {literal(value)}]) {{ balance }} }}'},
    ]


async def test_a_bad_card_number_is_refused_without_a_call_and_without_an_echo(logged: Unredacted) -> None:
    recorder = Recorder()
    async with gateway(recorder) as running:

        @table("request", [request for value in BAD_CARD_NUMBERS.values() for request in requests_with(value)])
        @table(("accept", "status"), [("application/json", 200), (GRAPHQL_RESPONSE, 400)])
        async def is_refused(request: dict[str, Any], accept: str, status: int) -> None:
            response = await running.client.post("/graphql", json=request, headers={"accept": accept})
            assert response.status_code == status
            answer = response.json()
            assert "data" not in answer
            assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
            assert {error["extensions"]["retryable"] for error in answer["errors"]} == {False}
            assert recorder.paths == []
            assert "9491" not in response.text

        await is_refused()
    assert "POST" in logged.text
    assert "9491" not in logged.text


async def test_the_refusal_names_the_variable_and_its_type() -> None:
    async with gateway() as running:
        answer = await running.query(QUERY, {"cardNo": "1"})
    assert [error["message"] for error in answer["errors"]] == [
        "The variable '$cardNo' needs a valid value of type 'CardNumber!'. A CardNumber is a string of 16 digits."
    ]
    assert answer["errors"][0]["locations"] == [{"line": 1, "column": 9}]


async def test_the_refusal_of_a_literal_names_its_type_and_place() -> None:
    async with gateway() as running:
        answer = await running.query('{ card(cardNo: "1") { balance } }')
    (error,) = answer["errors"]
    assert error["message"] == (
        "The argument 'cardNo' of 'card' needs a valid value of type 'CardNumber!'. "
        "A CardNumber is a string of 16 digits."
    )
    assert error["locations"] == [{"line": 1, "column": 16}]


async def test_a_missing_variable_is_bad_input() -> None:
    async with gateway() as running:
        answer = await running.query(QUERY)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_a_name_that_spells_a_card_number_is_not_repeated() -> None:
    query = "query ($n9491339400000013: CardNumber!) { card(cardNo: $n9491339400000013) { balance } }"
    async with gateway() as running:
        response = await running.post(query, {"n9491339400000013": "1"})
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "9491339400000013" not in response.text
