"""The command line: names the commands, each of which declares its own options in a module of its own."""

from __future__ import annotations

import gc
import os
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

import click
from click.shell_completion import CompletionItem

from graph import APPLICATION, __version__

if TYPE_CHECKING:
    from collections.abc import Mapping


class CommandInfo(NamedTuple):
    """The module of a command, and the first sentence of its help."""

    module: str
    summary: str


COMMANDS: Final[Mapping[str, CommandInfo]] = {
    "dev": CommandInfo("graph.commands.gateway", "Start the gateway with a built-in sandbox."),
    "serve": CommandInfo("graph.commands.gateway", "Start the gateway for a real Konaplate."),
    "init": CommandInfo("graph.commands.settings", "Write the settings files of a new installation."),
    "check-config": CommandInfo("graph.commands.settings", "Check settings, keys and certificates."),
    "sandbox": CommandInfo("graph.commands.sandbox", "Start the Konaplate emulator alone."),
    "token": CommandInfo("graph.commands.tokens", "Print a development token for KONAGRAPH_AUTH=jwt."),
    "export-schema": CommandInfo("graph.commands.exports", "Print the GraphQL schema."),
    "check-schema": CommandInfo("graph.schema_check.commands", "Compare the schema with an older one."),
    "usage": CommandInfo("graph.commands.usage", "Show which client used which field."),
    "export-errors": CommandInfo("graph.commands.exports", "Print the catalogue of error codes for apps."),
    "version": CommandInfo("graph.commands.settings", "Print which version runs here, with which settings."),
    "audit": CommandInfo("graph.audit_review.commands", "Verify the audit log, and ask it who saw what."),
    "probe": CommandInfo("graph.probe.commands", "Find out how Konaplate differs from the settings."),
    "doctor": CommandInfo("graph.doctor.commands", "Check everything that a gateway needs."),
    "completion": CommandInfo("graph.commands.completion", "Print a completion script for a shell."),
    "leak-audit": CommandInfo("graph.leak_audit.commands", "Search answers and logs for leaks."),
}
"""In the order of use, in which `--help` lists them."""


class _LazyGroup(click.Group):
    """Imports a command when it is called: to list all, or to complete a name, takes no second."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if (info := COMMANDS.get(name)) is None:
            return None
        # Collections during the imports would take a tenth of their time, and find next to nothing; no later one
        # needs to go through what they made.
        gc.disable()
        try:
            command: click.Command = getattr(import_module(info.module), name.replace("-", "_"))
        finally:
            gc.freeze()
            gc.enable()
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and (close := get_close_matches(name, COMMANDS, 1)):
            context.fail(f"No such command {name!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(context, args)

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, info.summary) for name, info in COMMANDS.items()])

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [
            CompletionItem(name, help=info.summary)
            for name, info in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, context, incomplete)]


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name=APPLICATION)
def main() -> None:
    """GraphQL gateway over the Konaplate Open API."""
    # Python writes the session keys of every TLS connection to the file that it names.
    os.environ.pop("SSLKEYLOGFILE", None)
