"""What a request costs, and what is said of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from graph.sandbox.ledger import CARDS
from tests.support import Recorder, gateway

if TYPE_CHECKING:
    from pathlib import Path

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
    assert {"cost": {"requestedQueryCost": 20}} == (await ask(2, {"cost": True}))["extensions"]


async def test_a_request_that_costs_too_much_is_refused_before_any_call() -> None:
    recorder = Recorder()
    async with gateway(recorder, KONAGRAPH_MAX_COST=19) as running:
        answer = await running.query(LIST, {"n": NUMBERS[:2]})
    (error,) = answer["errors"]
    assert ("QUERY_LIMIT_EXCEEDED", "cost", 19) == tuple(
        error["extensions"][name] for name in ("code", "limit", "maximum")
    )
    assert [] == recorder.paths


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
    assert [200, 200, 429] == [answer.status_code for answer in answers]
    throttle = answers[0].json()["extensions"]["cost"]["throttleStatus"]
    assert (50, 30, 1) == tuple(
        throttle[name] for name in ("maximumAvailable", "currentlyAvailable", "restoreRate")
    )
    (error,) = answers[2].json()["errors"]
    assert ("RATE_LIMITED", True) == (error["extensions"]["code"], error["extensions"]["retryable"])
    assert 9_000 < error["extensions"]["retryAfterMs"] <= 10_000
    assert "10" == answers[2].headers["retry-after"]
    assert 4 == len(recorder.paths)
