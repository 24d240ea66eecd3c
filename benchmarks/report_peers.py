"""The comparison with other servers as Markdown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.cases import HOT, SHARED
from benchmarks.summary import SPEED, spread
from benchmarks.tables import conditions, load, servers, table
from benchmarks.targets import GATEWAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.summary import Rounds

_CHART: Final = "![Requests per second of all servers](performance.svg)"


def markdown(result: Mapping[str, Any]) -> str:
    """Everything that was measured, the overview first."""
    cases: Mapping[str, Mapping[str, Rounds]] = result["cases"]
    parts = [_CHART, conditions(result), *result["left_out"], _overview(cases)]
    parts += [
        f"### {name}\n\n{servers(targets, GATEWAY)}" for name, targets in cases.items() if GATEWAY in targets
    ]
    parts += [_hot(case.name, cases[case.name]) for case in HOT if case.name in cases]
    return "\n\n".join([*parts, load(result)])


def _overview(cases: Mapping[str, Mapping[str, Rounds]]) -> str:
    names = list(dict.fromkeys(name for targets in cases.values() for name in targets))
    shown = [case.name for case in SHARED if case.name in cases and case not in HOT]
    rows = [
        (
            name,
            *(f"{spread(cases[case][name], SPEED).median:,.0f}" if name in cases[case] else "-" for case in shown),
        )
        for name in names
    ]
    return f"### Requests per second, medians\n\n{table(('server', *shown), rows)}"


def _hot(case: str, targets: Mapping[str, Rounds]) -> str:
    rows = [
        (name, spread(rounds, "upstream_calls_per_request").text(2))
        for name, rounds in sorted(
            targets.items(), key=lambda item: spread(item[1], "upstream_calls_per_request").median
        )
    ]
    return f"### Upstream calls per answered request: {case}\n\n{table(('server', 'calls'), rows)}"
