"""uvicorn, set up for this gateway: no access log, no `Server` header, and a clean exit on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import threading
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, Unpack

import uvicorn

from graph.web.limits import HttpLimits
from graph.web.protocol import hardened_protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Server(uvicorn.Server):
    """Ends normally on a signal; in a thread other than the main one, where none arrives, by its `should_exit`.

    uvicorn raises the signal again once it is done, so that the process ends with -15; supervisors take that for a
    failure.
    """

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[int], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT; a SIGINT after that does not wait for open connections."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets=sockets)
        if self.started:
            # What was made up to here lives as long as the process: collections need not walk it again and again.
            gc.collect()
            gc.freeze()
            self._on_ready(self.servers[0].sockets[0].getsockname()[1])


class Options(TypedDict):
    """How to serve an app."""

    host: str
    port: int
    """0 for any that is free."""
    shutdown_timeout: float
    """Seconds that open requests get to finish."""
    on_ready: Callable[[int], None]
    """Called with the port once connections are accepted."""
    limits: NotRequired[HttpLimits]
    """Bounds of each connection."""


def serve(app: Any, **options: Unpack[Options]) -> bool:
    """Serve an ASGI app until a signal comes, then answer what is open and return.

    Returns:
        Whether the server ever started; it says in its log why it did not.
    """
    server = make_server(app, **options)
    # uvicorn leaves with an exit status of its own when it cannot listen.
    with contextlib.suppress(SystemExit):
        server.run()
    return server.started


def make_server(app: Any, **options: Unpack[Options]) -> Server:
    """A server that is ready to run."""
    config = uvicorn.Config(
        app,
        host=options["host"],
        port=options["port"],
        http=hardened_protocol(options.get("limits", HttpLimits())),
        # Without an answer in their own words, callers of a dead path would see uvicorn's.
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=max(1, round(options["shutdown_timeout"])),
    )
    return Server(config, options["on_ready"])
