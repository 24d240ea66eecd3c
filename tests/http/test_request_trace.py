"""`extensions.trace`: what happened during a request, told with the embedded sandbox only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from graph.sandbox.ledger import FIRST_CARD
from tests.http.asking import JSON, playing
from tests.support import gateway

if TYPE_CHECKING:
    import httpx

QUERY = """
query ($n: CardNumber!) {
  a: card(cardNo: $n) { balance member { profile { userName } } }
  b: card(cardNo: $n) { balance }
}
"""


async def ask(client: httpx.AsyncClient, query: str, **extensions: Any) -> dict[str, Any]:
    """The body of the answer."""
    body = {"query": query, "variables": {"n": FIRST_CARD}, "extensions": extensions}
    response = await client.post("/graphql", content=json.dumps(body), headers=JSON)
    answer: dict[str, Any] = response.json()
    return answer


async def test_a_trace_has_each_call_with_its_times_and_no_number() -> None:
    async with playing() as one:
        answer = await ask(one, QUERY, trace=True, cost=True)
        second = await ask(one, "{ __typename }", trace=True)
    trace = answer["extensions"]["trace"]
    assert [call["api"] for call in trace["upstreamCalls"]] == ["/api/v1/user/card/info", "/api/v1/user/info"]
    first, then = trace["upstreamCalls"]
    assert 0 <= first["startMs"] <= first["startMs"] + first["durationMs"] <= then["startMs"] + 0.02
    assert then["startMs"] + then["durationMs"] <= trace["durationMs"] + 0.02
    assert {call["outcome"] for call in trace["upstreamCalls"]} == {"ok"}
    assert (trace["savedCalls"], trace["executor"]) == (1, "plan")
    assert answer["extensions"]["cost"]["requestedQueryCost"] > 0
    assert FIRST_CARD not in json.dumps(trace)
    # Each request has its own.
    assert second["extensions"]["trace"]["upstreamCalls"] == []


async def test_introspection_names_its_executor() -> None:
    async with playing() as one:
        answer = await ask(one, "{ __schema { queryType { name } } }", trace=True)
    assert answer["extensions"]["trace"]["executor"] == "graphql-core"


async def test_nothing_is_told_unasked() -> None:
    async with playing() as one:
        assert "extensions" not in await ask(one, QUERY)
        assert "extensions" not in await ask(one, QUERY, trace="yes")


async def test_in_front_of_a_konaplate_of_its_own_a_gateway_tells_nothing_even_in_development() -> None:
    async with gateway() as one:
        assert "extensions" not in await ask(one.client, QUERY, trace=True)
