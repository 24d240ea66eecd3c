"""Upstreams with certificates, and a client configured for them."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import pytest
import trustme

from graph.config.environment import load_settings
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.errors import UnavailableError
from graph.wiring.upstream import build_client
from tests.konaplate.faulty_upstream import FaultyUpstream, answer, http
from tests.konaplate.support import ACCESS_KEY, ASP_ID, CARD, SECRET_KEY, card_fields, leaks, succeeded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from graph.config.settings import Settings
    from graph.konaplate.client import KonaplateClient
    from tests.konaplate.faulty_upstream import Connection, Script

WELL: Final = answer(http(succeeded(card_fields())))


def settings(*, base_url: str = "https://upstream.test/open-api", **variables: object) -> Settings:
    return load_settings(
        {
            "KONAPLATE_BASE_URL": base_url,
            "KONAPLATE_ASP_ID": ASP_ID,
            "KONAPLATE_ACCESS_KEY": ACCESS_KEY,
            "KONAPLATE_SECRET_KEY": SECRET_KEY,
            "KONAPLATE_ENCRYPTION": "off",
            "KONAPLATE_TIMEOUT": "30",
            **{name: str(value) for name, value in variables.items()},
        }
    )


@asynccontextmanager
async def built(base_url: str, **variables: object) -> AsyncIterator[KonaplateClient]:
    """A client on the network, built as the gateway builds it."""
    client = build_client(settings(base_url=base_url, **variables), None, lambda _report: None)
    try:
        yield client
    finally:
        await client.aclose()


def server_tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def assert_refused(upstream: FaultyUpstream, **variables: object) -> None:
    async with upstream, built(upstream.base_url, **variables) as client:
        with pytest.raises(UnavailableError) as caught:
            await client.fetch(CARD_INFO, CARD)
    assert leaks(caught.value) == []
    # The handshake failed: no request was ever sent.
    assert [connection.requests for connection in upstream.connections if connection.requests] == []


def by_hand(tls: ssl.SSLContext, after: bytes = b"") -> Script:
    """The server's side of a handshake, without asyncio's, which drops the alert of a rejection.

    Args:
        tls: the server's side.
        after: what is sent in the clear once the handshake is over.
    """

    async def script(connection: Connection) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = tls.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                session.do_handshake()
            except ssl.SSLWantReadError:
                await connection.send(outgoing.read())
                received = await connection.receive()
                if not received:
                    return
                incoming.write(received)
            except ssl.SSLError:
                await connection.send(outgoing.read())
                return
            else:
                break
        await connection.send(outgoing.read() + after)

    return script


class Mutual:
    """An upstream that requires a certificate of its own CA."""

    def __init__(self, authority: trustme.CA, directory: Path) -> None:
        clients = trustme.CA()
        self.tls = server_tls(authority.issue_cert("127.0.0.1"))
        self.tls.verify_mode = ssl.CERT_REQUIRED
        clients.configure_trust(self.tls)
        self.certificate, self.key = directory / "client.pem", directory / "client.key"
        known = clients.issue_cert("gateway.test")
        known.cert_chain_pems[0].write_to_path(self.certificate)
        known.private_key_pem.write_to_path(self.key)

    @property
    def variables(self) -> dict[str, str]:
        return {
            "KONAPLATE_CLIENT_CERTIFICATE": str(self.certificate),
            "KONAPLATE_CLIENT_CERTIFICATE_KEY": str(self.key),
        }
