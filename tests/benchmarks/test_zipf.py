"""Which cards are hot."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks import zipf


def test_weights_fall_with_the_rank_and_are_everything() -> None:
    weights = zipf.weights(4, 1.0)
    assert pytest.approx(1) == sum(weights)
    assert pytest.approx([12 / 25, 6 / 25, 4 / 25, 3 / 25]) == weights


def test_a_larger_exponent_makes_the_first_hotter() -> None:
    assert zipf.weights(100, 1.5)[0] > zipf.weights(100, 1.0)[0]


def test_draws_follow_the_weights() -> None:
    counts = Counter(zipf.draws(50_000, 1.5, seed=3, cards=100))
    for rank, weight in enumerate(zipf.weights(100, 1.5)[:5]):
        assert pytest.approx(weight, rel=0.1) == counts[rank] / 50_000
    assert set(counts) <= set(range(100))


def test_the_same_seed_draws_the_same_cards() -> None:
    assert zipf.draws(50, 1, seed=1) == zipf.draws(50, 1, seed=1)
    assert zipf.draws(50, 1, seed=1) != zipf.draws(50, 1, seed=2)


def test_every_rank_has_a_card_number_of_its_own() -> None:
    numbers = {zipf.card_number(rank) for rank in range(zipf.CARDS)}
    assert zipf.CARDS == len(numbers)
    assert all(len(number) == 16 and number.isdecimal() for number in numbers)
