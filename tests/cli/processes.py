"""The command as a child process, with its output."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.conftest import clean_environment
from tests.tools import ROOT

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator

# Generous, because Python starts slowly on a loaded machine. Only failures take this long.
DEADLINE = 30


class Command:
    """A running process of the command."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._error_lines: list[str] = []
        self._more = asyncio.Condition()
        self._heard = 0
        self._error_output = asyncio.ensure_future(self._listen(self._pipe(process.stderr)))
        self.printed = ""
        """The standard output that was read so far."""

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @staticmethod
    def _pipe(reader: asyncio.StreamReader | None) -> asyncio.StreamReader:
        assert reader is not None
        return reader

    async def _listen(self, errors: asyncio.StreamReader) -> bytes:
        while line := await errors.readline():
            async with self._more:
                self._error_lines.append(line.decode())
                self._more.notify_all()
        return "".join(self._error_lines).encode()

    async def logged(self, part: str) -> str:
        """Wait for the next line on standard error that contains this text."""

        def found() -> bool:
            while self._heard < len(self._error_lines):
                self._heard += 1
                if part in self._error_lines[self._heard - 1]:
                    return True
            return False

        async with asyncio.timeout(DEADLINE), self._more:
            await self._more.wait_for(found)
        return self._error_lines[self._heard - 1]

    async def line(self, beginning: str) -> str:
        """Read up to the line with this prefix; return the rest of it."""
        async with asyncio.timeout(DEADLINE):
            while line := (await self._pipe(self._process.stdout).readline()).decode():
                self.printed += line
                if line.startswith(beginning):
                    return line.removeprefix(beginning).strip()
        raise AssertionError(f"{beginning!r} was never printed: {self.printed} {await self._error_output!r}")

    async def url(self) -> str:
        """The address of the gateway's endpoint, once it is printed."""
        return (await self.line("konagraph answers on ")).split(" ")[0]

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    async def ended(self) -> tuple[int, str]:
        """Wait for the exit; return the status and all of standard error."""
        async with asyncio.timeout(DEADLINE):
            self.printed += (await self._pipe(self._process.stdout).read()).decode()
            return await self._process.wait(), (await self._error_output).decode()

    async def aclose(self) -> None:
        """Kill the process if it is still running, and drain its pipes."""
        if self._process.returncode is None:
            self._process.kill()
        await self.ended()


def environment(**variables: str) -> dict[str, str]:
    """The environment of the command: no settings but these, and those of every test."""
    # Several gateways run at once, and need ports of their own. A shorter request timeout shortens the drain, too.
    quick = {"KONAGRAPH_ADMIN_PORT": "0", "KONAGRAPH_REQUEST_TIMEOUT": "2.5"}
    every = {**clean_environment(), **quick, **variables}
    # It would hide missing flushes.
    every.pop("PYTHONUNBUFFERED", None)
    return every


@asynccontextmanager
async def command(*arguments: str, **variables: str) -> AsyncIterator[Command]:
    """Start `konagraph` with these arguments; `variables` are added to an environment without our settings."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "graph",
        *arguments,
        cwd=ROOT,
        env=environment(**variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    running = Command(process)
    try:
        yield running
    finally:
        await running.aclose()


async def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run `konagraph` to completion; return exit status, standard output and standard error."""
    async with command(*arguments, **variables) as running:
        status, error_output = await running.ended()
    return status, running.printed, error_output


def exported(text: str) -> dict[str, str]:
    """Parse the settings of `export` lines."""
    words = [shlex.split(line) for line in text.splitlines()]
    assert all(export == "export" for export, _ in words)
    return dict(setting.split("=", 1) for _, setting in words)


def bare_environment() -> dict[str, str]:
    """A minimal environment for a shell, without proxies."""
    return {"PATH": os.environ["PATH"]}
