"""The sandbox logs why it refuses a call: its gateway is told a code only. No line holds a word of the call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx

from graph.konaplate.endpoints import ENDPOINTS
from graph.sandbox.app import create_sandbox
from graph.sandbox.data import DATA
from tests.sandbox.calls import ask
from tests.support import credentials, gateway
from tests.tables import table
from tests.telemetry.capture import events, logs_as

if TYPE_CHECKING:
    from tests.telemetry.capture import Unredacted

CARD_NO = "9491339400000013"
PATHS = {endpoint.name: endpoint.path for endpoint in ENDPOINTS}
CARD_LIST = {"api": PATHS["card_list"], "key": "userId", "others": ["par", "physicalCardNo"]}
CARD_INFO = {"api": PATHS["card_info"], "key": "cardNo", "others": []}


@table(
    "api, clear, takes, refusal",
    [
        ("card/list", {}, CARD_LIST, ("000_003", "Missing required values. userId")),
        ("card/list", {"userId": 1001, "par": 1}, CARD_LIST, ("000_002", "Invalid input parameter. par")),
        ("card/list", {"userId": 1001, CARD_NO: "x"}, CARD_LIST, ("020_001", "A field is not documented.")),
        ("card/info", {"cardNo": CARD_NO[1:]}, CARD_INFO, ("000_015", "The length does not match. cardNo")),
        ("card/info", {"cardNo": int(CARD_NO)}, CARD_INFO, ("000_002", "Invalid input parameter.")),
        ("card/info", CARD_NO, CARD_INFO, ("020_001", "The body is not a JSON object.")),
    ],
)
async def test_a_refusal_is_logged_with_its_reason_and_what_the_api_takes(
    api: str, clear: Any, takes: dict[str, Any], refusal: tuple[str, str], logged: Unredacted
) -> None:
    logged.records.clear()
    before = len(events(logged.lines))
    await ask(api, clear)
    (line,) = events(logged.lines)[before:]
    del line["timestamp"]
    about = {"event": "the sandbox refused a call", "level": "info", "logger": "konagraph.sandbox"}
    assert line == {**about, **takes, "code": refusal[0], "reason": refusal[1]}
    # Nothing of the call was there to be redacted.
    (record,) = logged.records.records
    assert CARD_NO[1:] not in str(vars(record))


async def test_a_call_that_is_answered_is_not_logged() -> None:
    with logs_as("debug") as stream:
        # The second is answered with an error: the sandbox has no such card.
        await ask("card/info", {"cardNo": CARD_NO})
        await ask("card/info", {"cardNo": "x" * 16})
    assert events(stream) == []


async def test_the_console_shows_why_a_table_with_a_wrong_key_refuses_the_gateways_calls() -> None:
    data = {**DATA, "user_info": replace(DATA["user_info"], key="memberId")}
    sandbox = httpx.ASGITransport(create_sandbox(credentials(), data=data))
    with logs_as("info", as_json=False, audit_reads=False) as stream:
        async with gateway(sandbox) as running:
            response = await running.post('{ member(userId: "1001") { profile { userName } } }')
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    refused, request = stream.getvalue().splitlines()
    assert refused == (
        f"the sandbox refused a call  api={PATHS['user_info']}  code=000_003"
        "  reason=Missing required values. memberId  key=memberId"
    )
    assert request.endswith("BAD_USER_INPUT")
