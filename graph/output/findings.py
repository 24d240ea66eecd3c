"""Findings: what a command has looked at, whether it is good, and what to do."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal

import click

from graph.texts import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Severity = Literal["good", "warning", "bad"]

# Konaplate does not say how much it allows.
MAX_SKEW: Final = 2.0

_MARKS: Final = {"good": "good   ", "warning": "warning", "bad": "BAD    "}
_BELOW: Final = " " * len("warning  ")


@dataclass(frozen=True, slots=True)
class Finding:
    """One point of a report. It names settings and hosts, and no secret and no personal data."""

    what: str
    verdict: Severity
    """`warning` for what could not be found out, what is hardly meant, and what could be stricter."""
    seen: str
    advice: str = ""
    """What to do, with the setting's name and value; empty if it is good."""


def clock_finding(skew: float | None) -> Finding:
    """Judge this machine's clock; `skew` is by how many seconds Konaplate's is ahead, None if it does not say."""
    if skew is None:
        advice = "see that this machine's clock is synchronized by NTP"
        return Finding("clock", "warning", "Konaplate sends no usable Date header", advice)
    if abs(skew) <= MAX_SKEW:
        return Finding("clock", "good", "agrees with Konaplate's to two seconds")
    seen = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} Konaplate's"
    return Finding("clock", "bad", seen, "synchronize this machine's clock by NTP")


def takes_format(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option `form` of `print_findings`."""
    return click.option(
        "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
    )(command)


def print_findings(findings: Sequence[Finding], form: str) -> None:
    """Print findings as `text` or `json`; exit with 1 if one of them is bad."""
    if form == "json":
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{_MARKS[finding.verdict]}  {printable(f'{finding.what}: {finding.seen}')}")
            if finding.advice:
                click.echo(f"{_BELOW}-> {printable(finding.advice)}")
    if any(finding.verdict == "bad" for finding in findings):
        sys.exit(1)
