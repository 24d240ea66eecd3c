"""The command `konagraph probe`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Final

import click

from graph.konaplate.endpoint import by_name
from graph.konaplate.send import Limits
from graph.konaplate.transport.lean import LeanTransport
from graph.konaplate.transport.pool import PoolLimits
from graph.output.findings import print_findings, takes_format
from graph.output.prompts import read_number
from graph.probe.client import ProbeClient
from graph.probe.notebook import Notebook
from graph.probe.steps import Probe
from graph.start import read_settings
from graph.wiring.tls import build_tls
from graph.wiring.upstream import build_identity, configured_endpoints, key_pairs
from schema.secrets import CardNo

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.config.settings import Settings
    from graph.output.findings import Finding

_WRONG: Final = "With these settings konagraph cannot start:"


@click.command()
@click.option("--yes", is_flag=True, help="Make every call without asking.")
@takes_format
def probe(*, yes: bool, form: str) -> None:
    """Find out how Konaplate differs from the settings.

    Reads a test card's number from standard input, and makes about a dozen inquiries, asking before each. The card
    should be registered and have transactions. Prints the settings to change, but no number, no secret and nothing
    about a person. Exits with 1 if something must be changed.
    """
    settings, _ = read_settings(os.environ, heading=_WRONG)
    findings = asyncio.run(_run(settings, _card_no(), (lambda _what: True) if yes else _may))
    print_findings(findings, form)


async def _run(settings: Settings, card_no: CardNo, may: Callable[[str], bool]) -> list[Finding]:
    transport = LeanTransport(PoolLimits(1, response_bytes=Limits().response_bytes), build_tls(settings))
    caller = ProbeClient(settings.konaplate_base_url, build_identity(settings), key_pairs(settings), transport)
    notes = Notebook(settings, caller, by_name(configured_endpoints(settings)), may)
    try:
        await Probe(notes, card_no).run()
    finally:
        await transport.aclose()
    return notes.findings


def _card_no() -> CardNo:
    try:
        return CardNo(read_number("Number of a test card"))
    except ValueError:
        click.echo("standard input has no card number: it has 16 digits", err=True)
        sys.exit(2)


def _may(what: str) -> bool:
    return click.confirm(f"Ask for {what}?", default=True, err=True)
