"""The delivered HAProxy configuration in a real HAProxy; only addresses and the DNS server differ."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import random
import re
import shutil
import signal
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.cli.processes import DEADLINE
from tests.deploy.names import NAME, name_server
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.deploy.names import NameServer

CONFIGURATION: Final = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
_UP: Final = re.compile(r'^haproxy_server_status\{proxy="gateways",server="[^"]+",state="UP"\} 1$', re.MULTILINE)
_QUEUED: Final = re.compile(r'^haproxy_backend_current_queue\{proxy="gateways"\} (\d+)$', re.MULTILINE)
_SESSIONS: Final = re.compile(r'^haproxy_backend_current_sessions\{proxy="gateways"\} (\d+)$', re.MULTILINE)
_CONNECTED: Final = re.compile(r'^haproxy_frontend_connections_total\{proxy="clients"\} (\d+)$', re.MULTILINE)
# Retries at the same gateway, and at the other one.
_RETRIES: Final = re.compile(
    r'^haproxy_server_(?:retry|redispatch)_warnings_total\{proxy="gateways",[^}]*\} (\d+)$', re.MULTILINE
)
_PAUSE: Final = 0.02
_CLAIMED_PORT: Final = 47_474
_claims: list[socket.socket] = []


def loopback_network() -> str:
    """The prefix of a loopback network of this process alone, so that ports stay free during restarts."""
    while True:
        network = f"127.{random.randint(2, 250)}.{random.randint(2, 250)}"  # noqa: S311 - no secret
        try:
            # Held until this process ends, so that no other test process uses the network.
            _claims.append(socket.create_server((f"{network}.254", _CLAIMED_PORT)))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return network


def require_haproxy() -> None:
    """Skip without HAProxy."""
    require_tool("haproxy", present=shutil.which("haproxy") is not None, how="install Debian's haproxy")


class Balancer:
    """A running HAProxy."""

    def __init__(
        self, clients: socket.socket, inside: socket.socket, log: Path, process: asyncio.subprocess.Process
    ) -> None:
        self.port: int = clients.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.inside_address = f"127.0.0.1:{inside.getsockname()[1]}"
        self._inside = f"http://{self.inside_address}"
        self._log = log
        self._process = process
        self.names: NameServer
        """Where it learns the gateways' addresses."""

    async def inside(self, path: str) -> httpx.Response:
        """Request the internal port."""
        async with httpx.AsyncClient(base_url=self._inside, trust_env=False, timeout=DEADLINE) as client:
            return await client.get(path)

    async def until_up(self, count: int) -> None:
        """Wait until HAProxy uses exactly this many gateways."""
        seen = -1
        async with asyncio.timeout(DEADLINE):
            while seen != count:
                await asyncio.sleep(_PAUSE)
                seen = len(_UP.findall((await self.inside("/metrics")).text))

    async def until(self, reached: Callable[[int], bool]) -> None:
        """Wait until this many requests are queued."""
        queued = -1
        async with asyncio.timeout(DEADLINE):
            while queued < 0 or not reached(queued):
                (found,) = _QUEUED.findall((await self.inside("/metrics")).text)
                queued = int(found)

    async def until_left(self) -> None:
        """Wait until no request is queued or in flight."""
        sessions = ""
        async with asyncio.timeout(DEADLINE):
            while sessions != "0":
                (sessions,) = _SESSIONS.findall((await self.inside("/metrics")).text)

    async def connected(self) -> int:
        """The number of client connections so far, including refused ones."""
        (found,) = _CONNECTED.findall((await self.inside("/metrics")).text)
        return int(found)

    async def retries(self) -> int:
        """The number of retries so far."""
        return sum(map(int, _RETRIES.findall((await self.inside("/metrics")).text)))

    async def logged(self, count: int) -> list[dict[str, Any]]:
        """The log lines of requests, once there are this many: they are written after the responses."""
        lines: list[str] = []
        async with asyncio.timeout(DEADLINE):
            while len(lines) < count:
                await asyncio.sleep(_PAUSE)
                lines = [
                    line
                    for line in self.log().splitlines(keepends=True)
                    if line.startswith("{") and line.endswith("\n")
                ]
        return [json.loads(line) for line in lines]

    def log(self) -> str:
        """Everything that HAProxy wrote so far."""
        return self._log.read_text(encoding="utf-8")

    def reload(self) -> None:
        """Reload, as in docs/operations.md; needs the option -W."""
        self._process.send_signal(signal.SIGUSR2)

    def peak_memory(self) -> int:
        """The peak memory of the process in bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@asynccontextmanager
async def balancer(
    log: Path, gateways: Sequence[str] = (), *options: str, **variables: str
) -> AsyncIterator[Balancer]:
    """HAProxy with these variables, on local ports, with a DNS server that knows these gateways."""
    require_haproxy()
    # HAProxy inherits our sockets, so that no other program can take a port in between.
    with socket.create_server(("127.0.0.1", 0)) as clients, socket.create_server(("127.0.0.1", 0)) as inside:
        async with name_server(*gateways) as names:
            environment = {
                "PATH": os.environ["PATH"],
                "FRONT_BIND": f"fd@{clients.fileno()}",
                "FRONT_MAXCONN": "200",
                "ALL_MAXCONN": "220",
                "INSIDE_BIND": f"fd@{inside.fileno()}",
                "GATEWAYS": f"{NAME}:8000",
                "GATEWAYS_MAX": "4",
                "RESOLVER": f"127.0.0.1:{names.port}",
                # The machine's own resolver, which is asked first, does not know these gateways.
                "RES_OPTIONS": "timeout:1 attempts:1",
                **variables,
            }
            with log.open("wb") as output:
                process = await asyncio.create_subprocess_exec(
                    "haproxy",
                    *("-db", *options, "-f", str(CONFIGURATION)),
                    env=environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    pass_fds=(clients.fileno(), inside.fileno()),
                )
            running = Balancer(clients, inside, log, process)
            running.names = names
            try:
                yield running
            finally:
                process.kill()
                await process.wait()
