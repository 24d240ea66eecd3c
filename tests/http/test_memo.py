"""What is remembered of header fields: little, and nothing that could be a card number."""

from __future__ import annotations

import gc

from graph.http.header_cache import Memo


class Length:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def __call__(self, value: bytes) -> int | None:
        """The length; None for nothing."""
        self.asked.append(value)
        return len(value) or None


def test_a_value_that_comes_again_is_not_worked_out_again() -> None:
    length = Length()
    memo = Memo(length)
    assert [3, 3, None, None] == [memo(b"abc"), memo(b"abc"), memo(b""), memo(b"")]
    assert [b"abc", b""] == length.asked


def test_what_is_long_is_worked_out_each_time() -> None:
    length = Length()
    memo = Memo(length)
    assert [256, 256, 257, 257] == [memo(b"x" * size) for size in (256, 256, 257, 257)]
    assert [256, 257, 257] == [len(value) for value in length.asked]


def test_what_holds_a_card_number_is_not_kept() -> None:
    length = Length()
    memo = Memo(length)
    value = b"application/json; card=9491-3394-0000-0013"
    assert 42 == memo(value) == memo(value)
    assert [value, value] == length.asked
    kept = [one for one in gc.get_referents(memo) if isinstance(one, dict)]
    assert [{}] == kept


def test_it_holds_no_more_than_256_values() -> None:
    length = Length()
    memo = Memo(length)
    for number in range(1_000):
        memo(b"v%d" % number)
    (kept,) = [one for one in gc.get_referents(memo) if isinstance(one, dict)]
    assert 1 <= len(kept) <= 256
    # The latest is among them.
    memo(b"v999")
    assert 1_000 == len(length.asked)
