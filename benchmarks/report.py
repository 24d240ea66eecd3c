"""A result as Markdown, and its place in the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.processes import BenchmarkError
from benchmarks.summary import AIM, Spread, busiest, ratio, reaches_aim, spread
from benchmarks.targets import BASELINE, GATEWAY, PROTECTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BEGIN: Final = "<!-- figures: begin; written by `python -m benchmarks` -->"
END: Final = "<!-- figures: end -->"


def markdown(result: Mapping[str, Any]) -> str:
    """Everything that was measured."""
    parts = [_conditions(result)]
    parts += [_scenario(name, targets) for name, targets in result["scenarios"].items()]
    parts += [_load(result), _document_cache(result), _stages(result), _transports(result)]
    return "\n\n".join(parts)


def insert(page: str, figures: str) -> str:
    """The page with the figures between its markers.

    Raises:
        BenchmarkError: when the page lacks the markers.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchmarkError("the documentation page lacks the markers between which figures are written")
    return f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}"


def _conditions(result: Mapping[str, Any]) -> str:
    where, options = result["environment"], result["options"]
    packages = ", ".join(f"{name} {version}" for name, version in where["packages"].items())
    pinning = (
        "the server on one core, wrk and the upstream on another"
        if where["server_and_load_on_separate_cores"]
        else "**everything on the only core, so that the load generator slows the server down**"
    )
    return (
        f"Measured {where['time']} on {where['cores']} cores of {where['cpu']}, {where['system']}, "
        f"{where['python']}, wrk {where['wrk']}: {pinning}. Rounds: {options['rounds']}, of "
        f"{options['seconds']} s after {options['warm_up']} s of warm-up; connections: {options['connections']}; "
        f"load average at the start, from whatever else ran: {where['load_average_at_start']}. {packages}."
    )


def _scenario(name: str, targets: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    def row(target: str) -> Sequence[str]:
        rounds = targets[target]
        return (
            target,
            spread(rounds, "requests_per_second").text(),
            ratio(targets, target).text(2),
            spread(rounds, "cpu_us_per_request").text(),
            f"{spread(rounds, 'p50_ms').median:,.1f}",
            f"{spread(rounds, 'p99_ms').median:,.1f}",
            f"{spread(rounds, 'server_share').median:.0%}",
            f"{spread(rounds, 'resident_mb').median:.0f}",
        )

    heads = (
        "server", "requests/s", f"x {BASELINE}", "CPU µs/request", "p50 ms", "p99 ms", "of its core", "RSS MB",
    )  # fmt: skip
    verdict = "is reached" if reaches_aim(targets) else "is **missed**"
    aim = f"{GATEWAY} at no less than {AIM:.2f} x {BASELINE}: {verdict} ({ratio(targets, GATEWAY).median:.2f})."
    if PROTECTED in targets:
        kept = ratio(targets, PROTECTED, GATEWAY).text(2)
        aim += f"\n\nWith tokens, budgets and audit on, the gateway keeps {kept} of its throughput without them."
    return f"### Query: {name}\n\n{_table(heads, [row(target) for target in targets])}\n\n{aim}"


def _load(result: Mapping[str, Any]) -> str:
    calls, share = busiest(result["scenarios"])
    capacity = result["upstream_capacity"]["calls_per_second"]
    return (
        f"The upstream answers {capacity:,.0f} calls/s when wrk calls it directly; the busiest run made "
        f"{calls:,.0f} ({calls / capacity:.0%}). In no run did upstream and wrk together use more than "
        f"{share:.0%} of their core."
    )


def _document_cache(result: Mapping[str, Any]) -> str:
    rows = [
        (
            name,
            f"{one['requests']:,}",
            f"{one['hits']:,}",
            f"{one['misses']:,}",
            f"{one['cpu_us_per_request']:,.0f}",
        )
        for name, one in result["document_cache"].items()
    ]
    heads = ("document texts", "requests", "hits", "misses", "CPU µs/request")
    return f"### Document cache\n\n{_table(heads, rows)}"


def _stages(result: Mapping[str, Any]) -> str:
    rows = [(name, Spread.of(values).text(1)) for name, values in result["stages"].items()]
    return f"### Stages of a request in the gateway\n\n{_table(('stage', 'CPU µs'), rows)}"


def _transports(result: Mapping[str, Any]) -> str:
    rows = [(name, Spread.of(values).text()) for name, values in result["transports"].items()]
    return f"### One upstream call, 32 in flight\n\n{_table(('client', 'CPU µs'), rows)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_lines([heads, ["---", *("---:" for _ in heads[1:])], *rows]))


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in rows:
        yield f"| {' | '.join(row)} |"
