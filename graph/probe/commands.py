"""The command `konagraph probe`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from graph.konaplate.endpoint import by_name
from graph.konaplate.send import Limits
from graph.konaplate.transport.lean import LeanTransport
from graph.konaplate.transport.pool import PoolLimits
from graph.probe.exchange import Caller
from graph.probe.notebook import Notebook
from graph.probe.steps import Probe
from graph.start import read_settings
from graph.wiring.tls import build_tls
from graph.wiring.upstream import build_identity, configured_endpoints, key_pairs
from schema.secrets import CardNo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graph.config.settings import Settings
    from graph.probe.notebook import Finding

_WRONG: Final = "With these settings konagraph cannot start:"
_MARKS: Final = {"fits": "fits   ", "change": "CHANGE ", "unknown": "unknown"}


@click.command()
@click.option("--yes", is_flag=True, help="Make every call without asking.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def probe(*, yes: bool, form: str) -> None:
    """Find out how Konaplate differs from the settings.

    Makes about a dozen inquiries with a test card, whose number it reads from standard input, and asks before
    each. The card should be registered and have transactions. Prints the settings to change, and no number, no
    secret and nothing about a person. Exits with 1 if something must be changed.
    """
    settings, _ = read_settings(os.environ, heading=_WRONG)
    findings = asyncio.run(_run(settings, _card_no(), (lambda _what: True) if yes else _may))
    click.echo(_text(findings) if form == "text" else json.dumps([asdict(each) for each in findings], indent=2))
    if any(finding.verdict == "change" for finding in findings):
        sys.exit(1)


async def _run(settings: Settings, card_no: CardNo, may: Callable[[str], bool]) -> list[Finding]:
    transport = LeanTransport(PoolLimits(1, response_bytes=Limits().response_bytes), build_tls(settings))
    caller = Caller(settings.konaplate_base_url, build_identity(settings), key_pairs(settings), transport)
    notes = Notebook(settings, caller, by_name(configured_endpoints(settings)), may)
    try:
        await Probe(notes, card_no).run()
    finally:
        await transport.aclose()
    return notes.findings


def _card_no() -> CardNo:
    if sys.stdin.isatty():
        text = click.prompt("Number of a test card", hide_input=True, err=True)
    else:
        text = sys.stdin.readline()
    try:
        return CardNo(text.strip())
    except ValueError:
        click.echo("standard input has no card number: it has 16 digits", err=True)
        sys.exit(2)


def _may(what: str) -> bool:
    return click.confirm(f"Ask for {what}?", default=True, err=True)


def _text(findings: Sequence[Finding]) -> str:
    width = max((len(finding.what) for finding in findings), default=0)
    lines = [
        f"{_MARKS[finding.verdict]}  {finding.what.ljust(width)}  {finding.seen}"
        + (f"\n{' ' * (width + 11)}-> {finding.change}" if finding.change else "")
        for finding in findings
    ]
    return "\n".join(lines)
