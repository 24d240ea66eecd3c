"""The delivered HAProxy file, run by the real HAProxy; only addresses are this test's own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.cli.processes import DEADLINE
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

CONFIGURATION: Final = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
_UP: Final = re.compile(r'^haproxy_server_status\{proxy="gateways",server="([^"]+)",state="UP"\} 1$', re.MULTILINE)
_QUEUED: Final = re.compile(r'^haproxy_backend_current_queue\{proxy="gateways"\} (\d+)$', re.MULTILINE)
_SESSIONS: Final = re.compile(r'^haproxy_backend_current_sessions\{proxy="gateways"\} (\d+)$', re.MULTILINE)
# Further tries at the same gateway, and at the other one.
_RETRIES: Final = re.compile(
    r'^haproxy_server_(?:retry|redispatch)_warnings_total\{proxy="gateways",[^}]*\} (\d+)$', re.MULTILINE
)
_PAUSE: Final = 0.02


def require_haproxy() -> None:
    """Skip without HAProxy."""
    require_tool("haproxy", present=shutil.which("haproxy") is not None, how="install Debian's haproxy")


class Balancer:
    """A running HAProxy."""

    def __init__(self, clients: socket.socket, inside: socket.socket, log: Path) -> None:
        self.url = f"http://127.0.0.1:{clients.getsockname()[1]}"
        self._inside = f"http://127.0.0.1:{inside.getsockname()[1]}"
        self._log = log

    async def inside(self, path: str) -> httpx.Response:
        """Ask the port that is never published."""
        async with httpx.AsyncClient(base_url=self._inside, trust_env=False, timeout=DEADLINE) as client:
            return await client.get(path)

    async def until_up(self, *servers: str) -> None:
        """Wait until HAProxy sends requests to exactly these gateways."""
        seen: set[str] = set()
        async with asyncio.timeout(DEADLINE):
            while seen != set(servers):
                await asyncio.sleep(_PAUSE)
                seen = set(_UP.findall((await self.inside("/metrics")).text))

    async def until(self, reached: Callable[[int], bool]) -> None:
        """Wait until the number of requests that wait for a gateway is what it should be."""
        queued = -1
        async with asyncio.timeout(DEADLINE):
            while queued < 0 or not reached(queued):
                (found,) = _QUEUED.findall((await self.inside("/metrics")).text)
                queued = int(found)

    async def until_left(self) -> None:
        """Wait until nobody waits for a gateway or for its answer."""
        sessions = ""
        async with asyncio.timeout(DEADLINE):
            while sessions != "0":
                (sessions,) = _SESSIONS.findall((await self.inside("/metrics")).text)

    async def retries(self) -> int:
        """How many requests were sent a second time so far."""
        return sum(map(int, _RETRIES.findall((await self.inside("/metrics")).text)))

    async def logged(self, count: int) -> list[dict[str, Any]]:
        """The lines about requests, once there are so many: they are written after the answers."""
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


@asynccontextmanager
async def balancer(log: Path, **variables: str) -> AsyncIterator[Balancer]:
    """HAProxy with these variables, on ports of this machine."""
    require_haproxy()
    # The sockets are ours and HAProxy inherits them, so that no port can be taken by somebody else in between.
    with socket.create_server(("127.0.0.1", 0)) as clients, socket.create_server(("127.0.0.1", 0)) as inside:
        environment = {
            "PATH": os.environ["PATH"],
            "FRONT_BIND": f"fd@{clients.fileno()}",
            "FRONT_MAXCONN": "200",
            "INSIDE_BIND": f"fd@{inside.fileno()}",
            **variables,
        }
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                "haproxy",
                *("-db", "-f", str(CONFIGURATION)),
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(clients.fileno(), inside.fileno()),
            )
        try:
            yield Balancer(clients, inside, log)
        finally:
            process.kill()
            await process.wait()
