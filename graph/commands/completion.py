"""`konagraph completion`."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from graph import APPLICATION

_USE: Final = """\b
In ~/.bashrc:                     source <(konagraph completion bash)
In ~/.zshrc, below compinit:      source <(konagraph completion zsh)
In ~/.config/fish/config.fish:    konagraph completion fish | source"""


@click.command(epilog=_USE)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a completion script for a shell.

    It completes commands and options. Load it in the shell's start-up file.
    """
    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(context.find_root().command, {}, APPLICATION, f"_{APPLICATION.upper()}_COMPLETE").source())
