"""What both commands share: options, checks of the machine, and where a result is written."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from benchmarks import environment, load
from benchmarks.processes import ROOT, BenchmarkError, Cores, server
from benchmarks.rounds import Bench, Options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.targets import Target

RESULTS: Final = ROOT / "benchmarks" / "results"

_TERMINATED: Final = 128 + signal.SIGTERM


@contextlib.contextmanager
def command() -> Iterator[None]:
    """Says in one line why there is no result, and ends child processes when this one is ended."""
    # An exit that runs the `finally` blocks, which end the child processes.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(_TERMINATED))
    try:
        _check_machine()
        yield
    except BenchmarkError as error:
        click.echo(f"No result: {error}", err=True)
        sys.exit(1)


def _check_machine() -> None:
    missing = load.missing_tool()
    if missing is not None:
        raise BenchmarkError(missing)
    if not hasattr(os, "sched_setaffinity"):
        raise BenchmarkError("the benchmark pins processes to cores, which needs Linux")


@contextlib.contextmanager
def bench(options: Options, cores: Cores, *arguments: str) -> Iterator[Bench]:
    """The upstream, started with these arguments, and what measures over it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        server(["-m", "benchmarks.upstream", *arguments], core=cores.load) as upstream,
    ):
        yield Bench(upstream, cores, options, Path(folder), say)


def present(targets: tuple[Target, ...], tell: Callable[[str], None]) -> list[Target]:
    """The targets that can run here; of the others, tell why not."""
    for target in targets:
        if missing := target.missing():
            tell(missing)
    return [target for target in targets if not target.missing()]


def conditions(options: Options, cores: Cores) -> dict[str, Any]:
    """What every result begins with."""
    return {
        "environment": environment.describe(cores),
        "options": {"rounds": options.rounds, "seconds": options.seconds, "warm_up": options.warm_up},
    }


def write(name: str, result: dict[str, Any]) -> None:
    """Keep a result."""
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    say(f"written: {path.relative_to(ROOT)}")


def say(text: str) -> None:
    """To the person who waits."""
    click.echo(text, err=True)
