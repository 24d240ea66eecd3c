"""Three times the load as Markdown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.summary import Spread
from benchmarks.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LIMITS = {
    "limited_by_upstream": "Konaplate: it takes {} ms, and 64 calls may be under way",
    "limited_by_cpu_balanced": "the gateway's core, behind the balancer",
    "limited_by_cpu_plain_balanced": "the same without encryption",
    "limited_by_cpu": "the gateway's core, asked past the balancer",
    "limited_by_cpu_plain": "the same without encryption",
}


def markdown(result: Mapping[str, Any]) -> str:
    """What is kept of the peak."""
    rows = [_row(text, result[name]) for name, text in _LIMITS.items()]
    heads = (
        "what limits",
        "good answers, of the peak's",
        "offered, of the peak's",
        "a refusal takes, median ms",
        "99 of 100, ms",
    )
    return (
        f"Measured {result['environment']['time']}.\n\n{table(heads, rows)}\n\n"
        f"A refusal costs {result['cpu_us_per_refusal']:.0f} µs of CPU."
    )


def _row(text: str, limited: Mapping[str, Any]) -> tuple[str, ...]:
    pairs = limited["pairs"]
    return (
        text.format(limited["upstream_ms"]),
        Spread.of([pair["good_to_peak"] for pair in pairs]).text(2),
        Spread.of([pair["offered_per_second"] / pair["peak_per_second"] for pair in pairs]).text(1),
        _milliseconds([pair["refusal_p50_ms"] for pair in pairs]),
        _milliseconds([pair["refusal_p99_ms"] for pair in pairs]),
    )


def _milliseconds(given: Sequence[float | None]) -> str:
    known = [figure for figure in given if figure is not None]
    return Spread.of(known).text(1) if known else "-"
