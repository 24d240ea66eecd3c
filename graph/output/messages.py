"""Warnings, and the problems for which a command does not run."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final, NoReturn

import click

CANNOT_START: Final = "konagraph cannot start:"
"""The first line, before the problems of the configuration."""
_CONFIGURATION_FAULT: Final = 2


def warn(warnings: list[str]) -> None:
    """Print warnings on standard error."""
    for warning in warnings:
        remark(f"warning: {warning}")


def remark(text: str) -> None:
    """Print a line on standard error, unless it cannot be written: the disk behind it may be full."""
    with suppress(OSError):
        click.echo(text, err=True)


def fail(problems: list[str], heading: str = CANNOT_START) -> NoReturn:
    """Print the problems of the configuration below the heading, and exit."""
    click.echo(heading, err=True)
    for problem in problems:
        click.echo(f"  - {problem}", err=True)
    sys.exit(_CONFIGURATION_FAULT)
