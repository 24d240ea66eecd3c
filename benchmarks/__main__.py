"""The command: `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from benchmarks import environment, load, report
from benchmarks.processes import ROOT, BenchmarkError, Cores, run_module, server
from benchmarks.rounds import Bench, Options
from benchmarks.scenarios import SCENARIOS
from benchmarks.targets import TARGETS

if TYPE_CHECKING:
    from benchmarks.processes import Child

RESULTS: Final = ROOT / "benchmarks" / "results"
PAGE: Final = ROOT / "docs" / "performance.md"

_PATIENCE: Final = 240
_TERMINATED: Final = 128 + signal.SIGTERM


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--seconds", type=click.IntRange(1), default=3, show_default=True, help="Length of each measurement."
)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="How often each is measured.")
@click.option("--connections", type=click.IntRange(1), default=32, show_default=True, help="Requests in flight.")
@click.option("--name", default="plain", show_default=True, help="Of the file in benchmarks/results.")
@click.option("--quick", is_flag=True, help="One short round that shows that everything works; writes nothing.")
def main(*, seconds: int, rounds: int, connections: int, name: str, quick: bool) -> None:
    """Compare the gateway with hand-written servers; write benchmarks/results and docs/performance.md."""
    # An exit that runs the `finally` blocks, which end the child processes.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(_TERMINATED))
    if quick:
        seconds = rounds = 1
    options = Options(rounds=rounds, seconds=seconds, warm_up=1, connections=connections)
    try:
        _check_machine()
        result = _measure(options, quick=quick)
        figures = report.markdown(result)
        click.echo(figures)
        if not quick:
            _write(name, result, figures)
    except BenchmarkError as error:
        click.echo(f"No result: {error}", err=True)
        sys.exit(1)


def _check_machine() -> None:
    missing = load.missing_tool()
    if missing is not None:
        raise BenchmarkError(missing)
    if not hasattr(os, "sched_setaffinity"):
        raise BenchmarkError("the benchmark pins processes to cores, which needs Linux")


def _measure(options: Options, *, quick: bool) -> dict[str, Any]:
    cores = Cores.available()
    where = environment.describe(cores)
    for target in TARGETS:
        if missing := target.missing():
            _say(missing)
    with server(["-m", "benchmarks.upstream"], core=cores.load) as upstream:
        bench = Bench(upstream, cores, options)
        capacity = bench.upstream_capacity()
        scenarios = bench.run([target for target in TARGETS if not target.missing()], SCENARIOS, _say)
        details = _details(upstream, cores, quick=quick)
    return {
        "environment": where,
        "options": {
            "rounds": options.rounds,
            "seconds": options.seconds,
            "warm_up": options.warm_up,
            "connections": options.connections,
        },
        "upstream_capacity": capacity,
        "scenarios": scenarios,
        **details,
    }


def _details(upstream: Child, cores: Cores, *, quick: bool) -> dict[str, Any]:
    """What is measured within one process."""
    requests, stage, call = ("100", "0.02", "0.1") if quick else ("1000", "0.15", "0.5")
    _say("document cache")
    cache = run_module("benchmarks.document_cache", requests, core=cores.server, timeout=_PATIENCE)
    _say("stages of a request")
    stages = run_module("benchmarks.stages", stage, core=cores.server, timeout=_PATIENCE)
    _say("one upstream call")
    transports = run_module("benchmarks.transports", upstream.url, call, core=cores.server, timeout=_PATIENCE)
    return {"document_cache": cache, "stages": stages, "transports": transports}


def _write(name: str, result: dict[str, Any], figures: str) -> None:
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    PAGE.write_text(report.insert(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")
    _say(f"written: {path.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}")


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
