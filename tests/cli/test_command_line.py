"""The command line itself: its help, its version, and what it refuses."""

from __future__ import annotations

import click
import pytest

from graph import __version__
from graph.cli import COMMANDS, CommandInfo, main
from tests.cli.test_cli_commands import invoke
from tests.tables import table


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_every_command_in_the_order_of_use_and_in_whole_sentences(option: str) -> None:
    result = invoke(option)

    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.stdout.partition("Commands:")[2].splitlines() if line.strip()]
    assert listed == [
        "dev",
        "serve",
        "init",
        "check-config",
        "sandbox",
        "token",
        "export-schema",
        "check-schema",
        "usage",
        "export-errors",
        "version",
        "audit",
        "probe",
        "doctor",
        "completion",
        "leak-audit",
    ]
    assert "..." not in result.stdout.partition("Commands:")[2]


@table("name, info", COMMANDS.items())
def test_a_command_is_listed_by_the_first_sentence_of_its_help(name: str, info: CommandInfo) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert info.summary == command.get_short_help_str(limit=200)


def test_the_version_is_the_projects() -> None:
    assert invoke("--version").stdout == f"konagraph, version {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [["nothing"], ["dev", "--port", "65536"], ["dev", "--port", "x"], ["serve", "--nothing"], ["dev", "more"]],
)
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    result = invoke(*arguments)

    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_a_command_that_is_misspelled_is_told_the_right_one() -> None:
    assert "No such command 'tokn'. Did you mean 'token'?" in invoke("tokn").stderr
    assert "No such command 'zzz'.\n" in invoke("zzz").stderr
