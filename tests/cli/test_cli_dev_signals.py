"""Signals end `konagraph dev` and the sandbox cleanly."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from graph.sandbox.ledger import CARDS, FIRST_CARD
from tests.cli.processes import DEADLINE, command
from tests.cli.queries import BALANCE, QUIET, SLOW_CARD, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

# A terminal that is closed sends the last one.
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_dev_after_the_request_that_is_under_way(
    number: signal.Signals, client: httpx.AsyncClient
) -> None:
    sent = asyncio.Event()

    async def trace(event: str, _details: dict[str, Any]) -> None:
        if event == "http11.send_request_body.complete":
            sent.set()

    async with command("dev", "--port", "0") as dev, client:
        url = await dev.url()
        slow = asyncio.ensure_future(
            client.post(url, json=request(BALANCE, SLOW_CARD), extensions={"trace": trace})
        )
        async with asyncio.timeout(DEADLINE):
            await sent.wait()
        # Once this is answered, everything sent before has been read.
        assert (await client.post(url, json=request(BALANCE, FIRST_CARD))).status_code == 200
        assert not slow.done()
        dev.send(number)
        response = await slow
        status, error_output = await dev.ended()

    assert response.json() == {"data": {"card": {"balance": CARDS[FIRST_CARD].fields["balance"]}}}
    assert status == 0
    assert "Traceback" not in error_output


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_an_idle_dev_with_one_word(number: signal.Signals, client: httpx.AsyncClient) -> None:
    async with command("dev", "--port", "0", **QUIET) as dev, client:
        # A keep-alive connection must not keep the process alive.
        await client.post(await dev.url(), json=request("{ __typename }", FIRST_CARD))
        dev.send(number)
        status, error_output = await dev.ended()

    assert status == 0
    assert "Traceback" not in error_output
    assert "warning" not in error_output.lower()
    assert error_output.endswith("\nkonagraph has stopped.\n")


@pytest.fixture
def hangups_ignored() -> Iterator[None]:
    """What processes inherit that are started now, as under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangups_ignored")
async def test_under_nohup_dev_outlives_its_terminal(client: httpx.AsyncClient) -> None:
    async with command("dev", "--port", "0", KONAGRAPH_LOG_FORMAT="json") as dev, client:
        url = await dev.url()
        dev.send(signal.SIGHUP)
        assert (await client.post(url, json=request(BALANCE, FIRST_CARD))).status_code == 200
        dev.send(signal.SIGTERM)
        status, error_output = await dev.ended()

    assert (status, json.loads(error_output.splitlines()[-1])["reason"]) == (0, "SIGTERM")


async def test_a_hangup_ends_the_record_of_dev_and_its_log(tmp_path: Path) -> None:
    settings = {"KONAGRAPH_AUDIT_LOG": str(tmp_path / "audit.log"), "KONAGRAPH_AUDIT_KEY": "k" * 32}
    async with command("dev", "--port", "0", **settings, KONAGRAPH_LOG_FORMAT="json") as dev:
        await dev.url()
        dev.send(signal.SIGHUP)
        _, error_output = await dev.ended()

    last = json.loads(error_output.splitlines()[-1])
    assert (last["event"], last["reason"]) == ("gateway ended", "SIGHUP")
    assert json.loads((tmp_path / "audit.log").read_text("utf-8").splitlines()[-1])["action"] == "closed"


async def test_a_hangup_ends_the_sandbox(tmp_path: Path) -> None:
    async with command("sandbox", "--port", "0", "--credentials", str(tmp_path)) as sandbox:
        await sandbox.line("Settings of a gateway")
        sandbox.send(signal.SIGHUP)
        status, error_output = await sandbox.ended()

    assert (status, "Traceback" in error_output) == (0, False)
