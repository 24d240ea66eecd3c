"""The store of registered documents in this process, and its bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graph.graphql.stores import MemoryStore


async def test_a_text_is_found_by_its_hash_and_by_no_other() -> None:
    store = MemoryStore(2, 100)
    await store.put("h", "text")
    assert await store.get("h") == "text"
    assert await store.get("i") is None


async def test_the_least_recently_used_text_makes_room() -> None:
    store = MemoryStore(2, 100)
    for name in ("a", "b"):
        await store.put(name, name)
    assert await store.get("a") == "a"
    await store.put("c", "c")
    assert [await store.get(name) for name in "abc"] == ["a", None, "c"]


async def test_a_text_that_is_put_again_is_the_most_recently_used() -> None:
    store = MemoryStore(2, 100)
    for name in ("a", "b", "a", "c"):
        await store.put(name, name)
    assert [await store.get(name) for name in "abc"] == ["a", None, "c"]


async def test_long_texts_leave_less_room() -> None:
    store = MemoryStore(100, 10)
    for name in "abc":
        await store.put(name, "x" * 5)
    assert [await store.get(name) for name in "abc"] == [None, "x" * 5, "x" * 5]


async def test_a_text_that_is_longer_than_the_store_is_not_kept_and_leaves_it_usable() -> None:
    store = MemoryStore(100, 10)
    await store.put("a", "x" * 11)
    await store.put("b", "x" * 10)
    assert (len(store), await store.get("b")) == (1, "x" * 10)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.text(max_size=8)), max_size=40))
async def test_the_store_never_holds_more_than_it_may(puts: list[tuple[str, str]]) -> None:
    store = MemoryStore(3, 12)
    for name, text in puts:
        await store.put(name, text)
        kept = [found for letter in "abcdef" if (found := await store.get(letter)) is not None]
        assert len(kept) == len(store) <= 3
        assert sum(map(len, kept)) <= 12
        # What fits is kept.
        assert await store.get(name) == text
