"""`konagraph dev` heeds settings, and says what is wrong with them or with its port."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import FIRST_CARD
from graph.security.development import DevelopmentSigner, signer_settings
from tests.cli.processes import command, run
from tests.cli.queries import BALANCE, QUIET, SLOW_CARD, request

if TYPE_CHECKING:
    from pathlib import Path

    import httpx


async def test_a_port_in_use_is_named_and_ends_dev_with_a_status_of_failure(taken_port: int) -> None:
    status, printed, error_output = await run("dev", "--port", str(taken_port))

    assert (status, printed) == (1, "")
    assert "address already in use" in error_output
    assert str(taken_port) in error_output
    assert "--port or KONAGRAPH_PORT (`make dev PORT=8001`)" in error_output
    assert "Traceback" not in error_output


async def test_a_port_in_use_ends_the_sandbox_with_a_status_of_failure(taken_port: int, tmp_path: Path) -> None:
    status, printed, error_output = await run("sandbox", "--port", str(taken_port), "--credentials", str(tmp_path))

    assert (status, printed) == (1, "")
    assert "address already in use: another program uses it; choose another port with --port\n" in error_output
    assert "Traceback" not in error_output


async def test_dev_heeds_the_gateways_settings_and_not_those_of_an_upstream(client: httpx.AsyncClient) -> None:
    settings = {
        **QUIET,
        "KONAGRAPH_PORT": "0",
        "KONAGRAPH_MAX_CARDS": "1",
        "KONAGRAPH_LOG_FORMAT": "json",
        "KONAPLATE_BASE_URL": "http://127.0.0.1:1/nobody",
        "KONAPLATE_ENCRYPTION": "off",
        "KONAPLATE_ACCES_KEY": "c4n4ry",
    }
    async with command("dev", **settings) as dev, client:
        url = await dev.url()
        two = {"query": f'{{ cards(cardNos: ["{FIRST_CARD}", "{SLOW_CARD}"]) {{ balance }} }}'}
        refused = await client.post(url, json=two)
        answered = await client.post(url, json=request(BALANCE, FIRST_CARD))
        dev.send(signal.SIGTERM)
        status, error_output = await dev.ended()

    assert refused.json()["errors"][0]["extensions"]["code"] == "QUERY_LIMIT_EXCEEDED"
    assert answered.json() == {"data": {"card": {"balance": 50_000}}}
    assert status == 0
    events = [json.loads(line)["event"] for line in error_output.splitlines()]
    assert (events[0], events[-1]) == ("gateway started", "gateway ended")
    assert set(events[1:-1]) == {"request", "upstream call", "audit", "usage"}
    assert FIRST_CARD not in error_output


async def test_dev_names_a_wrong_setting_and_does_not_start() -> None:
    status, printed, error_output = await run("dev", **QUIET, KONAGRAPH_PORT="c4n4ry", KONAGRAPH_PROT="1")

    assert (status, printed) == (2, "")
    assert error_output.splitlines() == [
        "warning: KONAGRAPH_PROT is not a setting; did you mean KONAGRAPH_PORT?",
        "konagraph cannot start:",
        "  - KONAGRAPH_PORT: input should be a valid integer, unable to parse string as an integer",
    ]


async def test_dev_heeds_how_long_its_upstream_is_asked(client: httpx.AsyncClient) -> None:
    # An attempt may take six tenths of it, which leaves no time for a second one.
    settings = {"KONAGRAPH_LOG_FORMAT": "json", "KONAPLATE_TIMEOUT": "0.1"}
    async with command("dev", "--port", "0", **settings) as dev, client:
        late = await client.post(await dev.url(), json=request(BALANCE, SLOW_CARD))
        dev.send(signal.SIGTERM)
        _, error_output = await dev.ended()

    assert late.json()["errors"][0]["extensions"]["code"] == "UPSTREAM_TIMEOUT"
    calls = [line for line in map(json.loads, error_output.splitlines()) if line["event"] == "upstream call"]
    assert [call["attempt"] for call in calls] == [1]


async def test_an_option_wins_over_the_environment(taken_port: int) -> None:
    async with command("dev", "--port", "0", KONAGRAPH_PORT=str(taken_port)) as dev:
        assert f":{taken_port}/" not in await dev.url()


async def test_whoever_tries_every_failure_out_still_gets_good_answers(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    settings = {**signer_settings(tmp_path), "KONAPLATE_TIMEOUT": "2"}
    token = DevelopmentSigner.in_directory(tmp_path).token("x", scopes=["cards:read:any"], lifetime=60)
    client.headers["Authorization"] = f"Bearer {token}"
    (unavailable,) = (fault.number for fault in FAULTS.values() if fault.description == "HTTP 503")
    async with command("dev", "--port", "0", **settings) as dev, client:
        url = await dev.url()
        for card in [unavailable] * 25 + [card for card in FAULTS if card != SLOW_CARD]:
            answer = (await client.post(url, json=request(BALANCE, card))).json()
            expected = FAULTS[card].code if FAULTS[card].field in (None, "balance") else None
            codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
            assert ([] if expected is None else [expected.value]) == codes
        good = await client.post(url, json=request(BALANCE, FIRST_CARD))

    assert good.json() == {"data": {"card": {"balance": 50_000}}}
