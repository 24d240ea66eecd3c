"""What one caller can take from the others, as Markdown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.summary import Spread
from benchmarks.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping


def markdown(result: Mapping[str, Any]) -> str:
    """What is kept of the others' requests."""
    pairs = result["pairs"]

    def spread(name: str, digits: int = 0) -> str:
        return Spread.of([pair[name] for pair in pairs]).text(digits)

    heads = (
        "",
        "requests/s of the others",
        "p99 ms",
        "documents of the one, sent",
        "read",
    )
    rows = [
        ("undisturbed", spread("undisturbed_per_second"), spread("undisturbed_p99_ms", 1), "-", "-"),
        (
            "disturbed",
            spread("disturbed_per_second"),
            spread("disturbed_p99_ms", 1),
            spread("sent"),
            spread("read"),
        ),
        ("of the undisturbed", spread("kept", 2), "", "", ""),
        ("the same by the gateway's CPU time", spread("kept_by_cpu", 2), "", "", ""),
    ]
    return f"Measured {result['environment']['time']}.\n\n{table(heads, rows)}"
