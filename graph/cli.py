"""The command line: parsing and printing only."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import httpx
import structlog

from graph.app import create_app
from graph.documents import build_documents
from graph.greeting import card_table, fault_table, greet
from graph.http_settings import http_limits
from graph.konaplate.encryption import BadKeyError
from graph.leak_audit.command import leak_audit as run_leak_audit
from graph.protection import check_key_files
from graph.sandbox.app import BASE_PATH, create_sandbox
from graph.sandbox.credentials import SandboxCredentials
from graph.sandbox.ledger import FIRST_CARD
from graph.security.development import DevelopmentSigner, signer_settings
from graph.security.tokens import MAX_MEMBER_ID
from graph.security.viewer import EVERY_SCOPE
from graph.server import serve as run_server
from graph.settings import Settings, SettingsError, load_settings, unknown_variables
from graph.settings_rules import start_warnings
from graph.telemetry.logs import LOGGER, configure_logging
from graph.upstream import build_cipher, build_tls
from graph.web.routes import GRAPHQL_PATH
from schema.query import export_schema as print_schema

if TYPE_CHECKING:
    from collections.abc import Callable

_PORT = click.IntRange(0, 65_535)
_CONFIGURATION_FAULT = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="konagraph")
def main() -> None:
    """GraphQL aggregation layer over the Konaplate Open API."""


@main.command()
@click.option("--port", type=_PORT, help="Port to listen on (KONAGRAPH_PORT, else 8000).")
@click.option("--host", help="Address to listen on (KONAGRAPH_HOST, else 127.0.0.1).")
def dev(port: int | None, host: str | None) -> None:
    """Start the gateway with its own sandbox as the upstream: no credentials, no other service."""
    credentials = SandboxCredentials.generate()
    given = {name: value for name, value in os.environ.items() if name.startswith("KONAGRAPH_")}
    settings = _settings(
        {
            "KONAGRAPH_LOG_FORMAT": "console",
            **given,
            **credentials.gateway_settings(),
            "KONAPLATE_BASE_URL": f"http://sandbox{BASE_PATH}",
        },
        port,
        host,
    )
    sandbox = httpx.ASGITransport(create_sandbox(credentials))
    _serve(settings, greet, transport=sandbox, example_card=FIRST_CARD)


@main.command()
@click.option("--port", type=_PORT, help="Port to listen on (KONAGRAPH_PORT, else 8000).")
@click.option("--host", help="Address to listen on (KONAGRAPH_HOST, else 127.0.0.1).")
def serve(port: int | None, host: str | None) -> None:
    """Start the gateway with a real Konaplate as the upstream, as the environment says."""
    settings = _settings(dict(os.environ), port, host)
    _serve(settings, lambda url: click.echo(f"konagraph answers on {url}"))


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
    configure_logging("info", as_json=False)
    if directory is None:
        _fail(["--credentials names the folder for the sandbox's credentials, which the gateway needs, too"])
    credentials = _sandbox_credentials(directory)

    def introduce(bound: int) -> None:
        click.echo(f"The sandbox answers on http://{host}:{bound}{BASE_PATH}")
        click.echo("Settings of a gateway for it:")
        click.echo(f"  KONAPLATE_BASE_URL=http://{host}:{bound}{BASE_PATH}")
        for name in credentials.gateway_settings():
            click.echo(f"  {name}_FILE={directory.resolve() / name}")
        if plain:
            click.echo("  KONAPLATE_ENCRYPTION=off")
        sys.stdout.flush()

    try:
        app = create_sandbox(credentials, encrypted=not plain)
    except BadKeyError as error:
        _fail([f"--credentials: a key there {error}"])
    if not run_server(app, host=host, port=port, shutdown_timeout=1, on_ready=introduce):
        sys.exit(1)


@main.command("export-schema")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; otherwise it is printed."
)
def export_schema(output: Path | None) -> None:
    """Print the schema in the schema definition language."""
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
    type=click.IntRange(0, MAX_MEMBER_ID),
    help="The Konaplate user id of a member, who sees only own cards.",
)
@click.option("--scope", "scopes", multiple=True, type=click.Choice(sorted(EVERY_SCOPE)), help="May be repeated.")
@click.option("--lifetime", type=click.IntRange(1), default=3600, show_default=True, help="Seconds.")
def token(directory: Path, subject: str, member: int | None, scopes: tuple[str, ...], lifetime: int) -> None:
    """Print a token for trying out KONAGRAPH_AUTH=jwt; the settings that accept it go to standard error."""
    claims = {} if member is None else {"konaplate_user_id": str(member)}
    try:
        signer = DevelopmentSigner.in_directory(directory)
    except (OSError, ValueError):
        _fail([f"--directory: {directory} holds no usable signing key and none can be made there"])
    for name, value in signer_settings(directory).items():
        click.echo(f"{name}={value}", err=True)
    click.echo(signer.token(subject, scopes=scopes, lifetime=lifetime, claims=claims))


@main.command("leak-audit")
def leak_audit() -> None:
    """Send every failure and bad input through a gateway, and search answers and logs for leaks."""
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
    """Check settings, keys and certificates, and name every problem. Starts nothing."""
    settings = _settings(dict(os.environ), None, None)
    problems: list[str] = []
    for build in (build_cipher, build_tls, build_documents, check_key_files):
        try:
            build(settings)
        except SettingsError as error:
            problems += error.problems
    if problems:
        _fail(problems)
    for warning in start_warnings(settings):
        click.echo(f"warning: {warning}", err=True)
    click.echo("The settings are complete, and every key and certificate can be used.")


def _settings(environment: dict[str, str], port: int | None, host: str | None) -> Settings:
    overrides = {
        name: value for name, value in (("konagraph_port", port), ("konagraph_host", host)) if value is not None
    }
    for hint in unknown_variables(environment):
        click.echo(f"warning: {hint}", err=True)
    try:
        return load_settings(environment, **overrides)
    except SettingsError as error:
        _fail(error.problems)


def _fail(problems: list[str]) -> NoReturn:
    click.echo("konagraph cannot start:", err=True)
    for problem in problems:
        click.echo(f"  - {problem}", err=True)
    sys.exit(_CONFIGURATION_FAULT)


def _serve(
    settings: Settings,
    introduce: Callable[[str], None],
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    example_card: str | None = None,
) -> None:
    configure_logging(settings.konagraph_log_level, as_json=settings.konagraph_log_format == "json")
    try:
        app = create_app(settings, transport=transport, example_card=example_card)
    except SettingsError as error:
        _fail(error.problems)
    for warning in start_warnings(settings):
        structlog.stdlib.get_logger(LOGGER).warning(warning)

    def on_ready(bound: int) -> None:
        introduce(f"http://{_reachable(settings.konagraph_host)}:{bound}{GRAPHQL_PATH}")
        # Into a pipe, standard output is buffered, and whoever waits for the address would wait for ever.
        sys.stdout.flush()

    started = run_server(
        app,
        host=settings.konagraph_host,
        port=settings.konagraph_port,
        shutdown_timeout=settings.konagraph_shutdown_timeout,
        on_ready=on_ready,
        limits=http_limits(settings),
    )
    if not started:
        sys.exit(1)


def _reachable(host: str) -> str:
    """An address to connect to where the gateway listens: one that means every address is none."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def _sandbox_credentials(directory: Path) -> SandboxCredentials:
    try:
        if not directory.exists() or not any(directory.iterdir()):
            SandboxCredentials.generate().write(directory)
        return SandboxCredentials.read(directory)
    except OSError as error:
        _fail([f"--credentials: {error.strerror}: {error.filename}"])
    except UnicodeDecodeError:
        _fail(["--credentials: a file there is not text"])
