"""`konagraph completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from graph import APPLICATION


@click.command(epilog="In ~/.bashrc:  source <(konagraph completion bash)")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a completion script for a shell.

    It completes commands and options. Load it in the shell's start-up file.
    """
    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(context.find_root().command, {}, APPLICATION, f"_{APPLICATION.upper()}_COMPLETE").source())
