"""Which card comes next when some cards are much hotter than others. Pure."""

from __future__ import annotations

import itertools
import random
from typing import Final

CARDS: Final = 10_000
DRAWS: Final = 200_000
"""More than one run's requests; the load generator starts somewhere in them and goes round."""


def weights(cards: int, exponent: float) -> list[float]:
    """How often each rank is asked for, of all questions; the ranks begin with the hottest card."""
    shares = [1 / rank**exponent for rank in range(1, cards + 1)]
    total = sum(shares)
    return [share / total for share in shares]


def draws(count: int, exponent: float, *, seed: int, cards: int = CARDS) -> list[int]:
    """So many ranks from 0, each by chance and by its weight; the same ones for the same seed."""
    cumulative = list(itertools.accumulate(weights(cards, exponent)))
    # Not for secrets: it only has to be the same in every round.
    return random.Random(seed).choices(range(cards), cum_weights=cumulative, k=count)  # noqa: S311 - a load, no secret


def card_number(rank: int) -> str:
    """The card of a rank; hot ones are no neighbours."""
    return f"94{rank * 7_368_787 % 10_000_019:014d}"


def card_numbers(exponent: float, seed: int) -> str:
    """One card number a line, for the load generator."""
    return "".join(f"{card_number(rank)}\n" for rank in draws(DRAWS, exponent, seed=seed))
