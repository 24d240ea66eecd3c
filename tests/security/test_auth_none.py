"""A gateway without authentication: what that means, and how loudly it warns."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.app import create_app
from graph.security.authorization import developer
from schema.secrets import MemberId
from tests.cli.processes import command
from tests.security.in_process import invoke
from tests.security.jwt_gateway import assert_accepted, guarded
from tests.support import credentials, sandbox_settings, sandbox_transport

if TYPE_CHECKING:
    from pathlib import Path

REMOVED = (
    "KONAGRAPH_DOCUMENT_CACHE is no longer a setting, and has no effect (now: 1,000 parsed documents are kept)"
)
WARNING = (
    "KONAGRAPH_ALLOW_ANONYMOUS is on and KONAGRAPH_AUTH is none: "
    "whoever reaches this gateway can ask for any card and any member"
)
COMPLETE = "The settings are complete, and every key and certificate can be used.\n"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"X-Api-Key": "x"}], ids=str)
async def test_everybody_is_one_service_viewer_without_budgets(headers: dict[str, str], tmp_path: Path) -> None:
    async with guarded(tmp_path, KONAGRAPH_REQUEST_BURST=1, KONAGRAPH_CARDS_PER_MINUTE=1) as running:
        for _ in range(5):
            assert_accepted(await running.ask(headers))


async def test_what_an_unknown_caller_reads_is_audited_all_the_same(tmp_path: Path) -> None:
    query = "query ($cardNo: CardNumber!) { card(cardNo: $cardNo) { balance cashReceiptInfo { idNo } } }"
    async with guarded(tmp_path) as running:
        assert "errors" not in (await running.ask({}, query=query)).json()
        (event,) = running.audited()
    assert (event["action"], event["viewer_kind"], event["viewer_id"]) == ("read", "service", "anonymous")


async def test_everybody_may_be_one_member_with_every_scope_instead(tmp_path: Path) -> None:
    audit = tmp_path / "audit.log"
    settings = sandbox_settings(KONAGRAPH_AUDIT_LOG=audit, KONAGRAPH_REQUEST_BURST=1, KONAGRAPH_CARDS_PER_MINUTE=1)
    app = create_app(settings, transport=sandbox_transport(), caller=developer(MemberId("2005")))
    # Of another member, as before.
    query = '{ card(cardNo: "9491339400000013") { cashReceiptInfo { idNo } } }'
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client,
    ):
        for headers in ({}, {"Authorization": "Bearer x"}, {"X-Api-Key": "x"}):
            answer = (await client.post("/graphql", json={"query": query}, headers=headers)).json()
            assert answer == {"data": {"card": {"cashReceiptInfo": {"idNo": "01012345678"}}}}
    events = [json.loads(line) for line in audit.read_text().splitlines()]
    assert {(event["viewer_kind"], event["viewer_id"]) for event in events} == {("member", "developer-2005")}


@pytest.mark.process
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"KONAGRAPH_ALLOW_ANONYMOUS": "true"}, [("warning", WARNING)]),
        ({"KONAGRAPH_DOCUMENT_CACHE": "20"}, [("warning", REMOVED)]),
        ({}, []),
    ],
    ids=["allowed", "a removed setting", "by default"],
)
async def test_the_start_warns_in_the_log(variables: dict[str, str], expected: list[tuple[str, str]]) -> None:
    async with command("dev", "--port", "0", KONAGRAPH_LOG_FORMAT="json", **variables) as dev:
        await dev.url()
        dev.send(signal.SIGTERM)
        status, logged = await dev.ended()

    events = [json.loads(line) for line in logged.splitlines()]
    warnings = [(event["level"], event["event"]) for event in events if event["level"] in ("warning", "error")]
    assert (status, warnings) == (0, expected)
    assert all(event["logger"] == "konagraph" for event in events if event["event"] == WARNING)


def test_the_check_of_the_settings_warns_on_standard_error() -> None:
    environment = {
        **credentials().gateway_settings(),
        "KONAPLATE_BASE_URL": "http://sandbox/open-api",
        "KONAGRAPH_HOST": "0.0.0.0",
    }
    allowed = invoke("check-config", **environment, KONAGRAPH_ALLOW_ANONYMOUS="true")
    refused = invoke("check-config", **environment)
    forbidden = invoke("check-config", **environment, KONAGRAPH_ALLOW_ANONYMOUS="true", KONAGRAPH_ENV="production")

    assert (0, COMPLETE.replace(".", "; see the warnings."), f"warning: {WARNING}\n") == allowed
    assert refused[:2] == (2, "")
    assert "or accept it with KONAGRAPH_ALLOW_ANONYMOUS=true" in refused[2]
    assert forbidden[:2] == (2, "")
    assert "  - KONAGRAPH_ALLOW_ANONYMOUS must not be set in production\n" in forbidden[2]
