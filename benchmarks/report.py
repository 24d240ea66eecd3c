"""Writes the figures into the documentation: `python -m benchmarks.report`, from benchmarks/results."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import orjson

from benchmarks import chart, goals
from benchmarks.processes import ROOT, BenchmarkError
from benchmarks.scenarios import ATTACKED, CARD_32, CARD_128_SLOW, CASES, HOT, PLAIN_32
from benchmarks.summary import SPEED, Spread, ratio
from benchmarks.targets import GATEWAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.summary import Figures

    Result = Mapping[str, Any]
    Cases = Mapping[str, Mapping[str, Figures]]

RESULTS: Final = ROOT / "benchmarks" / "results"
PAGE: Final = ROOT / "docs" / "performance.md"
CHART: Final = ROOT / "docs" / "performance.svg"

_BEGIN: Final = "<!-- {}: begin; written by `python -m benchmarks.report` -->"
_END: Final = "<!-- {}: end -->"
# Beyond this share of its core, the load may have been what limited the server.
_NEARLY_ALL: Final = 0.85
_WIDTH: Final = 120
_FIGURES: Final = ("requests/s", "µs of CPU", "p50 ms", "p99 ms")


def rewrite(results: Path = RESULTS, page: Path = PAGE, chart_file: Path = CHART) -> None:
    """Page and chart from the results that there are.

    Raises:
        BenchmarkError: the page lacks the markers of a part.
    """
    text = page.read_text(encoding="utf-8")
    for name in ("peers", "gateway"):
        if (results / f"{name}.json").exists():
            result = orjson.loads((results / f"{name}.json").read_bytes())
            text = insert(text, name, tables(result))
            if name == "peers":
                text = insert(text, "goals", goal_table(result))
                chart_file.write_text(drawn(result), encoding="utf-8")
    page.write_text(text, encoding="utf-8")


def insert(page: str, name: str, figures: str) -> str:
    """The page with the figures between the markers of that name.

    Raises:
        BenchmarkError: the page lacks them.
    """
    before, begin, rest = page.partition(_BEGIN.format(name))
    _, end, after = rest.partition(_END.format(name))
    if not begin or not end:
        raise BenchmarkError(f"the documentation page lacks the markers of {name}, where figures are written")
    # A table needs an empty line before it, and none after.
    return f"{before}{begin}\n\n{figures}\n{end}{after}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, all others, which hold figures, to the right."""
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def goal_table(result: Result) -> str:
    """Each goal beside its figure, and how many are missed."""
    found = list(goals.goals(result))
    missed = f"{sum(goal.missed for goal in found)} of {len(found)} are missed"
    return table((missed, "at least or most", "aim", "measured", "by CPU", ""), [goal.row() for goal in found])


def tables(result: Result) -> str:
    """Everything that was measured in one run."""
    cases: Cases = result["cases"]
    alone = all(name.startswith(GATEWAY) for of in cases.values() for name in of)
    # One line each: a server may have failed with a long message.
    left_out = [textwrap.shorten(f"{why}.", _WIDTH - len("- "), placeholder=" …") for why in result["left_out"]]
    notes = [*(_kept(cases) if alone else ()), _load(cases), *left_out, *_conditions(result)]
    return "\n\n".join([*(_of_the_gateway(cases) if alone else _beside(cases)), "\n".join(map(_item, notes))])


def _item(text: str) -> str:
    """An item of a list, wrapped."""
    # A line that began with the plus sign of a server's name would be an item of its own.
    lines = textwrap.wrap(
        text.replace(" +", "\N{NO-BREAK SPACE}+"),
        _WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace("\N{NO-BREAK SPACE}+", " +")


def _conditions(result: Result) -> Iterator[str]:
    where, options = result["environment"], result["options"]
    apart = "" if where["separate"] else ", **everything on the only core**"
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    yield (
        f"{where['time']}, {where['cores']} cores of {where['cpu']}{apart}, {where['system']}, {where['python']}; "
        f"{options['rounds']} rounds of {options['seconds']} s; load average {where['load_average']}."
    )
    yield f"Versions: {versions}."


def _beside(cases: Cases) -> Iterator[str]:
    sealed = [case.name for case in CASES if case.name in cases]
    names = list(dict.fromkeys(name for case in sealed for name in cases[case]))
    if names:
        rows = [(name, *(_times(cases, case, name) for case in sealed)) for name in names if name != GATEWAY]
        yield table(("konagraph, times (least to most)", *sealed), rows)
        heads = (
            "medians, 32 connections",
            *_FIGURES,
            "RSS MB",
            "p99 ms, 128, 20 ms",
            "calls, hot cards",
            "others keep",
        )
        yield table(heads, [_row(cases, CARD_32.name, name) + _elsewhere(cases, name) for name in names])
    if PLAIN_32.name in cases:
        rows = [
            (*_row(cases, PLAIN_32.name, name), _times(cases, PLAIN_32.name, name))
            for name in cases[PLAIN_32.name]
        ]
        yield table(("plain mode: no encryption", *_FIGURES, "konagraph, times"), rows)


def _of_the_gateway(cases: Cases) -> Iterator[str]:
    rows = [
        (
            *_row(cases, case, name, case if name == GATEWAY else f"{case}: {name}"),
            _median(cases, case, name, "resident_mb", 0),
            _median(cases, case, name, "calls", 2),
        )
        for case, of in cases.items()
        for name in of
    ]
    yield table(("case", *_FIGURES, "RSS MB", "upstream calls"), rows)


def _kept(cases: Cases) -> Iterator[str]:
    if kept := cases.get(ATTACKED.name, {}).get(GATEWAY, {}).get("kept"):
        yield f"Beside the worst documents, the other clients keep {Spread.of(kept).text(2)} of their throughput."


def _times(cases: Cases, case: str, name: str) -> str:
    of = cases[case]
    return ratio(of[GATEWAY], of[name]).text(2) if GATEWAY in of and name in of else "-"


def _row(cases: Cases, case: str, name: str, title: str = "") -> tuple[str, ...]:
    figures = (SPEED, 0), ("cpu_us", 0), ("p50_ms", 1), ("p99_ms", 1)
    return (title or name, *(_median(cases, case, name, figure, digits) for figure, digits in figures))


def _elsewhere(cases: Cases, name: str) -> tuple[str, ...]:
    return (
        _median(cases, CARD_32.name, name, "resident_mb", 0),
        _median(cases, CARD_128_SLOW.name, name, "p99_ms", 1),
        _median(cases, HOT.name, name, "calls", 2),
        _median(cases, ATTACKED.name, name, "kept", 2),
    )


def _median(cases: Cases, case: str, name: str, figure: str, digits: int) -> str:
    values = cases.get(case, {}).get(name, {}).get(figure)
    return f"{Spread.of(values).median:,.{digits}f}" if values else "-"


def _load(cases: Cases) -> str:
    """Whether upstream and load generator were fast enough."""
    shares = {
        f"{name} ({case})": Spread.of(figures["load_share"]).median
        for case, of in cases.items()
        for name, figures in of.items()
    }
    busy = "; ".join(name for name, share in shares.items() if share > _NEARLY_ALL)
    verdict = f"They may have limited: {busy}." if busy else "They did not limit any server."
    return f"Upstream and load generator used at most {max(shares.values()):.0%} of their core. {verdict}"


def drawn(result: Result) -> str:
    """Throughput of all servers, fastest first."""
    medians = {name: Spread.of(of[SPEED]).median for name, of in result["cases"].get(CARD_32.name, {}).items()}
    fastest_first = dict(sorted(medians.items(), key=lambda item: -item[1]))
    title = "Requests per second on one core: one card, one signed and sealed call, 32 connections"
    return chart.bars(title, fastest_first, GATEWAY)


if __name__ == "__main__":
    rewrite()
