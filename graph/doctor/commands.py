"""The command `konagraph doctor`."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from graph.config.environment import load_settings, removed_variables, unknown_variables
from graph.config.settings import Settings, SettingsError
from graph.config.starter import documented
from graph.config.warnings import names_in, start_warnings
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
    problems: list[str] = []
    wrong: frozenset[str] = frozenset()
    settings: Settings | None
    try:
        settings = load_settings(environment)
    except SettingsError as error:
        settings, problems, wrong = error.rest, [*error.problems], error.wrong
    warnings = unknown_variables(environment)
    if settings is not None:
        problems += start_problems(settings, wrong)
        warnings += [*removed_variables(environment, settings), *start_warnings(settings, wrong)]
    checks = [
        *(Finding("settings", "bad", problem, _explained(problem)) for problem in dict.fromkeys(problems)),
        *(Finding("settings", "warning", warning, _explained(warning)) for warning in warnings),
    ]
    if problems:
        # Addresses that are wrong or missing are placeholders.
        left_out = (
            "the clock, name resolution, and the connections to Konaplate, the issuer, Redis and the collector"
        )
        return None, [*checks, Finding("not checked", "warning", left_out, "fix the bad settings first")]
    return settings, [*checks, Finding("settings", "good", "complete, and every key and certificate can be used")]


def _explained(message: str) -> str:
    """The meaning of the first setting that a message names."""
    meanings = {setting.name: setting.meaning for setting in documented()}
    return next((f"{name}: {meanings[name]}" for name in names_in(message) if name in meanings), "unset it")
