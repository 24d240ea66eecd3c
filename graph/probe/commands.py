"""The command `konagraph probe`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

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
    transport = LeanTransport(PoolLimits(1, response_bytes=Limits().response_bytes), build_tls(settings))
    caller = ProbeClient(settings.konaplate_base_url, build_identity(settings), key_pairs(settings), transport)
    may = (lambda _what: True) if yes else _may
    notes = Notebook(settings, caller, by_name(configured_endpoints(settings)), may)
    card_no = _card_no()
    try:
        asyncio.run(_run(Probe(notes, card_no), transport))
    except (click.Abort, KeyboardInterrupt):
        notes.sum_up()
        notes.find("probe", "bad", "stopped before its end", "start it again for what is missing here")
    print_findings(notes.findings, form)


async def _run(steps: Probe, transport: LeanTransport) -> None:
    try:
        await steps.run()
    finally:
        await transport.aclose()


def _card_no() -> CardNo:
    try:
        return CardNo(read_number("Number of a test card"))
    except ValueError:
        click.echo("standard input has no card number: it has 16 digits", err=True)
        sys.exit(2)


def _may(what: str) -> bool:
    return click.confirm(f"Ask for {what}?", default=True, err=True)
