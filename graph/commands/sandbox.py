"""`konagraph sandbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from graph.commands.options import FOLDER, PORT
from graph.greeting import card_table, exports, fault_table, member_table, reserved_members, wallet_table
from graph.konaplate.pem import BadPemError
from graph.output.messages import fail
from graph.sandbox.app import create_sandbox
from graph.sandbox.credentials import SandboxCredentials
from graph.start import serve_sandbox, shows_colors
from graph.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from pathlib import Path


_KEY_PAIR: Final = ("KONAPLATE_CRYPTO_KEY_ID", "KONAPLATE_SERVER_PUBLIC_KEY", "KONAPLATE_CLIENT_PRIVATE_KEY")


@click.command()
@click.option(
    "--list",
    "list_cards",
    is_flag=True,
    help="List the cards and members, and those reserved for failures, and exit.",
)
@click.option("--port", type=PORT, default=9000, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--credentials",
    "directory",
    type=FOLDER,
    help="Folder of the credentials, created if missing. Each file is named after the gateway's variable.",
)
@click.option("--plain", is_flag=True, help="Disable encryption, for KONAPLATE_ENCRYPTION=off.")
def sandbox(*, list_cards: bool, port: int, host: str, directory: Path | None, plain: bool) -> None:
    """Start the Konaplate emulator alone."""
    if list_cards:
        for each in (card_table, member_table, wallet_table, fault_table):
            click.echo(each())
        click.echo(reserved_members())
        return
    configure_logging("info", as_json=False, colors=shows_colors())
    if directory is None:
        fail(["--credentials is required: the folder of the sandbox's credentials, which the gateway needs, too"])
    try:
        if not directory.exists() or not any(directory.iterdir()):
            SandboxCredentials.generate().write(directory)
        credentials = SandboxCredentials.read(directory)
        app = create_sandbox(credentials, encrypted=not plain)
    except OSError as error:
        fail([f"--credentials: {error.strerror}: {error.filename}"])
    except BadPemError as error:
        fail([f"--credentials: a key in the folder {error}"])
    names = [name for name in credentials.gateway_settings() if not (plain and name in _KEY_PAIR)]
    files = {f"{name}_FILE": str(directory.resolve() / name) for name in names}
    off = {"KONAPLATE_ENCRYPTION": "off"} if plain else {}

    def introduce(url: str) -> None:
        click.echo(f"The sandbox answers on {url}")
        click.echo("Settings of a gateway for this sandbox:")
        for line in exports({"KONAPLATE_BASE_URL": url, **files, **off}):
            click.echo(f"  {line}")

    serve_sandbox(app, host, port, introduce)
