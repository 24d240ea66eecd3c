"""Three times the load as Markdown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.summary import Spread
from benchmarks.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIMITS = {
    "limited_by_upstream": "Konaplate: it takes {} ms, and 64 calls may be under way",
    "limited_by_cpu": "the gateway's own core: the upstream answers at once",
}


def markdown(result: Mapping[str, Any]) -> str:
    """What is kept of the peak."""
    rows = [_row(text, result[name]) for name, text in _LIMITS.items()]
    heads = ("what limits", "good answers, of the peak's", "offered, of the peak's", "a refusal takes, median ms")
    return (
        f"Measured {result['environment']['time']}.\n\n{table(heads, rows)}\n\n"
        f"A refusal costs {result['cpu_us_per_refusal']:.0f} µs of CPU."
    )


def _row(text: str, limited: Mapping[str, Any]) -> tuple[str, ...]:
    pairs = limited["pairs"]
    refusals = [pair["refusal_p50_ms"] for pair in pairs if pair["refusal_p50_ms"] is not None]
    return (
        text.format(limited["upstream_ms"]),
        Spread.of([pair["good_to_peak"] for pair in pairs]).text(2),
        Spread.of([pair["offered_per_second"] / pair["peak_per_second"] for pair in pairs]).text(1),
        Spread.of(refusals).text(1) if refusals else "-",
    )
