"""`Server-Timing`: where the time of a request went, told to viewers with the scope `server-timing`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import httpx

from tests.security.callers import ANY_CARD, NOT_ISSUED, OTHERS, OWN, Caller, callers

if TYPE_CHECKING:
    from pathlib import Path

CARD: Final = "query Card($n: CardNumber!) { card(cardNo: $n) { balance member { userId } } }"
TIMES: Final = "server-timing"
OPERATOR: Final = Caller("an-operator", (ANY_CARD, "member:read", TIMES))
_ENTRY: Final = r"[a-z_]+;dur=[0-9]+(\.[0-9]{1,2})?"
_PROFILE: Final = "query Profile($n: CardNumber!) { card(cardNo: $n) { member { profile { gender } } } }"


def times(response: httpx.Response) -> dict[str, float]:
    """The entries of the header, each of which is a name and a duration and nothing else."""
    entries = response.headers[TIMES].split(", ")
    assert all(re.fullmatch(_ENTRY, entry) for entry in entries)
    return {name: float(duration) for name, _, duration in (entry.partition(";dur=") for entry in entries)}


async def test_an_answer_tells_its_times_and_those_of_each_endpoint(tmp_path: Path) -> None:
    async with callers(tmp_path) as running:
        found = times(await running.post(OPERATOR, _PROFILE, {"n": OWN}))
        again = times(await running.post(OPERATOR, "{ __typename }"))
    assert list(found) == ["total", "parse", "card_info", "user_info"]
    assert 0 < found["card_info"] + found["user_info"] + found["parse"] < found["total"]
    assert list(again) == ["total", "parse"]


async def test_without_the_scope_there_is_no_such_header(tmp_path: Path) -> None:
    async with callers(tmp_path) as running:
        for caller in (Caller("a-service", (ANY_CARD, "member:read")), Caller("a-member", member="1001")):
            response = await running.post(caller, CARD, {"n": OWN})
            assert "errors" not in response.json()
            assert TIMES not in response.headers
        refused = await running.gateway.post(CARD, {"n": OWN}, authorization="Bearer a.b.c")
    assert TIMES not in refused.headers


async def test_all_attempts_are_added_up(tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    async with callers(tmp_path, httpx.MockTransport(refuse)) as running:
        response = await running.post(OPERATOR, CARD, {"n": OWN})
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert list(times(response)) == ["total", "parse", "card_info"]


async def test_a_member_cannot_tell_a_hidden_card_from_a_missing_one_by_what_is_timed(tmp_path: Path) -> None:
    member = Caller("a-member", (TIMES,), member="1001")
    async with callers(tmp_path) as running:
        timed = [list(times(await running.post(member, CARD, {"n": card}))) for card in (OTHERS, NOT_ISSUED[0])]
    assert timed == [["total", "parse", "card_info"]] * 2
