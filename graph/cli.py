"""The command line: parsing and printing only."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import httpx

from graph import __version__
from graph.config.environment import load_settings
from graph.config.warnings import start_warnings
from graph.greeting import card_table, exports, fault_table, greet
from graph.konaplate.isolation import Reserved
from graph.konaplate.pem import BadPemError
from graph.leak_audit.command import leak_audit as run_leak_audit
from graph.sandbox.app import BASE_PATH, create_sandbox
from graph.sandbox.credentials import SandboxCredentials
from graph.sandbox.faults import FAULTS, MEMBER_FAULTS, OPEN_BREAKER
from graph.sandbox.ledger import FIRST_CARD
from graph.security.development import DevelopmentSigner, signer_settings
from graph.security.tokens import member_id_of
from graph.security.viewer import EVERY_SCOPE
from graph.server.server import make_server
from graph.server.shutdown import Drain
from graph.start import (
    check,
    environment,
    fail,
    reachable,
    read_settings,
    run_server,
    serve_here,
    shows_colors,
)
from graph.telemetry.logs import configure_logging
from schema.query import export_schema as print_schema
from schema.secrets import CardNo, MemberId

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.config.settings import Settings
    from graph.http.app import Gateway

_PORT = click.IntRange(0, 65_535)
# Not where Konaplate is and who calls it, which may be set for the real one.
_READ_BY_DEV = ("KONAGRAPH_", "KONAPLATE_TIMEOUT", "KONAPLATE_ATTEMPT", "KONAPLATE_RETR", "KONAPLATE_BREAKER_")
# For people: a log that they can read, and budgets that nobody exhausts by trying everything out.
_DEFAULTS_OF_DEV = {
    "KONAGRAPH_LOG_FORMAT": "console",
    "KONAGRAPH_REQUEST_RATE": "1000",
    "KONAGRAPH_REQUEST_BURST": "1000",
    "KONAGRAPH_COST_RATE": "10000",
    "KONAGRAPH_COST_BURST": "100000",
    "KONAGRAPH_CARDS_PER_MINUTE": "1000",
    "KONAGRAPH_CARDS_PER_HOUR": "10000",
}


def _member(_context: click.Context, _option: click.Parameter, member: str | None) -> str | None:
    if member is not None and member_id_of(member) is None:
        raise click.BadParameter("a Konaplate user id has 1 to 19 digits, and the first is no zero")
    return member


class _InOrderOfUse(click.Group):
    """Lists the commands as they are used, not by the alphabet."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return ["dev", "serve", "check-config", "sandbox", "token", "export-schema", "leak-audit"]


@click.group(cls=_InOrderOfUse, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="konagraph")
def main() -> None:
    """GraphQL aggregation layer over the Konaplate Open API."""


@main.command()
@click.option("--port", type=_PORT, help="Port to listen on (KONAGRAPH_PORT, else 8000).")
@click.option("--host", help="Address to listen on (KONAGRAPH_HOST, else 127.0.0.1).")
def dev(port: int | None, host: str | None) -> None:
    """Start the gateway with a sandbox in it.

    It needs no credentials and no other service.
    """
    credentials = SandboxCredentials.generate()
    given = {name: value for name, value in os.environ.items() if name.startswith(_READ_BY_DEV)}
    for name, value in _DEFAULTS_OF_DEV.items():
        if not given.get(f"{name}_FILE"):
            given[name] = given.get(name) or value
    settings = read_settings(
        {
            **given,
            **credentials.gateway_settings(),
            "KONAPLATE_BASE_URL": f"http://sandbox{BASE_PATH}",
        },
        konagraph_port=port,
        konagraph_host=host,
    )
    if not any(given.get(name) for name in ("KONAGRAPH_ADMIN_PORT", "KONAGRAPH_ADMIN_PORT_FILE")):
        settings = settings.model_copy(update={"konagraph_admin_port": None})
    sandbox = httpx.ASGITransport(create_sandbox(credentials))

    def introduce(url: str, admin: str | None, app: Gateway) -> None:
        _say_admin(admin)
        greet(url, settings, app.state.explorer)

    reserved = Reserved(
        {
            "card_info": [CardNo(number) for number in FAULTS],
            "user_info": [MemberId(str(user_id)) for user_id in MEMBER_FAULTS],
        },
        {"card_info": [CardNo(OPEN_BREAKER)]},
    )
    serve_here(settings, introduce, transport=sandbox, example_card=FIRST_CARD, reserved=reserved)
    if settings.konagraph_log_format == "console":
        click.echo("konagraph has ended.", err=True)


@main.command()
@click.option("--port", type=_PORT, help="Port to listen on (KONAGRAPH_PORT, else 8000).")
@click.option("--host", help="Address to listen on (KONAGRAPH_HOST, else 127.0.0.1).")
@click.option("--quiet", is_flag=True, help="Print nothing but the log.")
def serve(*, port: int | None, host: str | None, quiet: bool) -> None:
    """Start the gateway before a real Konaplate.

    The environment says which, and everything else: see docs/configuration.md.
    """
    overrides = {"konagraph_port": port, "konagraph_host": host}
    settings = read_settings(environment(), **overrides)

    def introduce(url: str, admin: str | None, _app: Gateway) -> None:
        if not quiet:
            _say_admin(admin)
            click.echo(f"konagraph answers on {url}")

    serve_here(settings, introduce, reload=_again(overrides))


@main.command()
@click.option("--list", "list_cards", is_flag=True, help="List the cards and the reserved failures, and exit.")
@click.option("--port", type=_PORT, default=9000, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--credentials",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the credentials; made when it is missing. Each file is named like the gateway's variable.",
)
@click.option("--plain", is_flag=True, help="Without encryption, for KONAPLATE_ENCRYPTION=off.")
def sandbox(*, list_cards: bool, port: int, host: str, directory: Path | None, plain: bool) -> None:
    """Start the Konaplate emulator alone."""
    if list_cards:
        click.echo(card_table())
        click.echo(fault_table())
        return
    configure_logging("info", as_json=False, colors=shows_colors(os.environ))
    if directory is None:
        fail(["--credentials names the folder for the sandbox's credentials, which the gateway needs, too"])
    credentials = _sandbox_credentials(directory)

    def introduce(bound: int) -> None:
        url = f"http://{reachable(host)}:{bound}{BASE_PATH}"
        files = {f"{name}_FILE": str(directory.resolve() / name) for name in credentials.gateway_settings()}
        settings = {"KONAPLATE_BASE_URL": url, **files, **({"KONAPLATE_ENCRYPTION": "off"} if plain else {})}
        click.echo(f"The sandbox answers on {url}")
        click.echo("Settings of a gateway for it:")
        for line in exports(settings):
            click.echo(f"  {line}")
        sys.stdout.flush()

    try:
        app = create_sandbox(credentials, encrypted=not plain)
    except BadPemError as error:
        fail([f"--credentials: a key there {error}"])
    run_server(
        lambda: make_server(app, host=host, port=port, drain=Drain(timeout=1), on_ready=introduce), "--port"
    )


@main.command("export-schema")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; otherwise it is printed."
)
def export_schema(output: Path | None) -> None:
    """Print the GraphQL schema."""
    sdl = print_schema()
    if output is None:
        click.echo(sdl, nl=False)
        return
    try:
        output.write_text(sdl, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from None


@main.command()
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".konagraph"),
    show_default=True,
    help="Folder of the signing key and its key set; made when it is missing.",
)
@click.option("--subject", default="developer", show_default=True, help="Who the token is for.")
@click.option(
    "--member",
    callback=_member,
    metavar="DIGITS",
    help="The Konaplate user id of a member, who sees only own cards.",
)
@click.option("--scope", "scopes", multiple=True, type=click.Choice(sorted(EVERY_SCOPE)), help="May be repeated.")
@click.option("--lifetime", type=click.IntRange(1), default=3600, show_default=True, help="Seconds.")
def token(directory: Path, subject: str, member: str | None, scopes: tuple[str, ...], lifetime: int) -> None:
    """Print a token for trying KONAGRAPH_AUTH=jwt.

    The settings that accept it go to standard error.
    """
    claims = {} if member is None else {"konaplate_user_id": member}
    try:
        signer = DevelopmentSigner.in_directory(directory)
    except (OSError, ValueError):
        fail([f"--directory: {directory} holds no usable signing key and none can be made there"])
    for line in exports(signer_settings(directory)):
        click.echo(line, err=True)
    click.echo(signer.token(subject, scopes=scopes, lifetime=lifetime, claims=claims))


@main.command("leak-audit")
def leak_audit() -> None:
    """Search answers and logs for leaks.

    Every failure and bad input is sent through a gateway.
    """
    leaks = 0
    for viewer, outcome in asyncio.run(run_leak_audit()).items():
        click.echo(
            f"{viewer}: {outcome.cases} requests, {outcome.log_lines} log lines, {len(outcome.leaks)} leaks"
        )
        for leak in outcome.leaks:
            click.echo(f"  {leak}")
        leaks += len(outcome.leaks)
    if leaks:
        sys.exit(1)


@main.command("check-config")
def check_config() -> None:
    """Check settings, keys and certificates.

    Names every problem, and starts nothing.
    """
    settings = read_settings(environment())
    warnings = start_warnings(settings)
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    check(settings)
    complete = "The settings are complete, and every key and certificate can be used"
    click.echo(f"{complete}; see the warnings." if warnings else f"{complete}.")


def _say_admin(url: str | None) -> None:
    if url is not None:
        click.echo(f"admin port: {url}")


def _again(overrides: dict[str, Any]) -> Callable[[], Settings]:
    """Reads the settings again, with what the command line says."""
    given = {name: value for name, value in overrides.items() if value is not None}
    return lambda: load_settings(environment(), **given)


def _sandbox_credentials(directory: Path) -> SandboxCredentials:
    try:
        if not directory.exists() or not any(directory.iterdir()):
            SandboxCredentials.generate().write(directory)
        return SandboxCredentials.read(directory)
    except OSError as error:
        fail([f"--credentials: {error.strerror}: {error.filename}"])
