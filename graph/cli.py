"""The command line: its options, and what its commands print."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import httpx
from click.shell_completion import get_completion_class

from graph import __version__
from graph.audit_review.commands import audit
from graph.config.environment import load_settings
from graph.config.starter import write_starter
from graph.doctor.commands import doctor
from graph.error_export import FORMATS, export
from graph.graphql.bindings import executable_schema
from graph.greeting import card_table, exports, fault_table, greet, member_table, wallet_table
from graph.konaplate.isolation import Reserved
from graph.konaplate.pem import BadPemError
from graph.playground import OWNER, build_playground
from graph.probe.commands import probe
from graph.sandbox.app import BASE_PATH, create_sandbox
from graph.sandbox.credentials import SandboxCredentials
from graph.sandbox.data import fails, opens_breaker
from graph.sandbox.failures import FAILURES
from graph.sandbox.ledger import FIRST_CARD, MEMBERS
from graph.schema_check.command import check_schema as run_check_schema
from graph.schema_check.report import FORMATS as REPORTS
from graph.schema_check.stored import UnusableInputError
from graph.schema_check.usage import unused_of
from graph.security.authorization import ANONYMOUS, EVERY_SCOPE, developer
from graph.security.development import DevelopmentSigner, signer_settings
from graph.security.tokens import member_id_of
from graph.start import fail, read_settings, serve_gateway, serve_sandbox, shows_colors, warn
from graph.telemetry.logs import configure_logging
from graph.telemetry.usage_lines import FORMATS as USAGE_FORMATS
from graph.telemetry.usage_lines import read_lines
from graph.version import version_text
from graph.wiring.checks import start_problems
from schema.directives import for_apollo_kotlin
from schema.federation import subgraph_sdl
from schema.query import export_schema as print_schema
from schema.secrets import MemberId

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TextIO

    from starlette.applications import Starlette

_PROGRAM: Final = "konagraph"
_NOBODY: Final = "none"
_PORT: Final = click.IntRange(0, 65_535)
_FOLDER: Final = click.Path(file_okay=False, path_type=Path)
# Not its address and credentials, which may be those of the real Konaplate.
# The last three are removed settings, which are named at start.
_READ_BY_DEV: Final = (
    "KONAGRAPH_",
    "KONAPLATE_TIMEOUT",
    "KONAPLATE_ATTEMPT",
    "KONAPLATE_RETR",
    "KONAPLATE_BREAKER_",
)
_DIALECTS: Final[dict[str, Callable[[], str]]] = {
    "apollo-kotlin": lambda: for_apollo_kotlin(print_schema()),
    "federation": subgraph_sdl,
}
# A readable log, and budgets that nobody exhausts by hand.
_DEFAULTS_OF_DEV: Final = {
    "KONAGRAPH_LOG_FORMAT": "console",
    "KONAGRAPH_REQUEST_RATE": "1000",
    "KONAGRAPH_REQUEST_BURST": "1000",
    "KONAGRAPH_COST_BURST": "200000",
    "KONAGRAPH_CARDS_PER_MINUTE": "1000",
}


def _member(_context: click.Context, _option: click.Parameter, member: str | None) -> str | None:
    if member is not None and member_id_of(member) is None:
        raise click.BadParameter("a Konaplate user id has 1 to 19 digits and no leading zero")
    return member


def _member_of_sandbox(_context: click.Context, _option: click.Parameter, member: str | None) -> str | None:
    if member in (None, _NOBODY) or member in map(str, (*MEMBERS, *FAILURES)):
        return member
    known = ", ".join(map(str, MEMBERS))
    raise click.BadParameter(
        f"the sandbox has no such member; there are {known}, the reserved ones of docs/konaplate.md, and {_NOBODY}"
    )


class _InOrderOfUse(click.Group):
    """Lists the commands in the order of this file."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(self.commands)


def _listens(command: Callable[..., None]) -> Callable[..., None]:
    port = click.option("--port", type=_PORT, help="Port to listen on (KONAGRAPH_PORT, else 8000).")
    host = click.option("--host", help="Address to listen on (KONAGRAPH_HOST, else 127.0.0.1).")
    return port(host(command))


@click.group(cls=_InOrderOfUse, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name=_PROGRAM)
def main() -> None:
    """GraphQL aggregation layer over the Konaplate Open API."""


@main.command()
@_listens
@click.option(
    "--as",
    "caller",
    callback=_member_of_sandbox,
    metavar="MEMBER",
    help=f"User id of the sandbox's member that every caller is, with every scope ({OWNER}); "
    "none for a caller who is no member.",
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
        click.echo("konagraph has stopped.", err=True)


@main.command()
@_listens
@click.option("--quiet", is_flag=True, help="Print only the log.")
def serve(*, port: int | None, host: str | None, quiet: bool) -> None:
    """Start the gateway for a real Konaplate.

    It is configured by environment variables, see docs/configuration.md.
    """
    overrides: dict[str, Any] = {"konagraph_port": port, "konagraph_host": host}

    def introduce(url: str, admin: str | None, _app: Starlette) -> None:
        if not quiet:
            _say_admin(admin)
            click.echo(f"konagraph answers on {url}")

    settings, warnings = read_settings(os.environ, **overrides)
    serve_gateway(settings, warnings, introduce, load=lambda: load_settings(os.environ, **overrides))


@main.command()
@click.argument("directory", metavar="DIR", type=_FOLDER)
def init(directory: Path) -> None:
    """Write the settings files of a new installation.

    All settings with their explanations, fresh keys, and what the compose files need to use them. Files that are
    there already stay as they are.
    """
    try:
        written, kept = write_starter(directory)
    except OSError as error:
        raise click.FileError(str(error.filename), error.strerror) from None
    for file in kept:
        click.echo(f"kept: {file}")
    for file in written:
        click.echo(f"written: {file}")
    click.echo(
        f"Next: fill in {directory / 'konagraph.env'} and the empty files in {directory / 'gateway'}; "
        "docs/operations.md says how to start."
    )


@main.command("check-config")
def check_config() -> None:
    """Check settings, keys and certificates.

    Reports every problem, and starts nothing.
    """
    heading = "With these settings konagraph cannot start:"
    settings, warnings = read_settings(os.environ, heading=heading)
    warn(warnings)
    problems = start_problems(settings)
    if problems:
        fail(problems, heading)
    complete = "The settings are complete, and every key and certificate can be used"
    click.echo(f"{complete}; see the warnings." if warnings else f"{complete}.")


@main.command()
@click.option("--list", "list_cards", is_flag=True, help="List the cards and the reserved failures, and exit.")
@click.option("--port", type=_PORT, default=9000, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--credentials",
    "directory",
    type=_FOLDER,
    help="Folder of the credentials, created if missing. Each file has the name of the gateway's variable.",
)
@click.option("--plain", is_flag=True, help="Disable encryption, for KONAPLATE_ENCRYPTION=off.")
def sandbox(*, list_cards: bool, port: int, host: str, directory: Path | None, plain: bool) -> None:
    """Start the Konaplate emulator alone."""
    if list_cards:
        for each in (card_table, member_table, wallet_table, fault_table):
            click.echo(each())
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
    files = {f"{name}_FILE": str(directory.resolve() / name) for name in credentials.gateway_settings()}
    off = {"KONAPLATE_ENCRYPTION": "off"} if plain else {}

    def introduce(url: str) -> None:
        click.echo(f"The sandbox answers on {url}")
        click.echo("Settings of a gateway for this sandbox:")
        for line in exports({"KONAPLATE_BASE_URL": url, **files, **off}):
            click.echo(f"  {line}")

    serve_sandbox(app, host, port, introduce)


@main.command()
@click.option(
    "--directory",
    type=_FOLDER,
    default=Path(".konagraph"),
    show_default=True,
    help="Folder of the signing key and its key set, created if missing.",
)
@click.option("--subject", default="developer", show_default=True, help="Subject of the token.")
@click.option(
    "--member",
    callback=_member,
    metavar="DIGITS",
    help="Konaplate user id of a member, who sees only their own cards.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(sorted(EVERY_SCOPE)),
    help="Scope to grant; may be repeated.",
)
@click.option("--lifetime", type=click.IntRange(1), default=3600, show_default=True, help="Lifetime in seconds.")
def token(directory: Path, subject: str, member: str | None, scopes: tuple[str, ...], lifetime: int) -> None:
    """Print a development token for KONAGRAPH_AUTH=jwt.

    The settings that accept it are printed to standard error.
    """
    claims = {} if member is None else {"konaplate_user_id": member}
    try:
        signer = DevelopmentSigner.in_directory(directory)
    except (OSError, ValueError):
        fail([f"--directory: {directory} has no usable signing key, and none can be created there"])
    for line in exports(signer_settings(directory)):
        click.echo(line, err=True)
    click.echo(signer.token(subject, scopes=scopes, lifetime=lifetime, claims=claims))


@main.command("export-schema")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write instead of standard output."
)
@click.option(
    "--for",
    "dialect",
    type=click.Choice(list(_DIALECTS)),
    help="The tool that reads it: Apollo Kotlin's compiler, or the composition of Apollo Federation.",
)
def export_schema(output: Path | None, dialect: str | None) -> None:
    """Print the GraphQL schema.

    Fails if the schema does not fit the endpoints and their records.
    """
    # Checks every field; raises what `konagraph.main` prints as one line.
    executable_schema()
    sdl = print_schema() if dialect is None else _DIALECTS[dialect]()
    if output is None:
        click.echo(sdl, nl=False)
        return
    try:
        output.write_text(sdl, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from None


@main.command("check-schema")
@click.option(
    "--against",
    required=True,
    metavar="SDL|REF",
    help="The older schema: a file, or a Git ref such as v1.2.0, whose schema/schema.graphql is read.",
)
@click.option(
    "--documents",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A client's manifest, or a folder of them; may be repeated.",
)
@click.option(
    "--usage",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What konagraph usage --format json has written.",
)
@click.option(
    "--changelog",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The schema's changelog. What its newest section names in backticks may break clients.",
)
@click.option(
    "--format", "form", type=click.Choice(list(REPORTS)), default="text", show_default=True, help="What to print."
)
def check_schema(
    against: str, documents: tuple[Path, ...], usage: Path | None, changelog: Path | None, form: str
) -> None:
    """Compare the schema with an older one.

    Names the stored documents and clients that each change affects. Fails if a change is breaking.
    """
    try:
        report, is_good = run_check_schema(
            print_schema(), against=against, documents=documents, usage=usage, changelog=changelog, form=form
        )
    except UnusableInputError as error:
        fail(error.problems, "The schemas cannot be compared:")
    click.echo(report, nl=False)
    if not is_good:
        sys.exit(1)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.File("r", encoding="utf-8", errors="replace"))
@click.option("--client", "clients", multiple=True, help="Only this client; may be repeated.")
@click.option("--unused", is_flag=True, help="List what no client has used instead.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(USAGE_FORMATS)),
    default="table",
    show_default=True,
    help="What to print; json is for check-schema --usage.",
)
def usage(files: tuple[TextIO, ...], clients: tuple[str, ...], *, unused: bool, form: str) -> None:
    """Say which client used which field.

    Reads the FILES of the process's log of any number of gateways, or - for standard input.
    """
    used, unreadable = read_lines(line for file in files for line in file)
    if unreadable:
        warn([f"{unreadable} lines of usage cannot be read"])
    chosen = [one for one in used if not clients or one.client in clients]
    if unused:
        click.echo("".join(f"{name}\n" for name in unused_of(print_schema(), chosen)), nl=False)
    else:
        click.echo(USAGE_FORMATS[form](chosen), nl=False)


@main.command("export-errors")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="json", show_default=True, help="What to print."
)
def export_errors(form: str) -> None:
    """Print the catalogue of error codes for apps."""
    click.echo(export(form), nl=False)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def version(*, as_json: bool) -> None:
    """Print what runs here.

    The version, the commit, the digest of the lock, and which settings are given, without their values.
    """
    click.echo(version_text(os.environ, as_json=as_json))


main.add_command(audit)
main.add_command(probe)
main.add_command(doctor)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion of commands and options for a shell.

    Load it where the shell starts, for example with: source <(konagraph completion bash).
    """
    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(main, {}, _PROGRAM, f"_{_PROGRAM.upper()}_COMPLETE").source())


@main.command("leak-audit")
def leak_audit() -> None:
    """Search answers and logs for leaks.

    Sends every kind of failure and bad input through a gateway.
    """
    # Imports OpenTelemetry, which would slow every other command's start.
    from graph.leak_audit.run import leak_audit as run_leak_audit  # noqa: PLC0415

    outcomes = asyncio.run(run_leak_audit())
    for viewer, outcome in outcomes.items():
        click.echo(
            f"{viewer}: {outcome.cases} requests, {outcome.log_lines} log lines, {len(outcome.leaks)} leaks"
        )
        for leak in outcome.leaks:
            click.echo(f"  {leak}")
    if any(outcome.leaks for outcome in outcomes.values()):
        sys.exit(1)


def _say_admin(url: str | None) -> None:
    if url is not None:
        click.echo(f"admin port: {url}")
