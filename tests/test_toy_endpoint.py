"""An endpoint that only this module declares is planned, shared, priced, guarded and audited."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import strawberry

from graph.app import create_app
from graph.konaplate.endpoint import Endpoint
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.isolation import Reserved
from graph.konaplate.record import Record
from graph.sandbox.app import create_sandbox
from graph.sandbox.data import DATA, fails, opens_breaker
from graph.sandbox.faults import Coded
from graph.sandbox.ledger import CARDS
from graph.sandbox.table import Table
from schema.card import Card
from schema.fields import Argument, edge
from schema.query import Query
from schema.secrets import CardNo, MemberId, PersonalText
from tests.support import Recorder, credentials, sandbox_settings
from tests.telemetry.scrape import value


class Coupon(Record):
    giver_name: PersonalText
    card_no: CardNo


class CouponBook(Record):
    user_id: MemberId
    coupons: list[Coupon]


COUPONS = Endpoint(
    name="coupons", title="Coupons of a Member", path="/api/v1/user/coupons", key=MemberId, record=CouponBook,
    request=lambda user_id: {"userId": int(user_id.reveal())}, owner="user_id", cost=7,
)  # fmt: skip


@strawberry.type(name="Coupon")
class CouponType:
    giver_name: PersonalText | None
    card: Card | None = edge("card_info", key="card_no", description="The card that it belongs to.")


@strawberry.type(name="Query")
class CouponQuery(Query):
    user_id = Argument("user_id", strawberry.ID, description="Whose coupons.")
    coupons: list[CouponType] | None = edge("coupons", key=user_id, of="coupons", description="Of a member.")


GIVEN = [{"giverName": name, "cardNo": number} for name, number in zip(("Kim", "Lee"), CARDS, strict=False)]
TABLE = Table(
    key="userId", rows={7: {"userId": 7, "coupons": GIVEN}}, not_found=Coded("001_006", "Wallet user not found.")
)
QUERY = "{ coupons(userId: 7) { giverName card { balance member { userId } } } }"


async def test_an_endpoint_needs_nothing_but_its_declaration(tmp_path: Path) -> None:
    endpoints, audit_log = [*ENDPOINTS, COUPONS], tmp_path / "audit.log"
    body = {"query": QUERY, "extensions": {"cost": True}}
    sandbox = create_sandbox(credentials(), endpoints=endpoints, data={**DATA, "coupons": TABLE})
    upstream, settings = Recorder(httpx.ASGITransport(sandbox)), sandbox_settings(KONAGRAPH_AUDIT_LOG=audit_log)
    app = create_app(settings, endpoints=endpoints, query=CouponQuery, transport=upstream)
    asgi = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=asgi, base_url="http://g") as client:
        first, second = await asyncio.gather(*(client.post("/graphql", json=body) for _ in range(2)))
    cards = [{"balance": balance, "member": {"userId": "1001"}} for balance in (50_000, 3_200)]
    expected = [{"giverName": "Kim", "card": cards[0]}, {"giverName": "Lee", "card": cards[1]}]
    assert [answer.json()["data"]["coupons"] for answer in (first, second)] == [expected] * 2
    # A call, and a card and a member for each of the ten coupons that a member is assumed to have.
    assert first.json()["extensions"]["cost"]["requestedQueryCost"] == 7 + 10 * (10 + 1)
    assert [COUPONS.path, *2 * ["/api/v1/user/card/info"]] == upstream.paths
    assert value(app.state.metrics, "operations_planned_total") == 2
    assert value(app.state.metrics, "breaker_state", api=COUPONS.path, state="closed") == 1
    events = [json.loads(line) for line in audit_log.read_text().splitlines()]
    shown = {"member": ["giverName"], "card": ["balance", "userId"]}
    assert [(event["what"], event["fields"]) for event in events] == [
        (what, shown[what]) for what in ("member", "card", "card") * 2
    ]


@pytest.mark.parametrize("reserved", [Reserved(fails, opens_breaker), None], ids=["embedded sandbox", "Konaplate"])
@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
async def test_a_request_that_cannot_be_built_fails_at_once_and_alone(
    reserved: Reserved | None, batch: bool
) -> None:
    def request(user_id: Any) -> dict[str, Any]:
        return {"userId": int(user_id)}

    wrong = replace(COUPONS, request=request)
    if batch:
        wrong = replace(wrong, within=("coupons",), key_of=lambda book: book.user_id)
    endpoints = [*ENDPOINTS, wrong]
    sandbox = create_sandbox(credentials(), endpoints=endpoints, data={**DATA, "coupons": TABLE})
    upstream = httpx.ASGITransport(sandbox)
    app = create_app(
        sandbox_settings(), endpoints=endpoints, query=CouponQuery, transport=upstream, reserved=reserved
    )
    body = {"query": f'{{ coupons(userId: 7) {{ giverName }} card(cardNo: "{next(iter(CARDS))}") {{ balance }} }}'}
    asgi = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=asgi, base_url="http://g") as client:
        answer = (await asyncio.wait_for(client.post("/graphql", json=body), 10)).json()
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["coupons"], "INTERNAL_SERVER_ERROR")
    assert answer["data"] == {"coupons": None, "card": {"balance": 50_000}}
