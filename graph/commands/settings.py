"""`konagraph init`, `check-config` and `version`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from graph.commands.options import FOLDER
from graph.config.environment import unknown_variables
from graph.config.starter import write_starter
from graph.output.messages import fail, warn
from graph.start import read_settings
from graph.version import version_text
from graph.wiring.checks import start_problems

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("directory", metavar="DIR", type=FOLDER)
def init(directory: Path) -> None:
    """Write the settings files of a new installation.

    Writes every setting with its explanation, fresh keys, and what the compose files need to use them. Existing
    files stay as they are.
    """
    try:
        written, kept = write_starter(directory)
    except OSError as error:
        raise click.FileError(str(error.filename), error.strerror) from None
    for file in kept:
        click.echo(f"kept: {file}")
    for file in written:
        click.echo(f"written: {file}")
    click.echo(
        f"Next: fill in {directory / 'konagraph.env'} and the empty files in {directory / 'gateway'}, "
        f"and check them: set -a; . {directory.absolute() / 'konagraph.env'}; set +a; konagraph check-config"
    )


@click.command("check-config")
def check_config() -> None:
    """Check settings, keys and certificates.

    Reports every problem, and starts nothing.
    """
    heading = "With these settings konagraph cannot start:"
    settings, warnings = read_settings(os.environ, heading=heading)
    warn(warnings)
    problems = start_problems(settings)
    if problems:
        fail(problems, heading)
    complete = "The settings are complete, and every key and certificate can be used"
    warned = warnings or unknown_variables(os.environ)
    click.echo(f"{complete}; see the warnings." if warned else f"{complete}.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def version(*, as_json: bool) -> None:
    """Print which version runs here, with which settings.

    The version, the commit, the digest of the lock, and which settings are given, without their values.
    """
    click.echo(version_text(os.environ, as_json=as_json))
