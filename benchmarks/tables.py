"""Tables and sentences in Markdown that several parts of the report share. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.summary import SPEED, busiest, ratio, spread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.summary import Rounds

# Beyond this share of its core, the load may have been what limited the server.
_NEARLY_ALL: Final = 0.85
_BUSY: Final = 0.95


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, all others, which hold figures, to the right."""
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _build(where: Mapping[str, Any]) -> str:
    return f" (built {where['python_build']})" if "python_build" in where else ""


def conditions(result: Mapping[str, Any]) -> str:
    """When, where and how it was measured."""
    where, options = result["environment"], result["options"]
    pinning = (
        "the server on one core, wrk and the upstream on another"
        if where["server_and_load_on_separate_cores"]
        else "**everything on the only core, so that the load generator slows the server down**"
    )
    versions = {**where["packages"], **result.get("versions", {})}
    return (
        f"Measured {where['time']} on {where['cores']} cores of {where['cpu']}, {where['system']}, "
        f"{where['python']}{_build(where)}, wrk {where['wrk']}: {pinning}. Rounds: {options['rounds']}, of "
        f"{options['seconds']} s after {options['warm_up']} s of warm-up; load average at the start, from "
        f"whatever else ran: {where['load_average_at_start']}.\n\n"
        f"Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}."
    )


def servers(targets: Mapping[str, Rounds], baseline: str) -> str:
    """One case: a row for each server, and its throughput as a multiple of one of them."""
    heads = (
        "server", "requests/s", f"x {baseline}", "CPU µs/request", "p50 ms", "p99 ms", "of its core",
        "wrk and upstream, of theirs", "RSS MB",
    )  # fmt: skip
    return table(heads, [_row(name, rounds, targets[baseline]) for name, rounds in targets.items()])


def _row(name: str, rounds: Rounds, baseline: Rounds) -> Sequence[str]:
    return (
        name,
        spread(rounds, SPEED).text(),
        ratio(rounds, baseline).text(2),
        spread(rounds, "cpu_us_per_request").text(),
        f"{spread(rounds, 'p50_ms').median:,.1f}",
        f"{spread(rounds, 'p99_ms').median:,.1f}",
        f"{spread(rounds, 'server_share').median:.0%}",
        f"{spread(rounds, 'upstream_share').median + spread(rounds, 'generator_share').median:.0%}",
        f"{spread(rounds, 'resident_mb').median:.0f}",
    )


def load(result: Mapping[str, Any]) -> str:
    """Whether the upstream and the load generator were fast enough."""
    calls, share = busiest(result["cases"])
    capacity = result["upstream_capacity"]["calls_per_second"]
    limited = "; ".join(_limited_by_load(result["cases"]))
    verdict = f"Held back by their core rather than by the server: {limited}." if limited else (
        "In no case were they the limit."
    )  # fmt: skip
    return (
        f"The upstream answers {capacity:,.0f} calls/s when wrk calls it directly; the busiest run made "
        f"{calls:,.0f} ({calls / capacity:.0%}). Upstream and wrk together used at most {share:.0%} of their "
        f"core. {verdict}"
    )


def _limited_by_load(cases: Mapping[str, Mapping[str, Rounds]]) -> list[str]:
    return [
        f"{name} ({case})"
        for case, targets in cases.items()
        for name, rounds in targets.items()
        if spread(rounds, "upstream_share").median + spread(rounds, "generator_share").median > _NEARLY_ALL
        and spread(rounds, "server_share").median < _BUSY
    ]
