"""Loads are shared by all who wait, and none of them can cancel one for the others."""

from __future__ import annotations

import asyncio
import contextlib

from tests.security.jwt_maker import ec_signer, key_set
from tests.security.key_source import Watched
from tests.tools import settle

OLD = ec_signer("old")
APART = 30


async def has(watched: Watched, key_id: str) -> bool:
    return await watched.keys.key(key_id) is not None


async def test_a_thousand_invented_ids_at_once_share_one_load() -> None:
    watched = Watched(key_set(OLD))
    await watched.keys.load()
    watched.clock.now += APART
    watched.source.hold()
    storm = [asyncio.ensure_future(has(watched, f"invented-{index}")) for index in range(1000)]
    await watched.source.begun.wait()

    # Known keys are still found meanwhile.
    assert await asyncio.wait_for(has(watched, "old"), 30)
    watched.source.open.set()
    assert await asyncio.gather(*storm) == [False] * 1000
    assert watched.source.loads == 2


async def test_the_first_requests_share_one_load() -> None:
    watched = Watched(key_set(OLD))
    watched.source.hold()
    waiting = [asyncio.ensure_future(has(watched, "old")) for _ in range(100)]
    await watched.source.begun.wait()
    watched.source.open.set()

    assert await asyncio.gather(*waiting) == [True] * 100
    assert watched.source.loads == 1


async def test_one_that_leaves_does_not_stop_the_load_for_the_others() -> None:
    watched = Watched(key_set(OLD))
    watched.source.hold()
    first, second = (asyncio.ensure_future(has(watched, "old")) for _ in range(2))
    await watched.source.begun.wait()
    first.cancel()
    await settle()

    assert (first.cancelled(), watched.source.under_way) == (True, 1)
    watched.source.open.set()
    assert await second
    assert watched.source.loads == 1


async def test_a_load_that_everybody_has_left_still_counts() -> None:
    watched = Watched(key_set(OLD))
    watched.source.hold()
    only = asyncio.ensure_future(has(watched, "old"))
    await watched.source.begun.wait()
    only.cancel()
    watched.source.open.set()
    await settle()

    assert await has(watched, "old")
    assert watched.source.loads == 1


async def test_closing_stops_a_load_that_is_under_way() -> None:
    watched = Watched(key_set(OLD))
    watched.source.hold()
    waiting = asyncio.ensure_future(has(watched, "old"))
    await watched.source.begun.wait()

    await watched.keys.aclose()
    assert watched.source.under_way == 0
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    assert watched.failures == []


async def test_closing_twice_and_without_a_load_is_no_matter() -> None:
    await Watched(b"").keys.aclose()
    watched = Watched(key_set(OLD))
    await watched.keys.load()
    await watched.keys.aclose()
    await watched.keys.aclose()
