"""The cost of a request, and how it is reported."""

from __future__ import annotations

import hashlib
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from graph.sandbox.ledger import CARDS
from tests.support import Recorder, gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Ask(Protocol):
    """Sends a query, and returns the answer and its status."""

    async def __call__(self, query: str, **parameters: object) -> dict[str, Any]: ...


NUMBERS = list(CARDS)
LIST = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance } }"


async def ask(
    number_of_cards: int, extensions: dict[str, Any] | None = None, **settings: object
) -> dict[str, Any]:
    body = {"query": LIST, "variables": {"n": NUMBERS[:number_of_cards]}, "extensions": extensions}
    async with gateway(None, **settings) as running:
        answer: dict[str, Any] = (await running.client.post("/graphql", json=body)).json()
        return answer


async def test_an_answer_says_what_it_cost_only_when_it_is_asked() -> None:
    assert "extensions" not in await ask(2)
    assert "extensions" not in await ask(2, {"cost": False})
    # Ten for each upstream call.
    assert (await ask(2, {"cost": True}))["extensions"] == {"cost": {"requestedQueryCost": 20}}


async def test_a_request_that_costs_too_much_is_refused_before_any_call() -> None:
    recorder = Recorder()
    async with gateway(recorder, KONAGRAPH_MAX_COST=19) as running:
        answer = await running.query(LIST, {"n": NUMBERS[:2]})
    (error,) = answer["errors"]
    assert tuple(error["extensions"][name] for name in ("code", "limit", "maximum")) == (
        "QUERY_LIMIT_EXCEEDED",
        "cost",
        19,
    )
    assert recorder.paths == []


async def test_a_viewer_spends_cost_until_none_is_left(tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    digest = hashlib.sha256(b"key").hexdigest()
    entry = ['name = "a"', f'sha256 = "{digest}"', 'scopes = ["cards:read:any"]', "cost_burst = 50"]
    keys.write_text("\n".join(["[[keys]]", *entry, "cost_per_second = 1"]), encoding="utf-8")
    recorder = Recorder()
    body = {"query": LIST, "variables": {"n": NUMBERS[:2]}, "extensions": {"cost": True}}
    async with gateway(recorder, KONAGRAPH_AUTH="api-key", KONAGRAPH_API_KEYS=keys) as running:
        answers = [
            await running.client.post("/graphql", json=body, headers={"x-api-key": "key"}) for _ in range(3)
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    throttle = answers[0].json()["extensions"]["cost"]["throttleStatus"]
    assert tuple(throttle[name] for name in ("maximumAvailable", "currentlyAvailable", "restoreRate")) == (
        50,
        30,
        1,
    )
    (error,) = answers[2].json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("RATE_LIMITED", True)
    assert 9_000 < error["extensions"]["retryAfterMs"] <= 10_000
    assert answers[2].headers["retry-after"] == "10"
    assert len(recorder.paths) == 4


@asynccontextmanager
async def bounded(tmp_path: Path, cost: int, scopes: str = "", **settings: object) -> AsyncIterator[Ask]:
    """A gateway with API keys, and a function that sends a query with a key of this budget."""
    keys = tmp_path / "keys.toml"
    digest = hashlib.sha256(b"key").hexdigest()
    entry = ['name = "a"', f'sha256 = "{digest}"', f"scopes = [{scopes}]", f"cost_burst = {cost}"]
    keys.write_text("\n".join(["[[keys]]", *entry, "cost_per_second = 1"]), encoding="utf-8")
    async with gateway(None, KONAGRAPH_AUTH="api-key", KONAGRAPH_API_KEYS=keys, **settings) as running:

        async def ask(query: str, **parameters: object) -> dict[str, Any]:
            body = {"query": query, "extensions": {"cost": True}, **parameters}
            answer = await running.client.post("/graphql", json=body, headers={"x-api-key": "key"})
            return {"status": answer.status_code, **answer.json()}

        yield ask


def spent(answer: dict[str, Any]) -> tuple[int, int]:
    """The cost of an answer, and the total that was spent."""
    cost = answer["extensions"]["cost"]
    throttle = cost["throttleStatus"]
    return cost["requestedQueryCost"], throttle["maximumAvailable"] - throttle["currentlyAvailable"]


async def test_a_document_is_paid_for_by_its_size_when_it_is_first_read_and_then_no_more(tmp_path: Path) -> None:
    query = "{ __typename }".ljust(1_000)
    async with bounded(tmp_path, 100) as ask:
        assert [spent(await ask(query)) for _ in range(2)] == [(0, 10), (0, 10)]
        # Parsing a small document costs nothing.
        assert spent(await ask(query + " ")) == (0, 20)
        assert spent(await ask("{ __typename }")) == (0, 20)


REFUSED = {
    "a syntax error": "{".ljust(2_000),
    "an unknown field": "{ x }".ljust(2_000),
    "introspection without the right": "{ __schema { types { name } } }".ljust(2_000),
    "a limit": ("{" + "__typename " * 11 + "}").ljust(2_000),
}


@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED)
async def test_a_document_that_is_refused_is_paid_for_each_time(query: str, tmp_path: Path) -> None:
    async with bounded(tmp_path, 50, KONAGRAPH_INTROSPECTION="false") as ask:
        first, second, third = [(await ask(query))["errors"][0]["extensions"] for _ in range(3)]
    assert first["code"] == second["code"] != "RATE_LIMITED"
    assert third["code"] == "RATE_LIMITED"
    assert 9_000 < third["retryAfterMs"] <= 10_000


async def test_nothing_of_a_document_is_read_that_cannot_be_paid_for(tmp_path: Path) -> None:
    async with bounded(tmp_path, 15) as ask:
        assert spent(await ask("{ __typename }".ljust(1_000))) == (0, 10)
        answer = await ask("{ not GraphQL at all".ljust(1_000))
        never = (await ask("{ not GraphQL at all".ljust(1_600)))["errors"][0]["extensions"]
    assert (answer["status"], answer["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert (never["code"], never["limit"], never["maximum"]) == ("QUERY_LIMIT_EXCEEDED", "cost", 15)


async def test_a_text_that_is_too_long_is_not_read_and_costs_nothing(tmp_path: Path) -> None:
    async with bounded(tmp_path, 200) as ask:
        assert (await ask(" " * 15_001))["errors"][0]["extensions"]["code"] == "QUERY_LIMIT_EXCEEDED"
        assert spent(await ask("{ __typename }")) == (0, 0)


async def test_a_text_with_other_card_numbers_is_the_same_document(tmp_path: Path) -> None:
    async with bounded(tmp_path, 100, '"cards:read:any"') as ask:
        answers = [
            await ask(f'{{ card(cardNo: "{number}") {{ balance }} }}'.ljust(1_000)) for number in NUMBERS[:3]
        ]
    assert [spent(answer) for answer in answers] == [(10, 20), (10, 30), (10, 40)]


async def test_a_trusted_document_costs_nothing_to_read(tmp_path: Path) -> None:
    query = "{ __typename }".ljust(1_000)
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({"name": query}), encoding="utf-8")
    async with bounded(tmp_path, 100, KONAGRAPH_DOCUMENTS=manifest, KONAGRAPH_DOCUMENTS_MODE="enforce") as ask:
        assert spent(await ask(query)) == (0, 0)


async def test_introspection_costs_by_the_number_of_its_fields(tmp_path: Path) -> None:
    names = " ".join(f"a{index}: name" for index in range(98))
    async with bounded(tmp_path, 100, '"introspection"') as ask:
        cost, _ = spent(await ask(f"{{ __schema {{ types {{ {names} }} }} }}"))
    # One for the root object, and one for ten fields.
    assert cost == 1 + 10
