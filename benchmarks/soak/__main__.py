"""The command: `python -m benchmarks.soak`, or `make soak`."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Final

import click

from benchmarks.processes import BenchmarkError
from benchmarks.soak.judge import table
from benchmarks.soak.run import PER_SECOND, soak

_SAY_EVERY: Final = 10
_TERMINATED: Final = 128 + signal.SIGTERM


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", type=click.FloatRange(8), default=1800, show_default=True, help="How long.")
@click.option("--per-second", type=click.FloatRange(1), default=PER_SECOND, show_default=True, help="Requests.")
@click.option("--seed", default=1, show_default=True, help="Of what is sent and what breaks.")
def main(*, seconds: float, per_second: float, seed: int) -> None:
    """Load a gateway for long, and see that its memory, descriptors and tasks stay flat."""
    # An exit that runs the `finally` blocks, which end the child processes.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(_TERMINATED))
    said = 0

    def say(text: str) -> None:
        nonlocal said
        if said % _SAY_EVERY == 0:
            click.echo(text, err=True)
        said += 1

    try:
        result = asyncio.run(soak(seconds, per_second, seed=seed, say=say))
    except BenchmarkError as error:
        click.echo(f"No result: {error}", err=True)
        sys.exit(1)
    click.echo(f"{result.sent} requests in {seconds:.0f} seconds, {result.skipped} left out")
    for outcome, count in sorted(result.outcomes.items()):
        click.echo(f"  {outcome}: {count}")
    click.echo(table(result.verdicts))
    for problem, count in result.problems.items():
        click.echo(f"PROBLEM: {problem} ({count})")
    sys.exit(0 if result.passed else 1)


if __name__ == "__main__":
    main()
