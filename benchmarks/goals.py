"""What the gateway is to reach beside the other servers, and whether it does. Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks import targets
from benchmarks.scenarios import ATTACKED, CARD_32, CARD_128, CARD_128_SLOW, HOT, MANY_CARDS
from benchmarks.summary import SPEED, ratio
from benchmarks.targets import GATEWAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.summary import Figures

TIMES: Final = (
    (targets.MERCURIUS, 1.1, 1.25),
    (targets.RAW, 1.0, 1.2),
    (targets.YOGA, 1.9, 2.2),
    (targets.APOLLO, 1.9, 2.2),
    (targets.STOCK, 9.0, 10.0),
    (targets.MERCURIUS_NODE, None, 1.0),
)
"""Multiples of these servers' throughput: at least, and aim."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the table."""

    name: str
    measured: tuple[float, ...]
    """The goal is reached when each of them is good enough."""
    bound: float | None
    """None where there is only an aim."""
    aim: float | None = None
    at_least: bool = True
    by_cpu: tuple[float, ...] = ()
    """The same by answers for a second of the server's CPU, which other programs on the machine distort less."""

    def _reaches(self, wanted: float | None) -> bool:
        if wanted is None:
            return True
        return min(self.measured) >= wanted if self.at_least else max(self.measured) <= wanted

    @property
    def missed(self) -> bool:
        """Whether the bound is missed; an aim is none."""
        return not self._reaches(self.bound)

    def row(self) -> tuple[str, ...]:
        """Name, bound, aim, figures, the same by CPU, verdict."""
        bound = "" if self.bound is None else f"{'≥' if self.at_least else '≤'} {self.bound:g}"
        aim = "" if self.aim is None else f"{self.aim:g}"
        verdict = "met" if self.aim is None or not self._reaches(self.aim) else "aim reached"
        if self.bound is None and not self._reaches(self.aim):
            verdict = "aim missed"
        figures, by_cpu = (
            ", ".join(f"{figure:,.2f}" for figure in values) for values in (self.measured, self.by_cpu)
        )
        return self.name, bound, aim, figures, by_cpu, "**missed**" if self.missed else verdict


def goals(result: Mapping[str, Any]) -> Iterator[Goal]:
    """The ones for which the result of one run has figures."""
    yield from _beside(result["cases"])
    yield from _alone(result["cases"], result["bare_us"])


def _beside(cases: Mapping[str, Mapping[str, Figures]]) -> Iterator[Goal]:
    def ratios(case: str, figure: str = SPEED) -> dict[str, float]:
        """The gateway's figure as a multiple of each other server's."""
        of = cases.get(case, {})
        others = [name for name in of if not name.startswith(GATEWAY)]
        return {name: ratio(of[GATEWAY], of[name], figure).median for name in others if GATEWAY in of}

    def by_cpu(case: str) -> dict[str, float]:
        return {name: 1 / times for name, times in ratios(case, "cpu_us").items()}

    few, many = ratios(CARD_32.name), ratios(CARD_128.name)
    few_by_cpu, many_by_cpu = by_cpu(CARD_32.name), by_cpu(CARD_128.name)
    for rival, bound, aim in TIMES:
        name = rival.name
        if name in few and name in many:
            figures, cpu = (few[name], many[name]), (few_by_cpu[name], many_by_cpu[name])
            yield Goal(f"card, 32 and 128 connections: times {name}", figures, bound, aim, by_cpu=cpu)
    if slow := ratios(CARD_128_SLOW.name, "p99_ms"):
        yield Goal(f"{CARD_128_SLOW.name}: p99, of the best peer's", (max(slow.values()),), 1.0, at_least=False)
    if aliases := ratios(MANY_CARDS.name):
        least = (min(by_cpu(MANY_CARDS.name).values()),)
        yield Goal(f"{MANY_CARDS.name}: times the best peer", (min(aliases.values()),), 1.3, by_cpu=least)
    if hot := ratios(HOT.name, "calls"):
        yield Goal(f"{HOT.name}: upstream calls, of any peer's", (max(hot.values()),), 0.2, at_least=False)


def _alone(cases: Mapping[str, Mapping[str, Figures]], bare_us: list[float]) -> Iterator[Goal]:
    ours = {case: of[GATEWAY] for case, of in cases.items() if GATEWAY in of}
    if card := ours.get(CARD_32.name):
        rounds = list(zip(card[SPEED], card["cpu_us"], bare_us, strict=True))
        share = (statistics.median(speed * bare / 1e6 for speed, _, bare in rounds),)
        cpu = (statistics.median(bare / own for _, own, bare in rounds),)
        yield Goal(f"{CARD_32.name}: times the bare RSA and AES operations", share, 0.43, 0.55, by_cpu=cpu)
    if attacked := ours.get(ATTACKED.name):
        yield Goal("beside the worst documents: what the others keep", (statistics.median(attacked["kept"]),), 0.8)
    if ours:
        memory = max(statistics.median(of["resident_mb"]) for of in ours.values())
        yield Goal("resident memory, MB, the most in any scenario", (memory,), 85, at_least=False)
