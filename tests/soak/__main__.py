"""The command: `python -m tests.soak`, or `make soak`."""

from __future__ import annotations

import asyncio
import signal
import sys

import click

from benchmarks.processes import BenchmarkError
from tests.soak.judge import table
from tests.soak.run import PER_SECOND, soak


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", type=click.FloatRange(8), default=1800, show_default=True, help="How long.")
@click.option("--per-second", type=click.FloatRange(1), default=PER_SECOND, show_default=True, help="Requests.")
@click.option("--seed", default=1, show_default=True, help="Of what is sent and what breaks.")
def main(*, seconds: float, per_second: float, seed: int) -> None:
    """Load a gateway for long, and see that its memory, descriptors and tasks stay flat."""
    # An exit that runs the `finally` blocks, which end the child processes.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        result = asyncio.run(soak(seconds, per_second, seed=seed, say=lambda text: click.echo(text, err=True)))
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
