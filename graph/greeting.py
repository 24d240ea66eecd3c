"""What the command line says of the sandbox: how to try it, its cards, its reserved failures."""

from __future__ import annotations

from typing import Final

import click

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS, FIRST_CARD

_CURL: Final = """\
  curl {url} -H 'Content-Type: application/json' -d '{{
    "query": "query($cardNo: CardNumber!) {{ card(cardNo: $cardNo) {{ maskedCardNo balance cardStatus \
serviceName member {{ userId profile {{ userName email }} }} }} }}",
    "variables": {{"cardNo": "{card}"}}}}'"""


def greet(url: str) -> None:
    """Print the address, a query to paste, and the sandbox's cards."""
    click.echo(f"\nkonagraph answers on {url} (a browser shows GraphiQL), with its own sandbox behind it.\n")
    click.echo("Try it:\n")
    click.echo(_CURL.format(url=url, card=FIRST_CARD))
    click.echo(f"\n{card_table()}")
    click.echo("Reserved numbers make every failure happen: konagraph sandbox --list\n")


def card_table() -> str:
    """The sandbox's cards, a line each."""
    return _table(
        "Cards of the sandbox",
        [(card.number, f"{card.fields['balance']:>13,} won", card.shows) for card in CARDS.values()],
    )


def fault_table() -> str:
    """The reserved card numbers, a line each."""
    return _table(
        "Reserved card numbers: what the sandbox does, and the error that a query sees",
        [
            (
                fault.number,
                f"{fault.code or '(no error)'}{', retryable' if fault.retryable else ''}",
                fault.shows + (f" (at {fault.field})" if fault.field else ""),
            )
            for fault in FAULTS.values()
        ],
    )


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    width = max(len(row[1]) for row in rows)
    return "\n".join([title, *(f"  {row[0]}  {row[1]:<{width}}  {row[2]}" for row in rows), ""])
