"""The command `konagraph leak-audit`."""

from __future__ import annotations

import asyncio
import sys

import click

from graph.leak_audit import run


@click.command("leak-audit")
def leak_audit() -> None:
    """Search answers and logs for leaks.

    Sends every kind of failure and bad input through a gateway of its own, which keeps a core busy for a minute.
    Exits with 1 if it finds a leak.
    """
    outcomes = asyncio.run(run.leak_audit())
    for viewer, outcome in outcomes.items():
        click.echo(
            f"{viewer}: {outcome.cases} requests, {outcome.log_lines} log lines, {len(outcome.leaks)} leaks"
        )
        for leak in outcome.leaks:
            click.echo(f"  {leak}")
    count = sum(len(outcome.leaks) for outcome in outcomes.values())
    if count:
        click.echo(f"LEAKS: {count}")
        sys.exit(1)
    click.echo("No leak.")
