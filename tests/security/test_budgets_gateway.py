"""Budgets at the gateway: what a client sees, and what never goes upstream."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from graph.context import RequestContext, RequestSecurity
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.resilience.deadline import Deadline, DeadlineExceededError
from graph.sandbox.ledger import CARDS
from graph.security.audit import Caller as AuditedCaller
from graph.security.audit import RequestAudit
from graph.security.authorization import Allowance, Authorization, Viewer
from graph.security.budgets import Budgets
from graph.security.card_refs import CardRefs
from schema.secrets import CardNo, Credential
from tests.security.callers import ANY_CARD, NOT_ISSUED, NUMBERS, OWN, Caller, callers, codes
from tests.support import GRAPHQL_RESPONSE, HANDLES, KeptEvents, gateway

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from graph.konaplate.endpoint import Endpoint
    from graph.resilience.guard import CallStats
    from graph.security.limiter import Bucket, Taken, Window

LIST = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance } }"
SERVICE = Caller("a-service", (ANY_CARD,))
OTHER_SERVICE = Caller("another-service", (ANY_CARD,))
LIMITED, MISSING = "RATE_LIMITED", "CARD_NOT_FOUND"
BALANCES = [card.fields["balance"] for card in CARDS.values()]


def aliases(*numbers: str) -> str:
    return "{ " + " ".join(f'c{i}: card(cardNo: "{n}") {{ balance }}' for i, n in enumerate(numbers)) + " }"


async def test_the_thirty_first_card_within_a_minute_is_refused_and_never_asked_for(tmp_path: Path) -> None:
    async with callers(tmp_path) as running:
        await running.ask(SERVICE, LIST, {"n": NOT_ISSUED[:20]})
        answer = await running.ask(SERVICE, LIST, {"n": NOT_ISSUED[20:31]})
        calls = len(running.calls)
    assert calls == 30
    assert [(("cards", index), MISSING) for index in range(10)] + [(("cards", 10), LIMITED)] == codes(answer)


async def test_a_list_answers_what_the_budget_allows_and_refuses_the_rest_in_its_place(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=2) as running:
        answer = await running.ask(SERVICE, LIST, {"n": [*NUMBERS[:4], NUMBERS[0]]})
        calls = len(running.calls)
    expected = [{"balance": BALANCES[0]}, {"balance": BALANCES[1]}, None, None, {"balance": BALANCES[0]}]
    assert answer["data"] == {"cards": expected}
    assert codes(answer) == [(("cards", 2), LIMITED), (("cards", 3), LIMITED)]
    assert calls == 2


async def test_a_refusal_says_when_more_may_be_asked_for_and_nothing_else(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=1) as running:
        response = await running.post(SERVICE, LIST, {"n": NUMBERS[:2]})
    (error,) = response.json()["errors"]
    wait = error["extensions"].pop("retryAfterMs")
    assert 0 < wait <= 60_000
    assert error == {
        "message": "Rate limit exceeded.",
        "locations": [{"line": 1, "column": 30}],
        "path": ["cards", 1],
        "extensions": {"code": LIMITED, "retryable": True, "requestId": response.headers["x-request-id"]},
    }
    assert response.status_code == 200


async def test_repeats_of_a_card_are_free_in_aliases_lists_operations_and_requests(tmp_path: Path) -> None:
    first, second = NUMBERS[:2]
    everywhere = f"""query A {{ a: card(cardNo: "{first}") {{ balance }} b: card(cardNo: "{first}") {{ balance }}
      c: cards(cardNos: ["{first}", "{second}", "{first}"]) {{ balance }} }}
      query B {{ card(cardNo: "{second}") {{ balance }} }}"""
    async with callers(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=2) as running:
        await running.ask(SERVICE, LIST, {"n": [first, second]})
        headers = {"authorization": f"Bearer {running.tokens[SERVICE]}"}
        for operation in ("A", "B", "A"):
            body = {"query": everywhere, "operationName": operation}
            response = await running.gateway.client.post("/graphql", json=body, headers=headers)
            assert "errors" not in response.json()
        refused = await running.ask(SERVICE, aliases(NUMBERS[2]))
    assert codes(refused) == [(("c0",), LIMITED)]


async def test_aliases_count_as_a_list_does(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=2) as running:
        answer = await running.ask(SERVICE, aliases(*NUMBERS[:4]))
        calls = len(running.calls)
    assert answer["data"] == {
        "c0": {"balance": BALANCES[0]},
        "c1": {"balance": BALANCES[1]},
        "c2": None,
        "c3": None,
    }
    assert codes(answer) == [(("c2",), LIMITED), (("c3",), LIMITED)]
    assert calls == 2


@pytest.mark.parametrize("spent", [NOT_ISSUED[0], NUMBERS[5], OWN], ids=["not issued", "nobody's", "an own card"])
async def test_every_card_counts_whether_it_can_be_seen_or_not(spent: str, tmp_path: Path) -> None:
    member = Caller("member", member="1001")
    async with callers(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=1) as running:
        await running.ask(member, aliases(spent))
        answer = await running.ask(member, aliases(NUMBERS[1]))
        calls = len(running.calls)
    assert (codes(answer), calls) == ([(("c0",), LIMITED)], 1)


async def test_a_list_that_is_too_long_spends_nothing(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=1) as running:
        refused = await running.ask(SERVICE, LIST, {"n": NUMBERS[:2] * 11})
        answer = await running.ask(SERVICE, aliases(OWN))
    assert [code for _, code in codes(refused)] == ["QUERY_LIMIT_EXCEEDED"]
    assert answer == {"data": {"c0": {"balance": BALANCES[0]}}}


async def test_two_callers_do_not_share_a_budget(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_CARDS_PER_MINUTE=1) as running:
        for caller in (SERVICE, OTHER_SERVICE):
            answer = await running.ask(caller, aliases(*NUMBERS[:2]))
            assert codes(answer) == [(("c1",), LIMITED)]


async def test_without_authentication_there_is_no_bound() -> None:
    async with gateway(KONAGRAPH_CARDS_PER_MINUTE=1, KONAGRAPH_REQUEST_BURST=1) as running:
        for start in (0, 20):
            answer = await running.query(LIST, {"n": NOT_ISSUED[start : start + 20]})
            assert [code for _, code in codes(answer)] == [MISSING] * 20


@pytest.mark.parametrize("accept", [GRAPHQL_RESPONSE, "application/json"])
async def test_too_many_requests_are_refused_with_the_time_to_wait(accept: str, tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_REQUEST_RATE=1, KONAGRAPH_REQUEST_BURST=3) as running:
        asked = (running.post(SERVICE, "{ __typename }", accept=accept) for _ in range(5))
        responses = await asyncio.gather(*asked)
    assert sorted(response.status_code for response in responses) == [200, 200, 200, 429, 429]
    for response in responses:
        assert response.headers["content-type"].partition(";")[0] == accept
        if response.status_code == 429:
            (error,) = response.json().pop("errors")
            assert response.json().keys() == {"errors"}
            assert error["message"] == "Rate limit exceeded."
            wait = error["extensions"].pop("retryAfterMs")
            assert 0 < wait <= 1_000
            assert response.headers["retry-after"] == "1"
            request_id = response.headers["x-request-id"]
            assert error["extensions"] == {"code": LIMITED, "retryable": True, "requestId": request_id}


async def test_a_request_that_is_one_too_many_reads_nothing_and_calls_nobody(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_REQUEST_RATE=1, KONAGRAPH_REQUEST_BURST=1) as running:
        responses = await asyncio.gather(*(running.post(SERVICE, aliases(OWN)) for _ in range(3)))
        assert len(running.calls) == 1
    assert sorted(response.status_code for response in responses) == [200, 429, 429]


class Silent:
    """A limiter that never answers."""

    async def take(self, _key: str, _bucket: Bucket, _amount: float) -> Taken:
        raise NotImplementedError

    async def add(self, _key: str, _windows: Sequence[Window], _members: Sequence[str]) -> list[int]:
        await asyncio.Event().wait()
        return []


class NoUpstream:
    """An upstream that must not be asked."""

    def start(
        self, endpoint: Endpoint[Any, Any], keys: Sequence[Any], stats: CallStats
    ) -> list[asyncio.Future[Any]]:
        raise NotImplementedError


async def test_waiting_for_a_budget_ends_with_the_requests_deadline_and_without_a_call() -> None:
    viewer = Viewer("service", "a-service", frozenset({ANY_CARD}), None, Allowance())
    refs = CardRefs(Credential("k" * 32))
    audit = RequestAudit(AuditedCaller(viewer, "192.0.2.1", "an-id"), refs, KeptEvents())
    security = RequestSecurity(Authorization(viewer), Budgets(Silent(), refs), audit, HANDLES)
    async with RequestContext(NoUpstream(), security, deadline=Deadline(0.05), max_cards=20) as context:
        with pytest.raises(DeadlineExceededError):
            await context.load(CARD_INFO, CardNo(OWN), CardNo(OWN))
        assert context.loader.stats.attempts == 0
