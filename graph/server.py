"""uvicorn, set up for this gateway: no access log, no `Server` header, and a clean exit on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Server(uvicorn.Server):
    """Ends normally on a signal.

    uvicorn raises the signal again once it is done, so that the process ends with -15; supervisors take that for a
    failure.
    """

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[int], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT; a second one does not wait for open connections."""
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
            self._on_ready(self.servers[0].sockets[0].getsockname()[1])


def serve(app: Any, *, host: str, port: int, shutdown_timeout: float, on_ready: Callable[[int], None]) -> bool:
    """Serve until a signal comes, then answer what is open and return.

    Args:
        app: the ASGI app.
        host: address to listen on.
        port: port to listen on; 0 for any that is free.
        shutdown_timeout: seconds that open requests get to finish.
        on_ready: called with the port once connections are accepted.

    Returns:
        Whether the server ever started; it says in its log why it did not.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        # Without an answer in their own words, callers of a dead path would see uvicorn's.
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=max(1, round(shutdown_timeout)),
    )
    server = _Server(config, on_ready)
    # uvicorn leaves with an exit status of its own when it cannot listen.
    with contextlib.suppress(SystemExit):
        server.run()
    return server.started
