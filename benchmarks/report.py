"""Writes the figures into the documentation: `python -m benchmarks.report`, from benchmarks/results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from benchmarks import chart, goals, report_gateway, report_overload, report_peers, report_worst
from benchmarks.cases import CARD_32, CARD_128
from benchmarks.processes import ROOT, BenchmarkError
from benchmarks.summary import SPEED, spread
from benchmarks.targets import GATEWAY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RESULTS: Final = ROOT / "benchmarks" / "results"
PAGE: Final = ROOT / "docs" / "performance.md"
CHART: Final = ROOT / "docs" / "performance.svg"

PARTS: Final = ("goals", "peers", "gateway", "overload", "worst")

_BEGIN: Final = "<!-- figures of {}: begin; written by `python -m benchmarks.report` -->"
_END: Final = "<!-- figures of {}: end -->"


def rewrite(results: Path = RESULTS, page: Path = PAGE, chart_file: Path = CHART) -> None:
    """Page and chart from all results that there are.

    Raises:
        BenchmarkError: when the page lacks the markers of a part.
    """
    gateway, peers, overload, worst = (
        _read(results / f"{name}.json") for name in ("gateway", "peers", "overload", "worst")
    )
    parts = {}
    if found := goals.goals(peers, gateway):
        parts["goals"] = goals.markdown(found)
    if peers is not None:
        parts["peers"] = report_peers.markdown(peers)
        chart_file.write_text(drawn(peers), encoding="utf-8")
    if gateway is not None:
        parts["gateway"] = report_gateway.markdown(gateway)
    if overload is not None:
        parts["overload"] = report_overload.markdown(overload)
    if worst is not None:
        parts["worst"] = report_worst.markdown(worst)
    text = page.read_text(encoding="utf-8")
    for name, figures in parts.items():
        text = insert(text, name, figures)
    page.write_text(text, encoding="utf-8")


def insert(page: str, name: str, figures: str) -> str:
    """The page with the figures between the markers of that name.

    Raises:
        BenchmarkError: when the page lacks them.
    """
    before, begin, rest = page.partition(_BEGIN.format(name))
    _, end, after = rest.partition(_END.format(name))
    if not begin or not end:
        raise BenchmarkError(f"the documentation page lacks the markers of {name}, where figures are written")
    return f"{before}{begin}\n\n{figures}\n\n{end}{after}"


def drawn(peers: Mapping[str, Any]) -> str:
    """Throughput of all servers, fastest first."""
    cases = [peers["cases"].get(case.name, {}) for case in (CARD_32, CARD_128)]
    names = dict.fromkeys(name for targets in cases for name in targets)
    medians = {
        name: [spread(targets[name], SPEED).median if name in targets else None for targets in cases]
        for name in names
    }
    groups = [
        chart.Group(name, medians[name], own=name == GATEWAY)
        for name in sorted(names, key=lambda name: -(medians[name][0] or 0))
    ]
    return chart.bars(
        "Requests per second on one core: one card, one upstream call",
        ("32 connections", "128 connections"),
        groups,
    )


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    result: dict[str, Any] = orjson.loads(path.read_bytes())
    return result


if __name__ == "__main__":
    rewrite()
