"""The command `konagraph doctor`."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from graph.config.environment import load_settings, removed_variables, unknown_variables
from graph.config.settings import Settings, SettingsError
from graph.config.warnings import start_warnings
from graph.doctor.checks import file_checks, server_checks
from graph.output.findings import Finding, print_findings, takes_format
from graph.wiring.checks import start_problems

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command()
@takes_format
def doctor(*, form: str) -> None:
    """Check everything that a gateway needs.

    Checks settings, permissions of secret files, the clock, name resolution, and the connections to Konaplate, the
    issuer, Redis and the collector. Starts nothing, sends no card number, prints no secret. Exits with 1 if
    something is bad.
    """
    print_findings(asyncio.run(_checked(os.environ)), form)


async def _checked(environment: Mapping[str, str]) -> list[Finding]:
    settings, checks = _settings(environment)
    checks += file_checks(environment)
    if settings is not None:
        checks += [check async for check in server_checks(settings)]
    return checks


def _settings(environment: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
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
        *(Finding("settings", "bad", problem, advice) for problem in dict.fromkeys(problems)),
        *(Finding("settings", "warning", warning, advice) for warning in warnings),
    ]
    if problems:
        # Addresses that are wrong or missing are placeholders.
        return None, checks
    return settings, [*checks, Finding("settings", "good", "complete, and every key and certificate can be used")]
