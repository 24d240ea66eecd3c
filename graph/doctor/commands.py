"""The command `konagraph doctor`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from graph.config.environment import load_settings, removed_variables, unknown_variables
from graph.config.settings import Settings, SettingsError
from graph.config.warnings import start_warnings
from graph.doctor.checks import Check, file_checks, server_checks
from graph.wiring.checks import start_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARKS: Final = {"good": "good", "bad": "BAD ", "look": "look"}


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def doctor(*, form: str) -> None:
    """Look at everything that a gateway needs.

    The settings, who may read the files of secrets, the clock, names, and the way to Konaplate, the issuer, Redis
    and the collector. Starts nothing, sends no card number, prints no secret. Exits with 1 if something is bad.
    """
    checks = asyncio.run(_checked(os.environ))
    if form == "json":
        click.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        for check in checks:
            click.echo(f"{_MARKS[check.verdict]}  {check.what}: {check.seen}")
            if check.advice:
                click.echo(f"      -> {check.advice}")
    if any(check.verdict == "bad" for check in checks):
        sys.exit(1)


async def _checked(environment: Mapping[str, str]) -> list[Check]:
    settings, checks = _settings(environment)
    checks += file_checks(environment)
    if settings is not None:
        checks += [check async for check in server_checks(settings)]
    return checks


def _settings(environment: Mapping[str, str]) -> tuple[Settings | None, list[Check]]:
    advice = "see docs/configuration.md"
    warnings = unknown_variables(environment)
    problems: list[str] = []
    settings: Settings | None
    try:
        settings = load_settings(environment)
    except SettingsError as error:
        settings, problems = error.rest, [*error.problems]
        if settings is not None:
            problems += start_problems(settings, error.wrong)
    else:
        problems += start_problems(settings)
        warnings += [*removed_variables(environment, settings), *start_warnings(settings)]
    checks = [
        *(Check("settings", "bad", problem, advice) for problem in dict.fromkeys(problems)),
        *(Check("settings", "look", warning, advice) for warning in warnings),
    ]
    if problems:
        # Addresses that are wrong or missing are placeholders.
        return None, checks
    return settings, [*checks, Check("settings", "good", "complete, and every key and certificate can be used")]
