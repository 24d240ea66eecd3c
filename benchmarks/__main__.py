"""The benchmark: `python -m benchmarks` measures the gateway, `python -m benchmarks --peers` others beside it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from benchmarks import credentials, environment, report
from benchmarks.processes import BenchmarkError, Cores, run_pinned, server
from benchmarks.rounds import Bench, Options
from benchmarks.targets import ALONE, BESIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.rounds import Rounds
    from benchmarks.targets import Run

_PATIENCE: Final = 60


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--peers", is_flag=True, help="Measure the other servers, too.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="How often each is measured.")
@click.option("--seconds", type=click.IntRange(1), default=2, show_default=True, help="Of one measurement.")
@click.option("--only", multiple=True, help="Only what has this in `server: case`; may be repeated.")
@click.option("--dry", is_flag=True, help="Write nothing.")
def main(*, peers: bool, rounds: int, seconds: int, only: tuple[str, ...], dry: bool) -> None:
    """Measure; write benchmarks/results, docs/performance.svg and the tables of docs/performance.md."""
    # An exit that runs the `finally` blocks, which end the child processes.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        _check_machine()
        runs = chosen(BESIDE if peers else ALONE, only)
        result = _measured(runs, Options(rounds=rounds, seconds=seconds), peers=peers)
    except BenchmarkError as error:
        click.echo(f"No result: {error}", err=True)
        sys.exit(1)
    click.echo(report.tables(result))
    if not dry:
        write(report.RESULTS / f"{'peers' if peers else 'gateway'}.json", result)
        report.rewrite()


def _check_machine() -> None:
    if shutil.which("wrk") is None:
        raise BenchmarkError("the benchmark needs wrk (on Debian: apt-get install wrk)")
    if not hasattr(os, "sched_setaffinity"):
        raise BenchmarkError("the benchmark pins processes to cores, which needs Linux")


def _measured(runs: Sequence[Run], options: Options, *, peers: bool) -> dict[str, Any]:
    cores = Cores.available()
    where = environment.describe(cores)
    missing = {run.target.name: run.target.missing for run in runs if run.target.missing}
    left_out = [f"{name} is left out: {why} (`make bench-peers` installs it)" for name, why in missing.items()]
    for why in left_out:
        _say(why)
    present = [run for run in runs if not run.target.missing]
    figures: Rounds = {}
    bare: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        server(["-m", "benchmarks.upstream", str(credentials.folder())], core=cores.load) as upstream,
    ):
        bench = Bench(upstream, cores, options, Path(folder), _say)
        for number in range(options.rounds):
            command = [sys.executable, "-m", "benchmarks.encryption"]
            costs = orjson.loads(run_pinned(command, core=cores.server, timeout=_PATIENCE))
            bare.append(round(costs["bare seal"] + costs["bare open"], 1))
            bench.round(number, present, figures)
    for (case, target), why in bench.failed.items():
        figures.get(case, {}).pop(target, None)
        left_out.append(f"{target} is left out of “{case}”: {why}")
    # As they are declared, whatever order the first round had.
    order = [run.target.name for run in runs]
    return {
        "environment": where,
        "versions": environment.versions(peers=peers),
        "options": asdict(options),
        "left_out": left_out,
        "bare_us": bare,
        "cases": {case: {name: of[name] for name in sorted(of, key=order.index)} for case, of in figures.items()},
    }


def chosen(runs: Sequence[Run], only: Sequence[str]) -> list[Run]:
    """The runs with those of their cases that fit one of the words."""

    def fits(name: str) -> bool:
        return not only or any(word.lower() in name.lower() for word in only)

    found = [
        replace(run, cases=tuple(case for case in run.cases if fits(f"{run.target.name}: {case.name}")))
        for run in runs
    ]
    return [run for run in found if run.cases]


def write(path: Path, result: dict[str, Any]) -> None:
    """Keep a result, with the rounds of a figure on one line."""
    path.parent.mkdir(exist_ok=True)
    text = orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    text = re.sub(r"\[\s+([-0-9.,\s]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)
    path.write_text(text, encoding="utf-8")


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
