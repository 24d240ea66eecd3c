"""The sandbox's simulated failures do not affect any other card or member."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from graph.app import create_app
from graph.konaplate.isolation import Reserved
from graph.resilience.breaker import BreakerRules
from graph.resilience.guard import GuardRules
from graph.resilience.retry_budget import RetryRules
from graph.resilience.slots import SlotRules
from graph.sandbox.data import fails, opens_breaker
from graph.sandbox.faults import FAULTS, OPEN_BREAKER
from graph.sandbox.ledger import CARDS, FIRST_CARD
from tests.faults.jumping_clock import jumping
from tests.support import Gateway, Recorder, sandbox_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

QUERY = """query ($n: CardNumber!) { card(cardNo: $n) { balance member { profile { userName } } } }"""
RESERVED = Reserved(fails, opens_breaker)
GOOD = {
    "data": {
        "card": {"balance": CARDS[FIRST_CARD].fields["balance"], "member": {"profile": {"userName": "김샌드"}}}
    }
}
# Limits that four failures would exhaust.
TIGHT = {"KONAPLATE_MAX_CONNECTIONS": 2}
RULES = GuardRules(
    RetryRules(budget_per_second=0, backoff_min=0.001, backoff_max=0.001),
    BreakerRules(minimum_calls=4),
    SlotRules(least=1),
)
UPSTREAM = [fault for fault in FAULTS.values() if fault.retryable and fault.number != OPEN_BREAKER]


@asynccontextmanager
async def separated() -> AsyncIterator[tuple[Gateway, Recorder]]:
    upstream = Recorder()
    app = create_app(sandbox_settings(**TIGHT), transport=upstream, reserved=RESERVED, rules=RULES)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client,
    ):
        yield Gateway(client, upstream, app.state.metrics), upstream


@pytest.mark.parametrize("fault", UPSTREAM, ids=lambda fault: fault.description.replace(" ", "-"))
@jumping
async def test_a_failure_stays_itself_and_a_good_card_good_however_often_it_is_tried(fault: Any) -> None:
    async with separated() as (running, _):
        answers = [await running.query(QUERY, {"n": fault.number}) for _ in range(5)]
        assert await running.query(QUERY, {"n": FIRST_CARD}) == GOOD

    for answer in answers:
        (error,) = answer["errors"]
        assert (fault.code.value, True) == (error["extensions"]["code"], error["extensions"]["retryable"])
        assert "status" in error["extensions"]["upstream"]


@jumping
async def test_one_card_meets_an_open_breaker_and_nobody_else_does() -> None:
    async with separated() as (running, upstream):
        first = await running.query(QUERY, {"n": OPEN_BREAKER})
        second = await running.query(QUERY, {"n": OPEN_BREAKER})
        asked = len(upstream.paths)
        assert await running.query(QUERY, {"n": FIRST_CARD}) == GOOD

    assert asked == 0
    for answer in (first, second):
        (error,) = answer["errors"]
        assert (
            error["extensions"]["code"],
            error["extensions"]["retryAfterMs"],
        ) == ("UPSTREAM_UNAVAILABLE", 5000)


@jumping
async def test_a_breakers_state_is_shown_for_what_the_other_cards_meet() -> None:
    async with separated() as (running, _):
        for _ in range(5):
            await running.query(QUERY, {"n": UPSTREAM[-1].number})
        shown = running.metrics.render().decode()

    states = [line for line in shown.splitlines() if line.startswith("konagraph_breaker_state{")]
    assert states
    assert all(line.endswith("1.0") == ('state="closed"' in line) for line in states)
