"""Several processes that share one port, and the one that looks after them.

Each worker listens with a socket of its own (`SO_REUSEPORT`), among which the system shares connections out. With
one socket for all, whoever wakes first takes every connection of a burst.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
import structlog

from graph.http.health import AdminApp
from graph.server.worker_channel import METRICS, STATE, Channel, WorkerGoneError
from graph.server.worker_metrics import merge
from graph.telemetry.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0
# A worker that lived that long did not end for what its predecessor ended for.
_STEADY_SECONDS: Final = 60.0
# Beyond what a worker grants its connections, for it to close everything else.
_GRACE_SECONDS: Final = 10.0
_TEXT_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class _Worker:
    process: asyncio.subprocess.Process
    channel: Channel
    serves: bool = False
    """Whether it has got to its work. Before, SIGHUP would end it."""
    hung_up: bool = False
    """Whether it is to be told of a SIGHUP once it has."""


class Supervisor:
    """Starts workers, starts them again when they end, and ends them.

    Args:
        command: starts a worker; `--channel` and the number of a file descriptor are added.
        count: how many.
        patience: seconds that a worker has to end by itself.
        on_ready: called once, when every worker accepts connections.
    """

    def __init__(
        self, command: Sequence[str], count: int, *, patience: float, on_ready: Callable[[], None]
    ) -> None:
        self._command = command
        self._count = count
        self._patience = patience + _GRACE_SECONDS
        self._on_ready = on_ready
        self._workers: dict[int, _Worker] = {}
        self._serving: set[int] = set()
        self._ending = asyncio.Event()
        self._failed = False
        self._log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(LOGGER)

    async def run(self) -> bool:
        """Run until a signal comes; whether every worker has ever started."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, number)
        loop.add_signal_handler(signal.SIGHUP, self._send, signal.SIGHUP)
        try:
            await asyncio.gather(*(self._keep(index) for index in range(self._count)))
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)
        return not self._failed

    def admin_app(self) -> AdminApp:
        """The admin port of all workers together."""
        return AdminApp(self._readiness, self._metrics)

    async def _keep(self, index: int) -> None:
        pause = _FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while not self._ending.is_set():
            started = loop.time()
            status = await self._run_one(index)
            if self._ending.is_set():
                return
            if len(self._serving) < self._count:
                # One that never got to its work would not do so the next time. It has said why itself.
                self._failed = True
                self._end(signal.SIGTERM)
                return
            if loop.time() - started > _STEADY_SECONDS:
                pause = _FIRST_PAUSE
            self._log.error("a worker ended", worker=index, status=status, restart_in_seconds=pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _run_one(self, index: int) -> int:
        """Start a worker and wait for its end."""
        own, others = socket.socketpair()
        with others:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                "--channel",
                str(others.fileno()),
                pass_fds=[others.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                # A signal from the keyboard goes to this process alone, which passes it on.
                start_new_session=True,
            )
        worker = self._workers[index] = _Worker(process, Channel(own))
        if self._ending.is_set():
            process.terminate()
        announcing = asyncio.ensure_future(self._announce(index, worker))
        try:
            return await self._ended(process)
        finally:
            del self._workers[index]
            await worker.channel.aclose()
            await asyncio.gather(announcing, return_exceptions=True)

    async def _ended(self, process: asyncio.subprocess.Process) -> int:
        """Wait for the end of a process, and help when it takes too long."""
        waiting = asyncio.ensure_future(process.wait())
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait([waiting, ending], return_when=asyncio.FIRST_COMPLETED)
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(asyncio.shield(waiting), self._patience)
            process.kill()
            return await waiting
        finally:
            ending.cancel()

    async def _announce(self, index: int, worker: _Worker) -> None:
        """Tell when the last of the workers accepts connections for the first time."""
        with contextlib.suppress(WorkerGoneError):
            await worker.channel.ask(STATE, seconds=None)
            worker.serves = True
            if worker.hung_up:
                # It may have read its settings before they were changed.
                self._signal(worker, signal.SIGHUP)
            known = len(self._serving)
            self._serving.add(index)
            if known < len(self._serving) == self._count:
                self._on_ready()

    def _end(self, number: signal.Signals) -> None:
        self._ending.set()
        self._send(number)

    def _send(self, number: signal.Signals) -> None:
        for worker in self._workers.values():
            if number == signal.SIGHUP and not worker.serves:
                worker.hung_up = True
            else:
                self._signal(worker, number)

    @staticmethod
    def _signal(worker: _Worker, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            worker.process.send_signal(number)

    async def _readiness(self) -> tuple[bool, dict[str, object]]:
        """Ready while any worker is: the others' share of connections comes back to it."""
        states = dict(await self._ask_all(STATE))
        reports = {str(index): orjson.loads(said) if said else None for index, said in states.items()}
        ready = not self._ending.is_set() and any(report and report["ready"] for report in reports.values())
        state = "draining" if self._ending.is_set() else "started" if any(reports.values()) else "starting"
        return ready, {"ready": ready, "state": state, "workers": reports}

    async def _metrics(self) -> tuple[str, bytes] | None:
        texts = {str(index): said.decode() for index, said in await self._ask_all(METRICS) if said}
        return _TEXT_FORMAT, merge(texts).encode()

    async def _ask_all(self, what: bytes) -> list[tuple[int, bytes | None]]:
        return list(await asyncio.gather(*(self._ask(index, what) for index in range(self._count))))

    async def _ask(self, index: int, what: bytes) -> tuple[int, bytes | None]:
        worker = self._workers.get(index)
        if worker is None:
            return index, None
        try:
            return index, await worker.channel.ask(what)
        except WorkerGoneError:
            return index, None


def worker_command(host: str, port: int) -> list[str]:
    """Starts a worker of this program."""
    return [sys.executable, "-m", "graph", "worker", "--host", host, "--port", str(port)]
