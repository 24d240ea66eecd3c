"""What the command line prints about the sandbox and its gateway: queries to paste, cards, failures."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from graph.sandbox.failures import FAILURES
from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS, FIRST_CARD, MEMBERS
from graph.sandbox.wallets import WALLETS
from graph.security.authorization import Scope
from graph.security.development import signer_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph.config.settings import Settings
    from graph.http.graphiql import Explorer
    from schema.secrets import MemberId

# `--noproxy`: a proxy of the environment cannot reach this machine.
_CURL: Final = """\
  curl --noproxy '*' {url} -H 'Content-Type: application/json'{credentials} -d '{{
    {request}}}'"""
_MY_CARDS: Final = '"query": "{ viewer { member { cards { maskedCardNo balance } } } }"'
_ONE_CARD: Final = f"""\
"query": "query($cardNo: CardNumber!) {{ card(cardNo: $cardNo) {{ maskedCardNo balance cardStatus \
serviceName member {{ userId profile {{ userName email }} }} }} }}",
    "variables": {{"cardNo": "{FIRST_CARD}"}}"""
_TOKEN: Final = "YOUR_TOKEN"  # noqa: S105 - a placeholder
_KEY: Final = "YOUR_KEY"


def greet(url: str, settings: Settings, explorer: Explorer | None, member_id: MemberId | None) -> None:
    """Print the address, who every caller is, a query to paste, and the sandbox's cards and members."""
    page, remark = _page(explorer)
    credentials, needed = _credentials(settings)
    click.echo(f"\nkonagraph answers on {url}{page} with its own sandbox behind it.\n")
    if remark:
        click.echo(f"{remark}\n")
    if member_id is not None:
        # The sandbox's members are invented.
        user_id = member_id.reveal()
        click.echo(f"Every caller is member {user_id} of the sandbox with every scope; --as takes another.\n")
    click.echo(f"Try it{needed}:\n")
    request = _ONE_CARD if member_id is None else _MY_CARDS
    click.echo(_CURL.format(url=shlex.quote(url), credentials=credentials, request=request))
    click.echo(f"\n{card_table()}")
    click.echo(member_table())
    click.echo(f"Reserved numbers make every failure happen: {program()} sandbox --list\n")


def exports(settings: Mapping[str, str]) -> list[str]:
    """Format settings as shell commands."""
    return [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]


def program() -> str:
    """Return the command that started this program, for a shell in the same folder."""
    path = sys.argv[0]
    if Path(path).name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m graph"
    launcher = Path(sys.executable).with_name("konagraph")
    if Path(path).suffix == ".py" and launcher.is_file():
        # Started by a checkout's launcher: name the launcher.
        path = os.path.relpath(launcher) if launcher.is_relative_to(Path.cwd()) else str(launcher)
    found = shutil.which(Path(path).name)
    return Path(path).name if found and Path(found).samefile(path) else shlex.quote(path)


def card_table() -> str:
    """Format the sandbox's cards, one per line."""
    return _table(
        "Cards of the sandbox",
        [(card.number, f"{card.fields['balance']:>13,} won", card.description) for card in CARDS.values()],
    )


def member_table() -> str:
    """Format the sandbox's members and the number of their cards, one per line."""
    held = Counter(card.user_id for card in WALLETS)
    rows = [
        (f"{user_id:<19}", f"{held[user_id]} card{'' if held[user_id] == 1 else 's'}", member["userName"])
        for user_id, member in MEMBERS.items()
    ]
    return _table("Members of the sandbox", rows)


def wallet_table() -> str:
    """Format the cards that are not in `card_table`, one per line."""
    cards = [card for card in WALLETS if CARDS.keys().isdisjoint(card.numbers)]
    rows = [
        (card.numbers[0] if card.numbers else "(no number)", f"{card.user_id or 'nobody'}", card.description)
        for card in cards
    ]
    return _table(
        "Cards of members 2001 to 2012", [(f"{number:<16}", owner, text) for number, owner, text in rows]
    )


def fault_table() -> str:
    """Format the reserved card numbers, one per line."""
    return _table(
        "Reserved card numbers: what the sandbox does, and the error that a query sees",
        [
            (
                fault.number,
                f"{fault.code or '(no error)'}{', retryable' if fault.retryable else ''}",
                fault.description + (f" (at {fault.field})" if fault.field else ""),
            )
            for fault in FAULTS.values()
        ],
    )


def _page(explorer: Explorer | None) -> tuple[str, str | None]:
    """Return what a browser shows, and what GraphiQL would need."""
    if explorer is None:
        return "", "A browser shows no page: KONAGRAPH_INTROSPECTION=true switches GraphiQL on."
    if explorer.missing:
        return "", (
            "A browser shows no GraphiQL: its files come from npm and are not here.\n"
            "In a checkout `make explorer` (Node 18 or newer) gets them; the wheel and the image have them."
        )
    return " (a browser shows GraphiQL),", None


def _credentials(settings: Settings) -> tuple[str, str]:
    """Return curl's argument for the credentials, and what to replace in it."""
    if settings.konagraph_auth == "api-key":
        return f" -H 'X-Api-Key: {_KEY}'", f", with a key of KONAGRAPH_API_KEYS in place of {_KEY}"
    if settings.konagraph_auth == "jwt":
        folder = signer_folder(
            settings.konagraph_jwt_jwks, settings.konagraph_jwt_issuer, settings.konagraph_jwt_audience
        )
        if folder is None:
            return (
                f" -H 'Authorization: Bearer {_TOKEN}'",
                f", with a token of KONAGRAPH_JWT_ISSUER in place of {_TOKEN}",
            )
        scopes = " ".join(f"--scope {scope}" for scope in (Scope.READ_ANY_CARD, Scope.READ_MEMBER))
        make = f"{program()} token --directory {shlex.quote(str(folder))} {scopes}"
        return f' -H "Authorization: Bearer $({make} 2>/dev/null)"', ""
    return "", ""


def reserved_members() -> str:
    """Say in two lines which members are reserved."""
    return (
        f"Reserved members: {min(FAILURES)} to {max(FAILURES)}. One API fails for each: 9, the API's number,\n"
        "and two digits for the failure (docs/konaplate.md lists them)."
    )


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    width = max(len(row[1]) for row in rows)
    return "\n".join([title, *(f"  {row[0]}  {row[1]:<{width}}  {row[2]}" for row in rows), ""])
