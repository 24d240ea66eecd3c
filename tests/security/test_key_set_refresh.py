"""When a key set is reloaded, and who waits for it. The test controls time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from graph.security.errors import KeysUnavailableError
from tests.security.jwt_maker import ec_signer, ed_signer, key_set, rsa_signer
from tests.security.key_source import Watched
from tests.tools import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OLD, NEW = ec_signer("old"), ec_signer("new", index=1)
EVERY, APART, FIRST_RETRY, STALE = 300, 30, 1, 24 * 3600
DOWN = OSError("c4n4ry")


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    """A set that is loaded, with one key."""
    watched = Watched(key_set(OLD))
    await watched.keys.load()
    yield watched
    await watched.keys.aclose()


async def has(watched: Watched, key_id: str) -> bool:
    return await watched.keys.key(key_id) is not None


async def test_the_set_is_loaded_at_the_first_look_up_at_the_latest() -> None:
    watched = Watched(key_set(OLD))
    before = watched.keys.loaded

    assert await has(watched, "old")
    assert (before, watched.keys.loaded) == (False, True)
    assert watched.source.loads == 1


async def test_a_young_set_is_not_loaded_again(watched: Watched) -> None:
    watched.clock.now += EVERY

    for _ in range(100):
        assert await has(watched, "old")
    await settle()
    assert watched.source.loads == 1


async def test_an_old_set_is_loaded_again_while_it_still_answers(watched: Watched) -> None:
    watched.clock.now += EVERY + 1
    watched.source.content = key_set(NEW)
    watched.source.hold()

    # Nobody waits: the source does not answer, but the key is available.
    assert await asyncio.wait_for(has(watched, "old"), 30)
    await watched.source.begun.wait()
    assert await asyncio.wait_for(has(watched, "old"), 30)
    assert (watched.source.loads, watched.source.under_way) == (2, 1)

    watched.source.open.set()
    await settle()
    assert await has(watched, "new")
    assert not await has(watched, "old")


async def test_asking_for_the_generation_keeps_the_set_fresh_too(watched: Watched) -> None:
    before = await watched.keys.current()
    watched.clock.now += EVERY + 1
    watched.source.content = key_set(NEW)

    assert before == await watched.keys.current()
    await settle()
    assert before + 1 == await watched.keys.current()


async def test_a_new_key_is_found_after_one_load(watched: Watched) -> None:
    watched.clock.now += APART
    watched.source.content = key_set(OLD, NEW)

    assert await has(watched, "new")
    assert watched.source.loads == 2


async def test_a_storm_of_invented_ids_loads_the_set_once_in_thirty_seconds(watched: Watched) -> None:
    for second in range(90):
        for index in range(34):
            assert not await has(watched, f"{second}-{index}")
        watched.clock.now += 1

    # One at the start; then at 30 and 60 seconds.
    assert watched.source.loads == 3


async def test_a_storm_while_the_source_is_down_asks_it_no_more_often(watched: Watched) -> None:
    watched.source.content = DOWN
    for _ in range(60):
        for index in range(20):
            assert not await has(watched, f"invented-{index}")
        watched.clock.now += 1

    assert watched.source.loads == 2
    assert watched.failures == ["the key set cannot be read (OSError)"]


async def test_the_old_set_serves_for_a_day_when_its_source_is_down(watched: Watched) -> None:
    watched.source.content = DOWN
    for _ in range(STALE // 60):
        watched.clock.now += 60
        assert await has(watched, "old")
        await settle()
    at_last = watched.keys.loaded

    watched.clock.now += 1
    assert (at_last, watched.keys.loaded) == (True, False)
    with pytest.raises(KeysUnavailableError):
        await watched.keys.key("old")
    with pytest.raises(KeysUnavailableError):
        await watched.keys.current()


async def test_a_set_that_was_too_old_is_used_again_once_it_is_loaded(watched: Watched) -> None:
    watched.clock.now += STALE + 1
    watched.source.content = DOWN
    with pytest.raises(KeysUnavailableError):
        await watched.keys.key("old")

    watched.source.content = key_set(OLD)
    watched.clock.now += FIRST_RETRY
    assert await has(watched, "old")


async def test_a_source_that_is_down_at_the_start_is_asked_again_after_a_second() -> None:
    watched = Watched(DOWN)
    for _ in range(50):
        with pytest.raises(KeysUnavailableError):
            await watched.keys.key("old")
    assert watched.source.loads == 1

    watched.clock.now += FIRST_RETRY
    watched.source.content = key_set(OLD)
    assert await has(watched, "old")
    assert watched.source.loads == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>c4n4ry</html>", "the key set is not JSON"),
        (b"{}", "the key set has no keys"),
        (key_set(), "the key set holds no usable key"),
        (key_set(OLD) + b" " * 5_000_000, "the key set is too large"),
        (DOWN, "the key set cannot be read (OSError)"),
        (TimeoutError("c4n4ry"), "the key set cannot be read (TimeoutError)"),
        (ValueError("c4n4ry"), "the key set cannot be read (ValueError)"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_bad_load_leaves_the_old_set_and_is_reported_in_our_own_words(
    content: bytes | Exception, reason: str, watched: Watched
) -> None:
    before = watched.keys.generation
    watched.clock.now += EVERY + 1
    watched.source.content = content

    assert await has(watched, "old")
    await settle()
    assert await has(watched, "old")
    assert [reason] == watched.failures
    assert before == watched.keys.generation


async def test_the_generation_changes_only_with_the_set(watched: Watched) -> None:
    seen = [watched.keys.generation]
    reordered = {name: OLD.jwk[name] for name in reversed(OLD.jwk)} | {"extra": "of no interest"}
    for content in (
        key_set(OLD),
        b"  " + key_set(OLD, {"kty": "oct", "kid": "secret", "k": "AAAA"}),
        key_set(reordered),
        key_set(OLD, NEW),
        key_set(NEW, OLD),
        key_set(OLD),
        # The same id, another key.
        key_set(ec_signer("old", index=1)),
        # The same key, another id.
        key_set(ec_signer("another", index=1)),
        key_set(rsa_signer("another")),
        key_set(ed_signer("another")),
    ):
        watched.source.content = content
        await watched.keys.load()
        seen.append(watched.keys.generation)

    assert [generation - seen[0] for generation in seen] == [0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6]
