"""A key set that is reloaded in the background, before anybody asks for a key."""

from __future__ import annotations

import asyncio

from tests.security.jwt_maker import ec_signer, key_set
from tests.security.key_source import Watched
from tests.tools import settle

KEYS = key_set(ec_signer())


class Pauses:
    """Waits until the test says so, and records how long it should have waited."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._turn = asyncio.Semaphore(0)
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await self._turn.acquire()
        self._watched.clock.now += seconds

    async def over(self) -> None:
        """End one pause, and let what follows it run."""
        self._turn.release()
        await settle()


async def test_keys_that_are_missing_are_asked_for_again_soon_and_then_less_often() -> None:
    watched = Watched(OSError())
    pauses = Pauses(watched)
    watched.keys.keep_loaded(pauses)
    await settle()
    for _ in range(7):
        await pauses.over()

    assert pauses.asked == [1, 2, 4, 8, 16, 30, 30, 30]
    assert (watched.source.loads, watched.keys.loaded) == (7, False)
    await watched.keys.aclose()


async def test_keys_that_come_up_are_loaded_without_anybody_asking_and_then_kept_fresh() -> None:
    watched = Watched(OSError())
    pauses = Pauses(watched)
    watched.keys.keep_loaded(pauses)
    await settle()
    watched.source.content = KEYS
    await pauses.over()
    loaded = watched.keys.loaded
    await pauses.over()

    assert (loaded, watched.keys.stale) == (True, False)
    assert pauses.asked == [1, 300, 300]
    assert watched.source.loads == 2
    await watched.keys.aclose()


async def test_a_source_that_goes_down_makes_the_keys_stale_and_is_asked_every_half_minute() -> None:
    watched = Watched(KEYS)
    pauses = Pauses(watched)
    await watched.keys.load()
    watched.keys.keep_loaded(pauses)
    await settle()
    watched.source.content = OSError()
    seen = []
    for _ in range(3):
        await pauses.over()
        seen.append((watched.keys.loaded, watched.keys.stale))

    assert pauses.asked == [300, 30, 30, 30]
    assert seen == [(True, False), (True, False), (True, True)]
    await watched.keys.aclose()


async def test_after_a_day_the_keys_are_missing_again() -> None:
    watched = Watched(KEYS)
    pauses = Pauses(watched)
    await watched.keys.load()
    watched.keys.keep_loaded(pauses)
    await settle()
    watched.source.content = OSError()
    await pauses.over()
    still = watched.keys.loaded
    watched.clock.now += 24 * 3600 - 300
    await pauses.over()

    assert still
    assert (watched.keys.loaded, watched.keys.stale) == (False, False)
    assert pauses.asked == [300, 30, 1]
    await watched.keys.aclose()


async def test_closing_ends_the_keeping() -> None:
    watched = Watched(KEYS)
    pauses = Pauses(watched)
    watched.keys.keep_loaded(pauses)
    await settle()
    before = len(asyncio.all_tasks())
    await watched.keys.aclose()
    await pauses.over()

    assert watched.source.loads == 0
    assert before - 1 == len(asyncio.all_tasks())
