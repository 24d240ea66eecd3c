"""`konagraph dev` and `konagraph serve`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click
import httpx

from graph.commands.options import listens
from graph.config.environment import load_settings
from graph.greeting import greet
from graph.konaplate.isolation import Reserved
from graph.output.messages import fail, remark
from graph.playground import OWNER, build_playground
from graph.sandbox.app import BASE_PATH, create_sandbox
from graph.sandbox.credentials import SandboxCredentials
from graph.sandbox.data import fails, opens_breaker
from graph.sandbox.failures import FAILURES
from graph.sandbox.ledger import FIRST_CARD, MEMBERS
from graph.security.authorization import ANONYMOUS, developer
from graph.start import read_settings, serve_gateway
from schema.secrets import MemberId

if TYPE_CHECKING:
    from typing import Any

    from starlette.applications import Starlette

_NOBODY: Final = "none"
# Not its address and credentials, which may be those of the real Konaplate.
# The last three are removed settings, which are named at start.
_READ_BY_DEV: Final = (
    "KONAGRAPH_",
    "KONAPLATE_TIMEOUT",
    "KONAPLATE_ATTEMPT",
    "KONAPLATE_RETR",
    "KONAPLATE_BREAKER_",
)
# A readable log, and budgets that nobody exhausts by hand.
_DEFAULTS_OF_DEV: Final = {
    "KONAGRAPH_LOG_FORMAT": "console",
    "KONAGRAPH_REQUEST_RATE": "1000",
    "KONAGRAPH_REQUEST_BURST": "1000",
    "KONAGRAPH_COST_BURST": "200000",
    "KONAGRAPH_CARDS_PER_MINUTE": "1000",
}


def _member_of_sandbox(_context: click.Context, _option: click.Parameter, member: str | None) -> str | None:
    if member in (None, _NOBODY) or member in map(str, (*MEMBERS, *FAILURES)):
        return member
    known = ", ".join(map(str, MEMBERS))
    raise click.BadParameter(
        f"the sandbox has no such member; there are {known}, {_NOBODY}, and those that `konagraph sandbox --list` "
        "calls reserved"
    )


@click.command()
@listens
@click.option(
    "--as",
    "caller",
    callback=_member_of_sandbox,
    metavar="MEMBER",
    help=f"User id of the sandbox member that every caller acts as, with every scope ({OWNER}); "
    "none for callers who are no member.",
)
def dev(port: int | None, host: str | None, caller: str | None) -> None:
    """Start the gateway with a built-in sandbox.

    It needs no credentials and no other service.
    """
    credentials = SandboxCredentials.generate()
    given = {name: value for name, value in os.environ.items() if name.startswith(_READ_BY_DEV) and value}
    defaults = {name: value for name, value in _DEFAULTS_OF_DEV.items() if f"{name}_FILE" not in given}
    upstream = {**credentials.gateway_settings(), "KONAPLATE_BASE_URL": f"http://sandbox{BASE_PATH}"}
    environment = {**defaults, **given, **upstream}
    if environment.get("KONAGRAPH_ENV", "").strip() == "production":
        fail(["konagraph dev is not for KONAGRAPH_ENV=production: unset it, or use konagraph serve"])
    settings, warnings = read_settings(environment, konagraph_port=port, konagraph_host=host)
    if given.keys().isdisjoint({"KONAGRAPH_ADMIN_PORT", "KONAGRAPH_ADMIN_PORT_FILE"}):
        settings = settings.model_copy(update={"konagraph_admin_port": None})

    if settings.konagraph_auth == "none":
        caller = caller or str(OWNER)
    elif caller is not None:
        fail([f"--as: with KONAGRAPH_AUTH={settings.konagraph_auth} the credentials say who the caller is"])
    viewer = ANONYMOUS if caller in (None, _NOBODY) else developer(MemberId(caller))

    def introduce(url: str, admin: str | None, app: Starlette) -> None:
        _say_admin(admin)
        greet(url, settings, app.state.explorer, viewer.member_id)

    reserved = Reserved(fails, opens_breaker)
    sandbox = httpx.ASGITransport(create_sandbox(credentials))
    serve_gateway(
        settings,
        warnings,
        introduce,
        transport=sandbox,
        example_card=FIRST_CARD,
        reserved=reserved,
        caller=viewer,
        playground=build_playground(settings, viewer),
    )
    if settings.konagraph_log_format == "console":
        remark("konagraph has stopped.")


@click.command()
@listens
@click.option("--quiet", is_flag=True, help="Print only the log.")
def serve(*, port: int | None, host: str | None, quiet: bool) -> None:
    """Start the gateway for a real Konaplate.

    Configured by environment variables; `konagraph init DIR` writes a file that explains them.
    """
    overrides: dict[str, Any] = {"konagraph_port": port, "konagraph_host": host}

    def introduce(url: str, admin: str | None, _app: Starlette) -> None:
        if not quiet:
            _say_admin(admin)
            click.echo(f"konagraph answers on {url}")

    settings, warnings = read_settings(os.environ, **overrides)
    serve_gateway(settings, warnings, introduce, load=lambda: load_settings(os.environ, **overrides))


def _say_admin(url: str | None) -> None:
    if url is not None:
        click.echo(f"admin port: {url}")
