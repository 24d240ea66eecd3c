"""Starts what the command line asks for, and says in one line each why it cannot."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click
import structlog

from graph import __version__
from graph.app import create_app
from graph.config.environment import load_settings, unknown_variables
from graph.config.settings import Settings, SettingsError
from graph.config.warnings import start_warnings
from graph.http.routes import GRAPHQL_PATH
from graph.outbox import Outbox
from graph.server.listen import ListenError
from graph.server.server import run
from graph.telemetry.line_stream import widen_pipe
from graph.telemetry.logs import LOGGER, configure_logging
from graph.wiring.checks import start_problems
from graph.wiring.reload import Reload
from graph.wiring.serving import gateway_server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from graph.http.app import Gateway
    from graph.konaplate.isolation import Reserved
    from graph.server.shutdown import Server

_START_FAULT: Final = 1
_CONFIGURATION_FAULT: Final = 2
_PORT_CHOSEN_BY: Final = "--port or KONAGRAPH_PORT (`make dev PORT=8001`)"


def read_settings(environment: dict[str, str], **overrides: Any) -> Settings:
    """The settings; the process ends when they cannot be used."""
    given = {name: value for name, value in overrides.items() if value is not None}
    for hint in unknown_variables(environment):
        click.echo(f"warning: {hint}", err=True)
    try:
        return load_settings(environment, **given)
    except SettingsError as error:
        rest = error.rest
        for warning in start_warnings(rest, error.wrong) if rest else []:
            click.echo(f"warning: {warning}", err=True)
        fail([*error.problems, *(start_problems(rest, error.wrong) if rest else [])])


def check(settings: Settings) -> None:
    """Look at everything that may fail for its settings; the process ends when something does."""
    problems = start_problems(settings)
    if problems:
        fail(problems)


def fail(problems: list[str]) -> NoReturn:
    """End for settings that cannot be used."""
    click.echo("konagraph cannot start:", err=True)
    for problem in problems:
        click.echo(f"  - {problem}", err=True)
    sys.exit(_CONFIGURATION_FAULT)


def run_server(make: Callable[[], Server], chosen_by: str = _PORT_CHOSEN_BY) -> Server:
    """Run a server to its end and return it; the process ends with a failure when it never starts.

    Args:
        make: makes it.
        chosen_by: what chooses its port.
    """
    try:
        server = make()
        started = run(server)
    except ListenError as error:
        cannot_listen(error, chosen_by)
    if not started:
        sys.exit(_START_FAULT)
    return server


def cannot_listen(error: ListenError, chosen_by: str) -> NoReturn:
    """End for an address that cannot be had, and say what would help."""
    chosen_by = error.chosen_by or chosen_by
    hints = {
        errno.EADDRINUSE: f"another program has it; choose another port with {chosen_by}",
        errno.EACCES: f"ports below 1024 are for privileged programs; choose another with {chosen_by}",
    }
    hint = hints.get(error.number or 0)
    click.echo(f"konagraph cannot listen on {error}" + (f": {hint}" if hint else ""), err=True)
    sys.exit(_START_FAULT)


def serve_here(
    settings: Settings,
    introduce: Callable[[str, str | None, Gateway], None],
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    example_card: str | None = None,
    reserved: Reserved | None = None,
    reload: Callable[[], Settings] | None = None,
) -> None:
    """Serve in this process.

    Args:
        settings: see `graph.config.settings`.
        introduce: told the address, that of the admin port and the gateway once it answers.
        transport: see `graph.app`.
        example_card: see `graph.app`.
        reserved: see `graph.app`.
        reload: reads the settings again, on SIGHUP; None leaves that signal alone.
    """

    def make() -> Server:
        app = _app(settings, transport=transport, example_card=example_card, reserved=reserved)
        _warn(settings)

        def on_ready(port: int) -> None:
            _introduce(settings, lambda url, admin: introduce(url, admin, app), port, server.beside)

        server = gateway_server(app, settings, on_ready)
        if reload is not None:
            server.on_hangup = _hangup(app, reload)
        return server

    server = run_server(make)
    _log(settings, "gateway ended", reason=server.ended_by, cut_off=server.cut_off)


def _hangup(app: Gateway, load: Callable[[], Settings]) -> Callable[[], None]:
    """What SIGHUP does: files are opened anew whatever becomes of the settings."""
    reload = Reload(load, app.state.renewal)

    def hang_up() -> None:
        app.state.reopen_files()
        reload.request()

    return hang_up


def _app(settings: Settings, **parts: Any) -> Gateway:
    outbox = Outbox()
    # A transport of our own is the way to the sandbox, whose people are invented.
    _configure_logging(settings, outbox, invented=parts.get("transport") is not None)
    try:
        app = create_app(settings, outbox=outbox, **parts)
    except SettingsError as error:
        # It names what the first part lacks; others may lack something, too.
        fail(start_problems(settings) or error.problems)
    return app


def _configure_logging(settings: Settings, outbox: Outbox | None = None, *, invented: bool = False) -> None:
    widen_pipe(sys.stderr)
    configure_logging(
        settings.konagraph_log_level,
        as_json=settings.konagraph_log_format == "json",
        outbox=outbox,
        colors=shows_colors(environment()),
        audit_reads=not invented,
    )


def shows_colors(variables: Mapping[str, str]) -> bool:
    """Whether standard error goes to a terminal that shows colours, and nobody objects (https://no-color.org)."""
    return sys.stderr.isatty() and not variables.get("NO_COLOR") and variables.get("TERM") != "dumb"


def _warn(settings: Settings) -> None:
    for warning in start_warnings(settings):
        structlog.get_logger(LOGGER).warning(warning)


def _log(settings: Settings, event: str, **fields: object) -> None:
    """A line about the process. On a console the commands say it in words, so there it is for those who debug."""
    logger = structlog.get_logger(LOGGER)
    write = logger.info if settings.konagraph_log_format == "json" else logger.debug
    write(event, **fields)


def _introduce(
    settings: Settings, introduce: Callable[[str, str | None], None], port: int, beside: list[Server]
) -> None:
    url = f"http://{reachable(settings.konagraph_host)}:{port}{GRAPHQL_PATH}"
    admin = [f"http://{reachable(settings.konagraph_admin_host)}:{server.port}" for server in beside]
    _log(
        settings,
        "gateway started",
        version=__version__,
        environment=settings.konagraph_env,
        url=url,
        admin_url=next(iter(admin), None),
    )
    introduce(url, next(iter(admin), None))
    # Into a pipe, standard output is buffered, and whoever waits for the address would wait for ever.
    sys.stdout.flush()


def reachable(host: str) -> str:
    """An address to connect to where the gateway listens: one that means every address is none."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def environment() -> dict[str, str]:
    """The process's environment, as it is now."""
    return dict(os.environ)
