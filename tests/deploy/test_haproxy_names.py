"""Gateways that come and go behind one DNS name, and a replaced certificate: no request is lost."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from typing import TYPE_CHECKING

import trustme

from tests.cli.processes import DEADLINE
from tests.deploy.asking_front import client
from tests.deploy.balancer import balancer, loopback_network
from tests.deploy.fake_gateway import PORT, FakeGateway
from tests.konaplate.faulty_upstream import FaultyUpstream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    from tests.deploy.balancer import Balancer

SERVER_NAME, TLS_PORT = "cards.test", 8443


async def answers(asking: httpx.AsyncClient, count: int) -> list[str]:
    return [(await asking.post("/graphql", content=b"{}")).text for _ in range(count)]


async def test_gateways_are_used_as_long_as_their_name_has_them(tmp_path: Path) -> None:
    network = loopback_network()
    old, new = FakeGateway(), FakeGateway()
    async with (
        FaultyUpstream(old.serve, host=f"{network}.1", port=PORT),
        FaultyUpstream(new.serve, host=f"{network}.2", port=PORT),
        balancer(tmp_path / "log", [f"{network}.1"], GATEWAYS_ADMIN_PORT=str(PORT)) as front,
        client(front.url) as asking,
    ):
        await front.until_up(1)
        assert await answers(asking, 6) == ["fine"] * 6
        # One more: `docker compose up --scale`.
        front.names.addresses = [f"{network}.1", f"{network}.2"]
        await front.until_up(2)
        assert await answers(asking, 6) == ["fine"] * 6
        assert new.requests
        # One less: the health check notices first, and the address disappears.
        old.ready = False
        front.names.addresses = [f"{network}.2"]
        await front.until_up(1)
        before = len(old.requests)
        assert await answers(asking, 6) == ["fine"] * 6
        assert before == len(old.requests)


class _TlsClients:
    """Clients that send one request each, over a new connection."""

    def __init__(self, host: str, authority: trustme.CA) -> None:
        self._host = host
        self._trusted = ssl.create_default_context()
        authority.configure_trust(self._trusted)
        self.answers: Counter[str] = Counter()
        self.certificates: set[str] = set()
        self._enough = False
        self._answered = asyncio.Event()

    async def run(self) -> None:
        """Send requests until stopped."""
        while not self._enough:
            try:
                self.answers[await self._ask()] += 1
            except OSError as error:
                self.answers[type(error).__name__] += 1
            self._answered.set()

    async def until(self, certificates: int) -> None:
        """Continue until the clients have seen this many certificates, and a bit longer."""
        async with asyncio.timeout(DEADLINE):
            while len(self.certificates) < certificates:
                await self._next()
            for _ in range(20):
                await self._next()

    def stop(self) -> None:
        """Stop every client."""
        self._enough = True

    async def _next(self) -> None:
        self._answered.clear()
        await self._answered.wait()

    async def _ask(self) -> str:
        reader, writer = await asyncio.open_connection(
            self._host, TLS_PORT, ssl=self._trusted, server_hostname=SERVER_NAME
        )
        self.certificates.add(writer.get_extra_info("peercert")["serialNumber"])
        writer.write(b"POST /graphql HTTP/1.1\r\nHost: cards\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        answer = await reader.read()
        writer.transport.abort()
        return answer.partition(b"\r\n")[0].decode()


async def test_a_certificate_that_was_replaced_is_used_after_a_reload_and_no_request_is_lost(
    tmp_path: Path,
) -> None:
    authority, host, gateway = trustme.CA(), f"{loopback_network()}.1", FakeGateway()
    certificate = tmp_path / "tls" / "certificate.pem"
    certificate.parent.mkdir()

    def replace() -> None:
        made = tmp_path / "made.pem"
        authority.issue_cert(SERVER_NAME).private_key_and_cert_chain_pem.write_to_path(made)
        made.replace(certificate)

    replace()
    clients = _TlsClients(host, authority)
    async with FaultyUpstream(gateway.serve) as upstream:
        settings = {
            "FRONT_BIND": f"{host}:{TLS_PORT}",
            "FRONT_OPTIONS": f"ssl crt {certificate} alpn h2,http/1.1",
            # A name that the machine itself also resolves, as containers resolve each other.
            "GATEWAYS": f"localhost:{upstream.port}",
            "GATEWAYS_ADMIN_PORT": str(upstream.port),
        }
        async with balancer(tmp_path / "log", ["127.0.0.1"], "-W", **settings) as front:
            await _reload_under_load(front, clients, replace)
    assert clients.answers.keys() == {"HTTP/1.1 200 OK"}


async def _reload_under_load(front: Balancer, clients: _TlsClients, replace: Callable[[], None]) -> None:
    async with asyncio.TaskGroup() as group:
        await front.until_up(1)
        for _ in range(4):
            group.create_task(clients.run())
        await clients.until(1)
        replace()
        front.reload()
        await clients.until(2)
        clients.stop()
