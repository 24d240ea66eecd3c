"""What commands ask for."""

from __future__ import annotations

import sys

import click


def read_number(prompt: str) -> str:
    """Read a number that must be no argument: other users would see it, and the shell would keep it.

    Returns:
        The first line of standard input; empty if there is none.
    """
    # None if the shell has closed it.
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        text: str = click.prompt(prompt, hide_input=True, err=True)
    else:
        text = sys.stdin.buffer.readline().decode("utf-8", "replace")
    return text.strip()
