"""The compose file's stack with its sandbox, built and started once."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.containers.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 60
_PAUSE = 0.2
# By its last check: HAProxy considers a server with a new address up until two checks have failed.
_CHECKED = re.compile(
    r'^haproxy_server_check_status\{proxy="gateways",server="[^"]*",state="L7OK"\} 1$', re.MULTILINE
)
IMAGES = {"HAPROXY_IMAGE": "localhost/haproxy:2.6", "REDIS_IMAGE": "localhost/redis:7.0"}


class Running(Engine):
    """The stack, and its address."""

    url = ""

    def up(self) -> None:
        """Start everything, and wait until both gateways are in use."""
        self.run("podman-compose", "--profile", "dev", "up", "--detach", "--no-build")
        asyncio.run(self.until_ready())

    async def until_ready(self, gateways: int = 2) -> None:
        """Wait until the balancer uses this many gateways."""
        program = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8405/metrics').read().decode())"
        async with asyncio.timeout(_PATIENCE):
            while True:
                result = await asyncio.to_thread(self.inside, "haproxy", "python3", "-c", program)
                if len(_CHECKED.findall(result.stdout)) == gateways:
                    return
                await asyncio.sleep(_PAUSE)

    def ask(self, payload: dict[str, object]) -> dict[str, object]:
        """The JSON of one response through the balancer."""
        answer: dict[str, object] = httpx.post(f"{self.url}/graphql", json=payload, trust_env=False).json()
        return answer

    def ask_gateway(self, gateway: str, payload: dict[str, object]) -> dict[str, object]:
        """The JSON of one response of a given gateway."""
        request = f"r.Request('http://127.0.0.1:8000/graphql', {json.dumps(payload).encode()!r}, HEADERS)"
        program = (
            "import urllib.request as r, urllib.error\n"
            "HEADERS = {'Content-Type': 'application/json'}\n"
            f"try: print(r.urlopen({request}).read().decode())\n"
            "except urllib.error.HTTPError as error: print(error.read().decode())"
        )
        answer: dict[str, object] = json.loads(self.python(gateway, program))
        return answer


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The running stack."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    names = {"COMPOSE_PROJECT_NAME": "konagraph-test", "KONAGRAPH_PUBLISH": str(port)}
    running = Running(tmp_path_factory.mktemp("containers"), **names, **IMAGES)
    running.url = f"http://127.0.0.1:{port}"
    try:
        running.build()
        running.up()
        yield running
        running.run("podman-compose", "--profile", "dev", "down", "--volumes")
    finally:
        running.remove()
