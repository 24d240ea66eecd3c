"""A client's walk over the histories of the sandbox's cards, whose pages shift, end early or have gaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from graph.sandbox.app import create_sandbox
from tests.support import credentials, gateway
from tests.tables import table

QUERY = """query ($n: CardNumber!, $from: Date, $first: Int!, $after: String) { card(cardNo: $n) {
  transactions(from: $from, first: $first, after: $after) {
    nodes { nrNumber authCancelType approvalDateTime } pageInfo { hasNextPage endCursor } } } }"""
ALL = f"{datetime.now(UTC) - timedelta(days=88):%Y-%m-%d}"
COUNTS = {
    "pages that shift": ("9491339420120023", 40),
    "too many pages promised": ("9491339420120031", 40),
    "an empty page among full ones": ("9491339420120049", 40),
    "one and the same second": ("9491339420120056", 45),
    "cancels and refunds": ("9491339420120064", 40),
    "many": ("9491339420050022", 130),
    "none": ("9491339420050048", 0),
}


async def walked(number: str, first: int) -> list[tuple[Any, ...]]:
    """All transactions, page by page, over a sandbox that nobody has called."""
    rows: list[tuple[Any, ...]] = []
    after = None
    async with gateway(httpx.ASGITransport(create_sandbox(credentials()))) as running:
        for _ in range(100):
            asked = {"n": number, "from": ALL, "first": first, "after": after}
            answer = await running.query(QUERY, asked)
            assert "errors" not in answer
            page = answer["data"]["card"]["transactions"]
            rows += [tuple(node.values()) for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                return rows
            after = page["pageInfo"]["endCursor"]
    raise AssertionError("the walk has no end")


@pytest.mark.parametrize("first", [7, 20, 100])
@table(("name", "wanted"), COUNTS.items())
async def test_each_transaction_is_found_once_however_awkward_the_pages_are(
    name: str, wanted: tuple[str, int], first: int
) -> None:
    number, count = wanted
    rows = await walked(number, first)
    assert len(rows) == len(set(rows)) == count, name
    assert [row[-1] for row in rows] == sorted((row[-1] for row in rows), reverse=True)


async def test_two_thousand_transactions_can_be_walked() -> None:
    rows = await walked("9491339420120015", 100)
    assert 1_900 < len(rows) == len(set(rows)) <= 2_000
