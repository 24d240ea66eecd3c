"""Lists that are longer or shorter than assumed: what their viewer pays and is told."""

from __future__ import annotations

import hashlib
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.app import create_app
from graph.konaplate.endpoints import ENDPOINTS
from graph.sandbox.app import create_sandbox
from graph.sandbox.data import DATA
from graph.sandbox.faults import Coded
from graph.sandbox.ledger import CARDS
from graph.sandbox.table import Table
from tests.security.callers import Caller, callers
from tests.support import GRAPHQL_RESPONSE, Recorder, credentials, on_core, sandbox_settings
from tests.test_toy_endpoint import COUPONS, CouponQuery

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.security.redis_server import RedisServer

NUMBERS = list(CARDS)
TABLE = Table(
    key="userId",
    rows={
        length: {
            "userId": length,
            "coupons": [{"giverName": "Kim", "cardNo": NUMBERS[index % 5]} for index in range(length)],
        }
        for length in range(1, 20)
    },
    not_found=Coded("001_006", "Wallet user not found."),
)
COUPONS_OF = "query ($id: ID!) { coupons(userId: $id) { giverName card { balance } } }"
THREE_CARDS = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance } }"
ASSUMED = 7 + 10 * 10


class Asking:
    """A gateway that knows the coupons of members, as many as their number, and a caller with a budget of cost."""

    def __init__(self, client: httpx.AsyncClient, upstream: Recorder, audit_log: Path) -> None:
        self._client = client
        self._audit_log = audit_log
        self.upstream = upstream
        self.spent = 0

    async def post(self, query: str, **variables: object) -> httpx.Response:
        body = {"query": query, "variables": variables, "extensions": {"cost": True}}
        return await self._client.post("/graphql", json=body, headers={"x-api-key": "key"})

    async def cost(self, query: str, **variables: object) -> tuple[int, int]:
        """What was asked, and what was needed."""
        answer = (await self.post(query, **variables)).json()
        assert "errors" not in answer
        cost = answer["extensions"]["cost"]
        left = cost["throttleStatus"]
        self.spent = left["maximumAvailable"] - left["currentlyAvailable"]
        return cost["requestedQueryCost"], cost["actualQueryCost"]

    def has_spent(self, cost: int) -> bool:
        """Whether all answers so far took so much of the budget, which refills by one each second."""
        return cost - 5 < self.spent <= cost

    def audited(self) -> list[tuple[str, str | None, str | None]]:
        events = map(json.loads, self._audit_log.read_text(encoding="utf-8").splitlines())
        return [(event["action"], event.get("code"), event.get("reason")) for event in events]


@pytest.fixture(params=["local", "redis"])
def store(request: pytest.FixtureRequest) -> dict[str, object]:
    if request.param == "local":
        return {}
    server: RedisServer = request.getfixturevalue("redis_server")
    return {"KONAGRAPH_REDIS_URL": server.patient_url, "KONAGRAPH_CARD_REF_KEY": "k" * 32}


@asynccontextmanager
async def asking(folder: Path, burst: int, store: dict[str, object], **variables: object) -> AsyncIterator[Asking]:
    keys, audit_log = folder / "keys.toml", folder / "audit.log"
    digest = hashlib.sha256(b"key").hexdigest()
    scopes = '"cards:read:any", "member:read", "introspection"'
    entry = ["[[keys]]", 'name = "a"', f'sha256 = "{digest}"', f"scopes = [{scopes}]", f"cost_burst = {burst}"]
    keys.write_text("\n".join([*entry, "cost_per_second = 1"]), encoding="utf-8")
    endpoints = [*ENDPOINTS, COUPONS]
    sandbox = create_sandbox(credentials(), endpoints=endpoints, data={**DATA, "coupons": TABLE})
    settings = sandbox_settings(
        KONAGRAPH_AUTH="api-key", KONAGRAPH_API_KEYS=keys, KONAGRAPH_AUDIT_LOG=audit_log, **store, **variables
    )
    upstream = Recorder(httpx.ASGITransport(sandbox))
    app = create_app(settings, endpoints=endpoints, query=CouponQuery, transport=upstream)
    accept = {"accept": GRAPHQL_RESPONSE}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://g", headers=accept) as client,
    ):
        yield Asking(client, upstream, audit_log)


@pytest.mark.parametrize("length", [1, 3, 10, 14])
async def test_an_answer_says_what_it_cost_and_what_is_left_after_that(
    length: int, store: dict[str, object], tmp_path: Path
) -> None:
    async with asking(tmp_path, 500, store) as running:
        actual = 7 + length * 10
        assert (ASSUMED, actual) == await running.cost(COUPONS_OF, id=length)
        assert running.has_spent(actual)
        # For graphql-core: the introspection is one object.
        assert (ASSUMED + 1, actual + 1) == await running.cost(on_core(COUPONS_OF), id=length)
        assert running.has_spent(2 * actual + 2)


async def test_an_operation_without_such_lists_has_one_cost(tmp_path: Path) -> None:
    async with asking(tmp_path, 500, {}) as running:
        answer = await running.post(THREE_CARDS, n=NUMBERS[:3])
    assert answer.json()["extensions"]["cost"].keys() == {"requestedQueryCost", "throttleStatus"}


async def test_card_numbers_in_the_text_move_no_list(tmp_path: Path) -> None:
    text = f"""{{ card(cardNo: "{NUMBERS[0]}") {{ balance }} coupons(userId: 3) {{ card {{ balance }} }}
      longer: coupons(userId: 4) {{ card {{ member {{ userId }} }} }} }}"""
    async with asking(tmp_path, 500, {}) as running:
        requested, actual = 10 + 107 + 117, 10 + 7 + 3 * 10 + 7 + 4 * 11
        assert (requested, actual) == await running.cost(text)
        assert (requested, actual) == await running.cost(text.replace(NUMBERS[0], NUMBERS[1]))
        assert running.has_spent(2 * actual + 1)


@pytest.mark.parametrize("query", [COUPONS_OF, on_core(COUPONS_OF)], ids=["plan", "core"])
async def test_what_the_budget_does_not_pay_is_refused_like_an_operation_that_it_never_paid(
    query: str, store: dict[str, object], tmp_path: Path
) -> None:
    async with asking(tmp_path, 150, store) as running:
        await running.post(THREE_CARDS, n=NUMBERS[:3])
        late, early = [await running.post(query, id=14) for _ in range(2)]
    assert [running.upstream.paths.count(path) for path in (COUPONS.path, "/api/v1/user/card/info")] == [1, 3]
    errors = []
    for answer in (late, early):
        assert answer.status_code == 429
        assert answer.json().keys() == {"errors"}
        (error,) = answer.json()["errors"]
        wait = error["extensions"].pop("retryAfterMs")
        assert 0 <= int(answer.headers["retry-after"]) * 1000 - wait < 1_000
        del error["extensions"]["requestId"]
        errors.append((error, answer.headers.keys()))
    assert errors[0] == errors[1]
    assert errors[0][0] == {
        "message": "Rate limit exceeded.",
        "extensions": {"code": "RATE_LIMITED", "retryable": True, "limit": "cost"},
    }
    # Of these nothing was read, because nothing was returned.
    assert [event[0] for event in running.audited()[:3]] == ["read"] * 3
    assert running.audited()[3:] == [("refused", "RATE_LIMITED", "cost")] * 2


async def test_a_refusal_says_when_there_is_enough_for_the_whole_operation(tmp_path: Path) -> None:
    async with asking(tmp_path, 150, {}) as running:
        await running.post(THREE_CARDS, n=NUMBERS[:3])
        answer = await running.post(COUPONS_OF, id=14)
    # After the first call there are 150 - 30 - 107 left.
    missing = 7 + 14 * 10 - 13
    assert missing - 5 < answer.json()["errors"][0]["extensions"]["retryAfterMs"] / 1000 <= missing


@pytest.mark.parametrize("query", [COUPONS_OF, on_core(COUPONS_OF)], ids=["plan", "core"])
async def test_what_turns_out_to_cost_more_than_any_request_may_is_refused_like_what_always_does(
    query: str, tmp_path: Path
) -> None:
    answers = []
    for maximum in (7 + 14 * 10 - 1, ASSUMED - 1):
        async with asking(tmp_path, 500, {}, KONAGRAPH_MAX_COST=maximum) as running:
            answer = await running.post(query, id=14)
        assert running.upstream.paths == [COUPONS.path] * (maximum > ASSUMED)
        (error,) = answer.json()["errors"]
        assert answer.json().keys() == {"errors"}
        del error["extensions"]["requestId"]
        assert error["extensions"].pop("maximum") == maximum
        answers.append((answer.status_code, error))
    assert answers[0] == answers[1]
    extensions = answers[0][1]["extensions"]
    assert extensions == {"code": "QUERY_LIMIT_EXCEEDED", "retryable": False, "limit": "cost"}


@pytest.mark.parametrize("query", [COUPONS_OF, on_core(COUPONS_OF)], ids=["plan", "core"])
async def test_what_costs_more_than_its_viewer_may_spend_at_once_is_refused_like_what_nobody_may_ask(
    query: str, store: dict[str, object], tmp_path: Path
) -> None:
    answers = []
    for burst in (7 + 14 * 10 - 1, ASSUMED - 1):
        async with asking(tmp_path, burst, store) as running:
            answer = await running.post(query, id=14)
        assert running.upstream.paths == [COUPONS.path] * (burst > ASSUMED)
        (error,) = answer.json()["errors"]
        assert answer.json().keys() == {"errors"}
        assert "retry-after" not in answer.headers
        del error["extensions"]["requestId"]
        assert error["extensions"].pop("maximum") == burst
        answers.append((answer.status_code, error))
    assert answers[0] == answers[1]
    assert answers[0][0] == 400
    extensions = answers[0][1]["extensions"]
    assert extensions == {"code": "QUERY_LIMIT_EXCEEDED", "retryable": False, "limit": "cost"}


async def test_what_can_never_be_paid_spends_nothing(store: dict[str, object], tmp_path: Path) -> None:
    async with asking(tmp_path, 50, store) as running:
        for _ in range(3):
            (error,) = (await running.post(THREE_CARDS, n=[*NUMBERS[:3]] * 2)).json()["errors"]
            assert (error["extensions"]["code"], error["extensions"]["maximum"]) == ("QUERY_LIMIT_EXCEEDED", 50)
        answer = (await running.post(THREE_CARDS, n=NUMBERS[:3])).json()
    assert answer["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 50 - 30


async def test_what_costs_exactly_what_its_viewer_may_spend_at_once_is_paid(tmp_path: Path) -> None:
    async with asking(tmp_path, 7 + 14 * 10, {}) as running:
        assert await running.cost(COUPONS_OF, id=14) == (ASSUMED, 7 + 14 * 10)


RECEIPTS = "{ viewer { member { cards { cashReceiptInfo { approvalDiv } } } } }"


@pytest.mark.parametrize("query", [RECEIPTS, on_core(RECEIPTS)], ids=["plan", "core"])
@pytest.mark.parametrize("cards", [0, 1, 5, 12])
async def test_a_wallet_costs_what_its_cards_cost(cards: int, query: str, tmp_path: Path) -> None:
    member = Caller("a-member", ("introspection",), member=str(2000 + cards))
    async with callers(tmp_path) as running:
        await running.ask(member, "{ __typename }")
        body = {"query": query, "extensions": {"cost": True}}
        headers = {"authorization": f"Bearer {running.tokens[member]}"}
        answer = (await running.gateway.client.post("/graphql", json=body, headers=headers)).json()
    assert len(answer["data"]["viewer"]["member"]["cards"]) == cards
    # One of the twelve has no number, and so no call of its own.
    assert len(running.calls) == 1 + min(cards, 11)
    # Two objects, a call for the list, and for each card a call and an object.
    requested, actual = (2 + 10 + length * (10 + 1) for length in (10, cards))
    cost = answer["extensions"]["cost"]
    introspection = query != RECEIPTS
    assert cost["requestedQueryCost"] == requested + introspection
    assert cost["actualQueryCost"] == actual + introspection


async def test_a_wallet_that_cannot_be_paid_is_refused_when_its_cards_are_known(tmp_path: Path) -> None:
    member = Caller("a-member", member="2012")
    async with callers(tmp_path, KONAGRAPH_COST_BURST=12 + 12 * 11 - 1) as running:
        response = await running.post(member, RECEIPTS)
    (error,) = response.json().pop("errors")
    assert (response.status_code, error["extensions"]["code"], error["extensions"]["limit"]) == (
        400,
        "QUERY_LIMIT_EXCEEDED",
        "cost",
    )
    assert len(running.calls) == 1
