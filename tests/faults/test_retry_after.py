"""Konaplate's Retry-After reaches the client, with the API that sent it."""

from __future__ import annotations

from email.utils import formatdate
from time import time
from typing import Final

import pytest

from graph.resilience.guard import GuardRules
from graph.resilience.retry_budget import RetryRules
from tests.faults.card_upstream import GOOD
from tests.faults.whole_gateway import gateway_over
from tests.konaplate.faulty_upstream import FaultyUpstream, answer, http

ONE: Final = f'{{ card(cardNo: "{GOOD}") {{ balance }} }}'
DAY: Final = 86_400_000
IN_TEN_MINUTES: Final = "a date in ten minutes"


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [("7", 7_000, 7_000), (IN_TEN_MINUTES, 500_000, 600_000), ("99999999", DAY, DAY)],
    ids=["seconds", "a date", "too long"],
)
async def test_the_wait_that_konaplate_asks_for_is_told(status: str, asked: str, least: int, most: int) -> None:
    if asked == IN_TEN_MINUTES:
        asked = formatdate(time() + 600, usegmt=True)
    upstream = FaultyUpstream(answer(http(b"", status, [f"Retry-After: {asked}"])))
    async with gateway_over(upstream, GuardRules(RetryRules(attempts=1))) as gateway:
        (error,) = (await gateway.query(ONE))["errors"]
    extensions = error["extensions"]
    assert (extensions["code"], extensions["retryable"]) == ("UPSTREAM_UNAVAILABLE", True)
    assert least <= extensions["retryAfterMs"] <= most
    assert extensions["upstream"]["api"] == "/api/v1/user/card/info"


@pytest.mark.parametrize("asked", ["soon", "-1", ""])
async def test_a_wait_that_cannot_be_read_is_not_told(asked: str) -> None:
    upstream = FaultyUpstream(answer(http(b"", "429 Too Many Requests", [f"Retry-After: {asked}"])))
    async with gateway_over(upstream, GuardRules(RetryRules(attempts=1))) as gateway:
        (error,) = (await gateway.query(ONE))["errors"]
    assert "retryAfterMs" not in error["extensions"]
