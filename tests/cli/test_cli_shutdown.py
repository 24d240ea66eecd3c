"""Shutdown of `konagraph serve`: it waits for open requests until a timeout or a second signal."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.sandbox.ledger import FIRST_CARD
from tests.cli.processes import DEADLINE, command
from tests.lifecycle.clients import until_refused
from tests.tools import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SETTINGS = {
    "KONAPLATE_ASP_ID": "000000000000001",
    "KONAPLATE_ACCESS_KEY": "c4n4ry-access",
    "KONAPLATE_SECRET_KEY": "c4n4ry-secret",
    "KONAPLATE_ENCRYPTION": "off",
    "KONAPLATE_TIMEOUT": "60",
    "KONAGRAPH_REQUEST_TIMEOUT": "60",
}


@asynccontextmanager
async def silent_upstream() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """An upstream that never answers: its address, and an event for the first call."""
    called = asyncio.Event()
    over = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        called.set()
        await over.wait()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/open-api", called
    finally:
        over.set()
        await settle()
        server.close()
        await server.wait_closed()


async def ask(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
        return await client.post(url, json={"query": f'{{ card(cardNo: "{FIRST_CARD}") {{ balance }} }}'})


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGTERM, signal.SIGINT], [signal.SIGINT, signal.SIGINT]],
    ids=["on SIGINT after SIGTERM", "on a second SIGINT"],
)
async def test_serve_does_not_wait_against_a_second_signal_for_a_request_that_never_ends(
    signals: list[signal.Signals],
) -> None:
    async with (
        silent_upstream() as (base_url, called),
        command("serve", "--port", "0", **SETTINGS, KONAPLATE_BASE_URL=base_url) as gateway,
    ):
        url = await gateway.url()
        async with asyncio.timeout(DEADLINE):
            asking = asyncio.ensure_future(ask(url))
            await called.wait()
            for number in signals:
                gateway.send(number)
                await until_refused(url)
            response = await asking
        status, error_output = await gateway.ended()

    (error,) = response.json()["errors"]
    assert (
        response.status_code,
        error["extensions"]["code"],
        error["extensions"]["retryable"],
    ) == (503, "OVERLOADED", True)
    assert (response.headers["connection"], response.headers["cache-control"]) == ("close", "private, no-store")
    assert error["extensions"]["requestId"] == response.headers["x-request-id"]
    assert status == 0
    for secret in (FIRST_CARD, "c4n4ry", "Traceback", "Exception"):
        assert secret not in error_output
        assert secret not in response.text
