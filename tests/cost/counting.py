"""How many functions a request calls: the same number on every machine, however busy it is.

Counted is what the interpreter tells a profiler: each entry into a function of Python, the further steps of
coroutines and generators included, and each call of a function of C from Python. Libraries count as well, because
whoever goes through them pays for them. The stand-in network does not, nor does the inside of the event loop, for
which there is another one in production; what it is given to do is counted by itself.
"""

from __future__ import annotations

import asyncio
import gc
import os
import selectors
import sys
from asyncio import base_events, events, selector_events
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
from uvicorn.server import ServerState

import graph
import schema
from graph.app import create_app
from graph.server.connection import ConnectionOptions
from graph.server.protocol import HardenedProtocol
from graph.server.server import Server
from graph.wiring.serving import rejection_response
from tests.cost.memory_network import Client, MemoryLoop
from tests.support import sandbox_settings
from tests.telemetry.capture import logs_to

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from types import FrameType

    from tests.cost.operations import Operation

WARM_UP: Final = 30
REQUESTS: Final = 20
_LOOP: Final = tuple(str(module.__file__) for module in (base_events, events, selector_events, selectors))
_OWN: Final = tuple(f"{Path(module.__path__[0])}{os.sep}" for module in (graph, schema))
_NOT_COUNTED: Final = frozenset({__file__, str(Path(__file__).with_name("memory_network.py")), *_LOOP})
# Turns of the event loop after an answer, in which what it has left to do is done.
_LAST_TURNS: Final = 5


class Cost(NamedTuple):
    """Calls for each request, on average."""

    python: float
    """Of functions written in Python."""
    c: float
    """Of functions written in C, by those."""
    scheduled: float
    """Of callbacks by the event loop: the steps of tasks, what waits for futures, timers."""
    own: float
    """Of functions of this project, among those written in Python."""
    files: int
    """The files of this project that a request passes."""


class _Turn:
    """Awaited, it lets the event loop do everything else that it has to do."""

    def __await__(self) -> Generator[None]:
        yield


class CallCount:
    """Counts calls in the thread that starts it."""

    def __init__(self) -> None:
        self.python = 0
        self.c = 0
        self.own: Counter[str] = Counter()
        """Calls by the file of this project that they are in."""

    def start(self) -> None:
        """Begin to count."""
        sys.setprofile(self._count)

    def stop(self) -> None:
        """Count no more."""
        sys.setprofile(None)

    def _count(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            name = frame.f_code.co_filename
            if name not in _NOT_COUNTED:
                self.python += 1
                if name.startswith(_OWN):
                    self.own[name] += 1
        elif event == "c_call" and frame.f_code.co_filename not in _NOT_COUNTED:
            self.c += 1


def cost_of(operation: Operation, settings: Mapping[str, object]) -> Cost:
    """What one request costs once everything that is kept for the next ones is there."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, logs_to(nowhere, "info"):
        loop = MemoryLoop()
        try:
            return loop.run_until_complete(_measured(loop, operation, settings))
        finally:
            loop.close()


async def _measured(loop: MemoryLoop, operation: Operation, settings: Mapping[str, object]) -> Cost:
    app = create_app(sandbox_settings(**settings))
    connections = ConnectionOptions(rejection_response)
    config = Server(app, [], connections, lifespan=False).config
    config.load()
    async with app.router.lifespan_context(app):
        client = Client(loop, HardenedProtocol(config, ServerState(), {}, connections))
        requests = [_request(operation, number) for number in range(WARM_UP + REQUESTS)]
        for request in requests[:WARM_UP]:
            _check(operation, await client.ask(request))
        count, calls, scheduled = CallCount(), loop.calls, loop.scheduled
        await _counted(client, requests[WARM_UP:], count, lambda body: _check(operation, body))
        assert operation.upstream_calls * REQUESTS == loop.calls - calls
        scheduled = loop.scheduled - scheduled - _LAST_TURNS * REQUESTS
        client.close()
        # For the connection to be told.
        await asyncio.sleep(0)
    own = count.own.total() / REQUESTS
    return Cost(count.python / REQUESTS, count.c / REQUESTS, scheduled / REQUESTS, own, len(count.own))


async def _counted(
    client: Client, requests: list[bytes], count: CallCount, check: Callable[[bytes], None]
) -> None:
    # A collection would call whatever the tests before this one have left behind.
    gc.collect()
    gc.disable()
    try:
        for request in requests:
            count.start()
            body = await client.ask(request)
            # What is left to do once the answer is out belongs to the request, too.
            for _ in range(_LAST_TURNS):
                await _Turn()
            count.stop()
            check(body)
    finally:
        count.stop()
        gc.enable()


def _request(operation: Operation, number: int) -> bytes:
    body = orjson.dumps({"query": operation.document, "variables": operation.variables(number)})
    fields = [
        b"POST /graphql HTTP/1.1",
        b"Host: localhost",
        b"User-Agent: a client of a test",
        b"Accept: application/graphql-response+json",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
    ]
    fields += [f"{name}: {value}".encode("ascii") for name, value in operation.headers.items()]
    return b"\r\n".join([*fields, b"", body])


def _check(operation: Operation, body: bytes) -> None:
    """Make sure that an answer is one: an error would be cheap."""
    answer = orjson.loads(body)
    assert "errors" not in answer, answer
    assert operation.answered == answer["data"]
