"""A batch endpoint behind its guard: one call for many keys, and a future for each that fails alone."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import httpx
import pytest

from graph.konaplate.endpoint import Endpoint
from graph.konaplate.errors import CardNotFoundError, InvalidResponseError, RejectedError
from graph.konaplate.guarded import GuardedKonaplate
from graph.konaplate.isolation import Reserved, SeparatedKonaplate
from graph.konaplate.record import Record, Text
from graph.resilience.breaker import BreakerRules, CircuitOpenError
from graph.resilience.guard import CallStats, Shared
from graph.resilience.retry_budget import RetryBudget, RetryRules
from graph.resilience.single_flight import AbandonedError
from graph.resilience.slots import SlotRules, Slots
from tests.konaplate.support import Reports, connected, encoded
from tests.tools import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Product(Record):
    service_id: str
    service_name: Annotated[str, Text(9)] | None


PRODUCTS: Final = Endpoint(
    name="products",
    title="Card Product ID Inquiry",
    path="/api/v1/service/info/list",
    key=str,
    request=lambda ids: {"serviceIds": list(ids)},
    record=Product,
    within=("products",),
    key_of=lambda product: product.service_id,
    not_found=CardNotFoundError,
)


class Upstream(httpx.AsyncBaseTransport):
    """Knows products by id, answers in its own order, and waits when told to."""

    def __init__(self, *ids: str, status: int = 200) -> None:
        self._ids = ids
        self._status = status
        self.asked: list[list[str]] = []
        self.gate: asyncio.Event | None = None
        self.cancelled = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(await request.aread())["serviceIds"]
        self.asked.append(asked)
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        names = {each: 5 if each.startswith("unnamed") else f"name of {each}" for each in self._ids}
        rows = [{"serviceId": each, "serviceName": names[each]} for each in self._ids if each in asked]
        rows += [{"serviceName": each} for each in asked if each == "keyless"]
        rows += [{"serviceId": each, "serviceName": "another"} for each in asked if each == "twice"]
        body = encoded({"code": "000_000", "products": rows})
        return httpx.Response(self._status, stream=httpx.ByteStream(body))


@asynccontextmanager
async def guarded(
    upstream: Upstream, reports: Reports | None = None, reserved: Reserved | None = None
) -> AsyncIterator[GuardedKonaplate]:
    clock, rules = asyncio.get_running_loop().time, RetryRules()
    shared = Shared(
        RetryBudget(rules, clock), Slots(SlotRules(), clock), clock, lambda: 0.0, asyncio.sleep, retries=rules
    )
    told = Reports() if reports is None else reports
    async with connected(upstream, endpoints=[PRODUCTS], on_call=told.append) as client:
        konaplate = GuardedKonaplate(client, [PRODUCTS], shared, BreakerRules())
        if reserved is not None:
            konaplate = SeparatedKonaplate(client, [PRODUCTS], shared, BreakerRules(), reserved)
        yield konaplate
        await konaplate.cancel()


async def ends(futures: list[asyncio.Future[Any]]) -> list[object]:
    """The name of each product, or the type of its error."""
    results = await asyncio.gather(*futures, return_exceptions=True)
    return [each.service_name if isinstance(each, Product) else type(each) for each in results]


async def test_many_keys_are_one_call_answered_by_key() -> None:
    upstream, stats, reports = Upstream("c", "b", "a"), CallStats(), Reports()
    async with guarded(upstream, reports) as konaplate:
        names = await ends(konaplate.start(PRODUCTS, ["a", "b", "c"], stats))
    assert names == ["name of a", "name of b", "name of c"]
    assert (upstream.asked, stats.attempts) == ([["a", "b", "c"]], 1)
    assert (reports.one().api, reports.one().outcome) == ("/api/v1/service/info/list", "ok")


async def test_a_key_that_is_missing_fails_alone() -> None:
    async with guarded(Upstream("c", "a")) as konaplate:
        names = await ends(konaplate.start(PRODUCTS, ["a", "b", "c"], CallStats()))
    assert ["name of a", CardNotFoundError, "name of c"] == names


async def test_a_call_that_fails_fails_for_every_key() -> None:
    async with guarded(Upstream("a", status=401)) as konaplate:
        names = await ends(konaplate.start(PRODUCTS, ["a", "b"], CallStats()))
    assert [RejectedError, RejectedError] == names


async def test_a_key_that_is_named_twice_is_asked_for_once() -> None:
    upstream = Upstream("a", "b")
    async with guarded(upstream) as konaplate:
        names = await ends(konaplate.start(PRODUCTS, ["a", "b", "a"], CallStats()))
    assert (names, upstream.asked) == (["name of a", "name of b", "name of a"], [["a", "b"]])


async def test_nothing_is_asked_for_without_a_key() -> None:
    upstream = Upstream("a")
    async with guarded(upstream) as konaplate:
        assert konaplate.start(PRODUCTS, [], CallStats()) == []
        await settle()
    assert upstream.asked == []


async def test_the_same_keys_at_the_same_time_share_a_call() -> None:
    upstream, stats = Upstream("a", "b"), CallStats()
    async with guarded(upstream) as konaplate:
        futures = [*konaplate.start(PRODUCTS, ["a", "b"], stats), *konaplate.start(PRODUCTS, ["a", "b"], stats)]
        assert await ends(futures) == ["name of a", "name of b"] * 2
    assert (stats.attempts, stats.joined) == (1, 1)


async def test_a_key_that_nobody_waits_for_leaves_the_others() -> None:
    upstream = Upstream("a", "b")
    upstream.gate = asyncio.Event()
    async with guarded(upstream) as konaplate:
        first, second = konaplate.start(PRODUCTS, ["a", "b"], CallStats())
        await settle()
        first.cancel()
        await settle()
        upstream.gate.set()
        assert (await second).service_name == "name of b"
    assert upstream.cancelled == 0


async def test_a_call_ends_when_nobody_waits_for_any_of_its_keys() -> None:
    upstream = Upstream("a", "b")
    upstream.gate = asyncio.Event()
    async with guarded(upstream) as konaplate:
        futures = konaplate.start(PRODUCTS, ["a", "b"], CallStats())
        await settle()
        for future in futures:
            future.cancel()
        await settle()
        assert (len(upstream.asked), upstream.cancelled) == (1, 1)


async def test_whoever_waits_when_the_process_ends_is_told() -> None:
    upstream = Upstream("a")
    upstream.gate = asyncio.Event()
    async with guarded(upstream) as konaplate:
        futures = konaplate.start(PRODUCTS, ["a"], CallStats())
        await settle()
        await konaplate.cancel()
        assert [AbandonedError] == await ends(futures)


async def test_longer_texts_of_any_row_are_reported_once() -> None:
    reports, ids = Reports(), ["longer", "longest", "a"]
    async with guarded(Upstream(*ids), reports) as konaplate:
        names = await ends(konaplate.start(PRODUCTS, ids, CallStats()))
    assert (names, reports.one().drift) == (["name of longer", "name of longest", "name of a"], ("serviceName",))


async def test_an_unreadable_field_of_any_row_is_reported_once() -> None:
    reports, ids = Reports(), ["unnamed", "unnamed2", "a"]
    async with guarded(Upstream(*ids), reports) as konaplate:
        await ends(konaplate.start(PRODUCTS, [*ids, "missing"], CallStats()))
    assert (reports.one().outcome, reports.one().invalid_fields) == ("ok", ("serviceName",))


@pytest.mark.parametrize(
    ("product", "problem"), [("keyless", "a row has no readable key"), ("twice", "two rows of one key differ")]
)
async def test_what_is_wrong_with_a_row_is_reported(product: str, problem: str) -> None:
    reports = Reports()
    async with guarded(Upstream("a", "twice"), reports) as konaplate:
        assert await ends(konaplate.start(PRODUCTS, ["a", product], CallStats())) == [
            "name of a",
            InvalidResponseError,
        ]
    assert (reports.one().outcome, reports.one().problem) == ("ok", problem)


async def test_keys_that_fail_on_purpose_are_looked_up_apart_from_the_others() -> None:
    reserved = Reserved(
        fails=lambda endpoint, asked: (
            (endpoint, asked["serviceIds"]) in [("products", ["bad"]), ("products", ["open"])]
        ),
        opens_breaker=lambda endpoint, asked: (endpoint, asked["serviceIds"]) == ("products", ["open"]),
    )
    upstream = Upstream("a", "b", "bad")
    async with guarded(upstream, reserved=reserved) as konaplate:
        together = await ends(konaplate.start(PRODUCTS, ["a", "b"], CallStats()))
        apart = await ends(konaplate.start(PRODUCTS, ["a", "open", "bad"], CallStats()))
    assert (["name of a", "name of b"], ["name of a", CircuitOpenError, "name of bad"]) == (together, apart)
    assert upstream.asked == [["a", "b"], ["a"], ["bad"]]
