"""docs/schema.md is true: its queries run, and make the calls and have the price that it says."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx

from graph.app import create_app
from graph.konaplate.endpoints import ENDPOINTS
from graph.sandbox.wallets import WALLETS
from graph.security.authorization import EVERY_SCOPE, developer
from schema.secrets import MemberId
from tests.support import Recorder, sandbox_settings
from tests.tables import table
from tests.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE: Final = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
QUERIES: Final = re.findall(r"^```graphql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CALLS: Final = re.findall(r"^\| `(\{.*\})` \| (.*) \| ([\d, then]+) \|$", PAGE, re.MULTILINE)
NAMES: Final = {endpoint.path: endpoint.name for endpoint in ENDPOINTS}
MEMBER: Final = 2005


@asynccontextmanager
async def asked_by_member() -> AsyncIterator[tuple[httpx.AsyncClient, Recorder]]:
    """A gateway whose caller is the one of `konagraph dev`, and its calls."""
    upstream = Recorder()
    app = create_app(sandbox_settings(), transport=upstream, caller=developer(MemberId(str(MEMBER))))
    asgi = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=asgi, base_url="http://g") as client:
        yield client, upstream


def said_calls(cell: str) -> Counter[str]:
    """The calls to each API that a row of the table says."""
    cards = sum(card.user_id == MEMBER for card in WALLETS)
    times = {"": 1, "n": cards}
    counted = re.findall(r"(?:(\w+) × )?`(\w+)`", cell)
    return Counter({name: times[count] if count in times else int(count) for count, name in counted})


@table(("query", "calls", "price"), CALLS)
async def test_a_query_makes_the_calls_and_has_the_price_that_the_table_says(
    query: str, calls: str, price: str
) -> None:
    body = {"query": query, "extensions": {"cost": True}}
    async with asked_by_member() as (client, upstream):
        answer: dict[str, Any] = (await client.post("/graphql", json=body)).json()
    assert "errors" not in answer
    assert Counter(NAMES[path] for path in upstream.paths) == said_calls(calls)
    cost = answer["extensions"]["cost"]
    before, after = cost["requestedQueryCost"], cost.get("actualQueryCost")
    assert re.findall(r"\d+", price) == [str(before)] + ([] if after in (None, before) else [str(after)])


async def answered(client: httpx.AsyncClient, query: str, **variables: str) -> dict[str, Any]:
    """The data of an answer without errors; a query that asks for an id gets that of a card."""
    if "$id: ID!" in query and "id" not in variables:
        member = (await answered(client, "{ viewer { member { cards { id } } } }"))["viewer"]["member"]
        variables["id"] = member["cards"][0]["id"]
    answer = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in answer
    data: dict[str, Any] = answer["data"]
    return data


@table("query", QUERIES)
async def test_a_query_is_answered_without_errors(query: str) -> None:
    async with asked_by_member() as (client, _):
        assert await answered(client, query)


def next_cursors(data: Any) -> list[str]:
    """The cursors, anywhere in an answer, of lists that go on."""
    if isinstance(data, list):
        return [cursor for each in data for cursor in next_cursors(each)]
    if not isinstance(data, dict):
        return []
    here = [data["endCursor"]] if data.get("hasNextPage") else []
    return here + next_cursors(list(data.values()))


@table("query", [query for query in QUERIES if "$after" in query])
async def test_a_query_with_a_cursor_goes_on_to_the_next_page(query: str) -> None:
    async with asked_by_member() as (client, _):
        cursors = next_cursors(await answered(client, query))
        assert cursors
        for cursor in cursors:
            assert await answered(client, query, after=cursor)


def test_the_table_has_every_api() -> None:
    assert len(CALLS) == len(re.findall(r"^\| `\{", PAGE, re.MULTILINE))
    said = set().union(*(said_calls(calls) for _, calls, _ in CALLS))
    assert said == set(NAMES.values()), "docs/schema.md: the table of queries needs a row with each API"


def test_every_scope_that_opens_data_is_explained() -> None:
    missing = {scope for scope in EVERY_SCOPE if f"`{scope}`" not in PAGE} - {"introspection", "server-timing"}
    assert missing == set(), "docs/schema.md: say what each of these scopes opens"
