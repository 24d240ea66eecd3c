"""What the gateway is to reach, and whether it does. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks import others
from benchmarks.cases import ALIASES, ALIASES_INLINE, CARD_32, CARD_128, CARD_SLOW, HOT
from benchmarks.gateways import EVERYTHING, PLAIN
from benchmarks.reasons import REASONS
from benchmarks.report_gateway import encrypted_to_bare
from benchmarks.summary import SPEED, ratio, spread
from benchmarks.tables import table
from benchmarks.tailcall import TAILCALL
from benchmarks.targets import GATEWAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.cases import Case
    from benchmarks.summary import Rounds

MEGABYTES: Final = 80


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the table."""

    name: str
    bound: float
    measured: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether it is reached."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def row(self, reasons: Mapping[str, str]) -> tuple[str, ...]:
        """As a line; the reasons are for goals that are not met, by name."""
        sign = "≥" if self.at_least else "≤"
        reason = "" if self.met else reasons.get(self.name, "")
        return (
            self.name,
            f"{sign} {self.bound:g}",
            f"{self.measured:,.2f}",
            "met" if self.met else "**not met**",
            reason,
        )


_SERVERS: Final = (
    (others.MERCURIUS, 1.0, 1.0),
    (others.RAW, 1.3, 1.3),
    (TAILCALL, 0.8, 1.0),
    (others.YOGA, 3, 3),
    (others.APOLLO, 3, 3),
    (others.HIVE, 8, 8),
    (others.STRAWBERRY, 50, 50),
)
"""Multiples of whose throughput, at 32 and at 128 connections."""


def goals(peers: Mapping[str, Any] | None, gateway: Mapping[str, Any] | None) -> list[Goal]:
    """The ones for which there are figures."""
    found: list[Goal] = []
    if peers is not None:
        found += _beside_others(peers["cases"])
    if gateway is not None:
        found += _alone(gateway)
    return found


def markdown(found: list[Goal], reasons: Mapping[str, str] = REASONS) -> str:
    """The table, and how many are met."""
    heads = ("goal", "bound", "measured", "", "reason")
    met = sum(goal.met for goal in found)
    return f"{met} of {len(found)} are met.\n\n{table(heads, [goal.row(reasons) for goal in found])}"


def _beside_others(cases: Mapping[str, Mapping[str, Rounds]]) -> Iterator[Goal]:
    for at, case in enumerate((CARD_32, CARD_128)):
        for target, *bounds in _SERVERS:
            yield from _times(cases, case, target.name, bounds[at])
    yield from _times(cases, CARD_SLOW, others.NGINX.name, 0.95)
    slow = cases.get(CARD_SLOW.name, {})
    if others.MERCURIUS.name in slow and GATEWAY in slow:
        p99 = ratio(slow[GATEWAY], slow[others.MERCURIUS.name], "p99_ms").median
        yield Goal(f"{CARD_SLOW.name}: p99, of {others.MERCURIUS.name}'s", 1.0, p99, at_least=False)
    for case, bound in ((ALIASES, 1.0), (ALIASES_INLINE, 1.5)):
        targets = cases.get(case.name, {})
        rivals = {name: spread(rounds, SPEED).median for name, rounds in targets.items() if name != GATEWAY}
        if rivals and GATEWAY in targets:
            yield from _times(cases, case, max(rivals, key=lambda name: rivals[name]), bound, "the best peer, ")
    for case in HOT:
        yield from _hot(case, cases.get(case.name, {}))


def _times(
    cases: Mapping[str, Mapping[str, Rounds]], case: Case, rival: str, bound: float, prefix: str = ""
) -> Iterator[Goal]:
    targets = cases.get(case.name, {})
    if rival in targets and GATEWAY in targets:
        measured = ratio(targets[GATEWAY], targets[rival]).median
        yield Goal(f"{case.name}: throughput, of {prefix}{rival}", bound, measured)


def _hot(case: Case, targets: Mapping[str, Rounds]) -> Iterator[Goal]:
    calls = {name: spread(rounds, "upstream_calls_per_request").median for name, rounds in targets.items()}
    own = calls.pop(GATEWAY, None)
    alone = {name: figure for name, figure in calls.items() if name != TAILCALL.name}
    for whose, rivals in (("any peer", calls), ("any peer that shares no calls", alone)):
        if rivals and own is not None:
            name = f"{case.name}: upstream calls per request, of the fewest of {whose}"
            yield Goal(name, 0.2, own / min(rivals.values()), at_least=False)


def _alone(result: Mapping[str, Any]) -> Iterator[Goal]:
    plain = result["cases"][CARD_32.name][PLAIN.name]
    protected = result["cases"][CARD_32.name][EVERYTHING.name]
    yield Goal(
        "encrypted: throughput, of the RSA and AES operations alone", 0.75, encrypted_to_bare(result).median
    )
    yield Goal("everything on: throughput, of plain", 0.65, ratio(protected, plain).median)
    largest = max(
        spread(targets[PLAIN.name], "resident_mb").median
        for targets in result["cases"].values()
        if PLAIN.name in targets
    )
    yield Goal("resident memory of a process, MB, the largest of all cases", MEGABYTES, largest, at_least=False)
