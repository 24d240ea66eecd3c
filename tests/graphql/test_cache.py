"""The cache: its two bounds, and entries that are used again outlive others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graph.graphql.cache import SieveCache
from graph.graphql.documents import Documents
from graph.graphql.limits import DocumentLimits
from tests.graphql.schemas import SCHEMA


def cache(entries: int = 3, characters: int = 1_000) -> SieveCache[str, int]:
    return SieveCache(entries, characters)


def test_a_value_is_found_by_its_key() -> None:
    kept = cache()
    kept.put("a", 1, characters=1)
    assert (kept.get("a"), kept.get("b"), len(kept), kept.characters) == (1, None, 1, 1)


def test_the_oldest_that_nobody_asked_for_makes_room() -> None:
    kept = cache()
    for key in "abc":
        kept.put(key, 0, characters=1)
    kept.get("a")
    kept.put("d", 0, characters=1)
    assert [key for key in "abcd" if kept.get(key) is not None] == ["a", "c", "d"]


def test_what_was_asked_for_once_makes_room_in_the_second_round() -> None:
    kept = cache(entries=2)
    kept.put("a", 0, characters=1)
    kept.put("b", 0, characters=1)
    kept.get("a")
    kept.get("b")
    kept.put("c", 0, characters=1)
    assert [key for key in "abc" if kept.get(key) is not None] == ["b", "c"]


def test_where_all_were_asked_for_the_oldest_makes_room() -> None:
    kept = cache()
    for key in "abc":
        kept.put(key, 0, characters=1)
        kept.get(key)
    kept.put("d", 0, characters=1)
    assert [key for key in "abcd" if kept.get(key) is not None] == ["b", "c", "d"]


def test_a_long_one_makes_as_many_others_go_as_it_needs() -> None:
    kept = cache(entries=10, characters=10)
    for key in "abcde":
        kept.put(key, 0, characters=2)
    kept.put("long", 0, characters=5)
    assert [key for key in ("a", "b", "c", "d", "e", "long") if kept.get(key) is not None] == ["d", "e", "long"]
    assert kept.characters == 9


def test_one_that_is_too_long_by_itself_makes_nobody_go() -> None:
    kept = cache(characters=10)
    kept.put("a", 0, characters=10)
    kept.put("b", 0, characters=11)
    assert (kept.get("a"), kept.get("b")) == (0, None)


def test_a_cache_of_no_entries_keeps_nothing() -> None:
    kept = cache(entries=0)
    kept.put("a", 0, characters=0)
    assert len(kept) == 0


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 7)), max_size=80), st.integers(1, 6), st.integers(1, 20)
)
def test_both_bounds_hold_whatever_is_asked_for_and_nothing_is_mistaken(
    asked: list[tuple[int, int]], entries: int, characters: int
) -> None:
    kept: SieveCache[int, tuple[int, int]] = SieveCache(entries, characters)
    sizes: dict[int, int] = {}
    for key, size in asked:
        value = kept.get(key)
        assert value in (None, (key, sizes.get(key)))
        if value is None:
            sizes[key] = size
            kept.put(key, (key, size), characters=size)
            assert kept.get(key) == ((key, size) if size <= characters else None)
        assert len(kept) <= entries
        assert kept.characters <= characters
        assert kept.characters == sum(size for key, size in sizes.items() if key in kept._entries)
    assert len(kept._ahead) + len(kept._behind) == len(kept)


def test_ten_thousand_that_nobody_asks_for_again_do_not_drive_out_one_that_somebody_does() -> None:
    kept: SieveCache[str, int] = SieveCache(100, 1_000)
    kept.put("hot", 0, characters=3)
    kept.get("hot")
    found = 0
    for number in range(10_000):
        kept.put(str(number), number, characters=len(str(number)))
        assert len(kept) <= 100
        assert kept.characters <= 1_000
        # Far more rarely than an LRU cache would need.
        if number % 500 == 499:
            found += kept.get("hot") == 0
    assert found == 20


def test_new_documents_do_not_drive_out_one_that_is_asked_for_again() -> None:
    limits = DocumentLimits(cached=20, cached_characters=500)
    documents = Documents(SCHEMA, limits, introspection=False)
    hot = "query Hot { __typename }"
    first = documents.resolve(hot)
    assert first is documents.resolve(hot)
    for number in range(300):
        documents.resolve(f"{{ a{number}: __typename }}")
        if number % 100 == 99:
            assert first is documents.resolve(hot)
    assert (documents.hits, documents.misses) == (1 + 3, 1 + 300)


def test_new_documents_that_are_asked_for_again_find_room_after_a_flood() -> None:
    documents = Documents(SCHEMA, DocumentLimits(cached=20), introspection=False)
    for number in range(100):
        documents.resolve(f"{{ a{number}: __typename }}")
    wanted = [f"{{ b{number}: __typename }}" for number in range(20)]
    for text in wanted * 3:
        documents.resolve(text)
    assert (documents.hits, documents.misses) == (2 * 20, 100 + 20)
