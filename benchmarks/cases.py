"""Questions under a load: how many connections ask, and how long the upstream takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.many import BY_VARIABLES, INLINE, LISTS
from benchmarks.scenarios import ONE_CALL, TWO_CALLS

if TYPE_CHECKING:
    from benchmarks.scenarios import Question


@dataclass(frozen=True, slots=True)
class Case:
    """One row of figures."""

    name: str
    question: Question
    connections: int
    """Each has one request in flight."""
    upstream_ms: int = 0
    hot: float | None = None
    """Cards come again, some of them often: the exponent of Zipf's law. None: every request asks for new ones."""


CARD_32: Final = Case("card, 32 connections", ONE_CALL, 32)
CARD_128: Final = Case("card, 128 connections", ONE_CALL, 128)
CARD_SLOW: Final = Case("card, 128 connections, upstream 20 ms", ONE_CALL, 128, upstream_ms=20)
PROFILE: Final = Case("card and member, 32 connections", TWO_CALLS, 32)
ALIASES: Final = Case("20 aliases with 5 duplicates, variables", BY_VARIABLES, 8)
ALIASES_INLINE: Final = Case("20 aliases with 5 duplicates, inline card numbers", INLINE, 8)
HOT: Final = tuple(
    Case(f"hot cards, exponent {exponent:g}, 256 connections, upstream 20 ms", ONE_CALL, 256, 20, exponent)
    for exponent in (1.0, 1.5, 2.0)
)
"""The hottest card is that of 10, 39 and 61 requests of a hundred."""

SHARED: Final = (CARD_32, CARD_128, CARD_SLOW, PROFILE, ALIASES, ALIASES_INLINE, *HOT)
"""What every peer that can is asked."""

CARD_1: Final = Case("card, 1 connection", ONE_CALL, 1)
CARD_1000: Final = Case("card, 1,000 connections", ONE_CALL, 1000)
SCALE: Final = (CARD_1, CARD_32, CARD_128, CARD_1000)
LINEAR: Final = tuple(Case(question.name, question, 8) for question in LISTS)
