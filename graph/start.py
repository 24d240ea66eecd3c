"""Starts the gateway or the sandbox, or prints each reason why it cannot."""

from __future__ import annotations

import errno
import os
import signal
import sys
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import structlog

from graph import __version__
from graph.app import create_app
from graph.config.environment import load_settings, removed_variables, unknown_variables
from graph.config.settings import Settings, SettingsError
from graph.config.warnings import start_warnings
from graph.http.app import GRAPHQL_PATH
from graph.output.messages import CANNOT_START, fail, warn
from graph.sandbox.app import BASE_PATH
from graph.server.connection import ConnectionOptions
from graph.server.listen import ListenError, bind
from graph.server.server import Drain, Server
from graph.telemetry.line_stream import widen_pipe
from graph.telemetry.logs import LOGGER, configure_logging
from graph.wiring.checks import start_problems
from graph.wiring.reload import Reload
from graph.wiring.serving import gateway_server, rejection_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from starlette.applications import Starlette
    from starlette.types import ASGIApp


_START_FAULT: Final = 1
_FIRST_STEPS: Final = "`konagraph init DIR` writes settings files to fill in; `konagraph dev` needs none"
_PORT_CHOSEN_BY: Final = "--port or KONAGRAPH_PORT (`make dev PORT=8001`)"


def read_settings(
    environment: Mapping[str, str], *, heading: str = CANNOT_START, **overrides: Any
) -> tuple[Settings, list[str]]:
    """Read the settings and the warnings; exit if they are invalid, with the heading and each problem."""
    warn(unknown_variables(environment))
    try:
        settings = load_settings(environment, **overrides)
    except SettingsError as error:
        rest, problems = error.rest, error.problems
        if rest is not None:
            warn([*removed_variables(environment, rest), *start_warnings(rest, error.wrong)])
            problems = [*problems, *start_problems(rest, error.wrong)]
        if not any(name.startswith("KONAPLATE_") for name in environment):
            problems = [*problems, _FIRST_STEPS]
        fail(problems, heading)
    return settings, [*removed_variables(environment, settings), *start_warnings(settings)]


def serve_gateway(
    settings: Settings,
    warnings: list[str],
    introduce: Callable[[str, str | None, Starlette], None],
    *,
    load: Callable[[], Settings] | None = None,
    **parts: Any,
) -> None:
    """Serve the gateway until a signal arrives.

    Args:
        settings: see `graph.config.settings`.
        warnings: about the settings, for the log.
        introduce: called with the URL, the admin URL and the app once the gateway is listening.
        load: reloads the settings on SIGHUP; with None, the signal ends the gateway.
        parts: see `graph.app`.
    """
    app = _ready_app(settings, **parts)
    log = structlog.get_logger(LOGGER)
    for warning in warnings:
        log.warning(warning)
    # `konagraph dev`, which reloads nothing, prints the same in words on a console.
    tell = log.debug if load is None and settings.konagraph_log_format == "console" else log.info

    def on_ready(port: int) -> None:
        url = f"{_url(settings.konagraph_host, port)}{GRAPHQL_PATH}"
        admin = _url(settings.konagraph_admin_host, server.beside[0].port) if server.beside else None
        environment = settings.konagraph_env
        tell("gateway started", version=__version__, environment=environment, url=url, admin_url=admin)
        with _greeting():
            introduce(url, admin, app)

    with _exit_if_unavailable(_PORT_CHOSEN_BY):
        server = gateway_server(app, settings, on_ready)
        if load is not None:
            server.on_hangup = Reload(load, app.state.renewal, app.state.reopen_files).request
        _run(server)
    tell("gateway ended", reason=server.ended_by, cut_off=server.cut_off)


def serve_sandbox(app: ASGIApp, host: str, port: int, introduce: Callable[[str], None]) -> None:
    """Serve the sandbox until a signal arrives; `introduce` gets its base URL once it is listening."""

    def on_ready(bound: int) -> None:
        with _greeting():
            introduce(f"{_url(host, bound)}{BASE_PATH}")

    with _exit_if_unavailable("--port"):
        connections = ConnectionOptions(rejection_response)
        _run(Server(app, bind(host, port), connections, drain=Drain(timeout=1), on_ready=on_ready))


def shows_colors() -> bool:
    """Whether standard error is a terminal with colours that are not disabled (https://no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _ready_app(settings: Settings, **parts: Any) -> Starlette:
    """Create the gateway, after configuring the log."""
    widen_pipe(sys.stderr)
    configure_logging(
        settings.konagraph_log_level,
        as_json=settings.konagraph_log_format == "json",
        colors=shows_colors(),
        # Only the sandbox has a transport of its own, and its members are fictitious.
        audit_reads="transport" not in parts,
    )
    try:
        app = create_app(settings, **parts)
    except SettingsError as error:
        # The error names the first problem; there may be others.
        fail(start_problems(settings) or error.problems)
    return app


def _run(server: Server) -> None:
    # A closed terminal sends SIGHUP. Under nohup it is ignored, and must stay so.
    if server.on_hangup is None and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        server.on_hangup = partial(server.handle_exit, signal.SIGHUP, None)
    # uvicorn has logged why the application does not start, and exits with a status of its own.
    with suppress(SystemExit):
        server.run()
    if not server.started:
        sys.exit(_START_FAULT)


@contextmanager
def _greeting() -> Iterator[None]:
    """Print what greets a person; a server goes on without it if nobody can read it."""
    try:
        yield
        # A pipe is buffered, and somebody may be waiting for the address.
        sys.stdout.flush()
    except OSError:
        # Otherwise Python would try again to write it at exit, and end with a status of its own.
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())


@contextmanager
def _exit_if_unavailable(chosen_by: str) -> Iterator[None]:
    """Exit if an address is unavailable, and print what would help."""
    try:
        yield
    except ListenError as error:
        option = error.chosen_by or chosen_by
        hints = {
            errno.EADDRINUSE: f": another program uses it; choose another port with {option}",
            errno.EACCES: f": ports below 1024 are privileged; choose another port with {option}",
        }
        click.echo(f"konagraph cannot listen on {error}{hints.get(error.number or 0, '')}", err=True)
        sys.exit(_START_FAULT)


def _url(host: str, port: int) -> str:
    """Return the URL of a listening server; a wildcard address becomes the loopback address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
