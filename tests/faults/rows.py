"""One way in which an upstream fails for one card, and what a client and the upstream see of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from graph.resilience.breaker import BreakerRules
from graph.resilience.guard import GuardRules
from tests.faults.card_upstream import BALANCE
from tests.faults.whole_gateway import BOTH, ONLY_GOOD, Failure, failures, gateway_over
from tests.tools import settle

if TYPE_CHECKING:
    import httpx

    from tests.faults.card_upstream import Act, CardUpstream

AFTER_TWO_CALLS: Final = GuardRules(breaker=BreakerRules(minimum_calls=2))
UNAVAILABLE: Final = "UPSTREAM_UNAVAILABLE"
TIMEOUT: Final = "UPSTREAM_TIMEOUT"
INVALID: Final = "UPSTREAM_INVALID_RESPONSE"


class Row(NamedTuple):
    """What is expected of one fault."""

    act: Act
    code: str
    attempts: int
    retryable: bool = True
    counted: bool = True
    """Whether the breaker counts it as a failure of the upstream."""


async def check(
    row: Row,
    upstream: CardUpstream,
    transport: httpx.AsyncBaseTransport | None = None,
    /,
    *,
    keeps: bool = False,
    **variables: object,
) -> float:
    """Query the bad card and a good one, then the good one alone.

    Args:
        row: what is expected.
        upstream: plays the row's fault.
        transport: moves the bytes; None for the gateway's own.
        keeps: whether the connection may be reused after the fault.
        variables: settings.

    Returns:
        How long the first answer took.
    """
    loop = asyncio.get_running_loop()
    # The good and the bad response are enough for the breaker, and half of them failed.
    async with gateway_over(upstream, AFTER_TWO_CALLS, transport, **variables) as gateway:
        started = loop.time()
        answer = await gateway.query(BOTH)
        took = loop.time() - started
        await settle()
        assert {asyncio.current_task()} == asyncio.all_tasks() - upstream.tasks
        assert answer["data"] == {"good": {"balance": BALANCE}, "bad": None}
        assert [Failure(["bad"], row.code, row.retryable)] == failures(answer)
        assert row.attempts == len(upstream.bad_calls)
        if not keeps:
            await upstream.until_spoiled_closed()
        after = await gateway.query(ONLY_GOOD)
        assert ([UNAVAILABLE] if row.counted else []) == [failure.code for failure in failures(after)]
        assert (1 if row.counted else 2) == upstream.good_calls
        # A second attempt opens one.
        assert not keeps or len(upstream.connections) < BOTH.count("card(") + row.attempts
    return took
