"""A foreign correlation id in a response: when it is only counted, and when the response is rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.konaplate.errors import InvalidResponseError
from graph.konaplate.protocol import EchoRule
from tests.konaplate.support import (
    CARD,
    MEMBER,
    Reports,
    answering,
    card_fields,
    connected,
    member_fields,
    succeeded,
)

if TYPE_CHECKING:
    from graph.konaplate.client import KonaplateClient

FOREIGN = "250306120000-fffffff"
BODIES = {"/card/info": succeeded(card_fields()), "/user/info": succeeded({"userInfo": member_fields()})}


class Scripted:
    """Answers every call correctly, with scripted correlation ids; `same` echoes that of the call."""

    def __init__(self, *echoes: str | None) -> None:
        self._echoes = list(echoes)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        echo = self._echoes.pop(0)
        own = request.headers["X-KM-Correlation-Id"]
        headers = [] if echo is None else [("X-KM-Correlation-Id", own if echo == "same" else echo)]
        body = next(body for path, body in BODIES.items() if request.url.path.endswith(path))
        return answering(body, 200, headers)(request)


async def taken(client: KonaplateClient, *, member: bool = False) -> bool:
    try:
        await (client.fetch(USER_INFO, MEMBER) if member else client.fetch(CARD_INFO, CARD))
    except InvalidResponseError:
        return False
    return True


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # Until a response echoes our id, a foreign one is no fault; a missing one never is.
        (EchoRule.LEARN, [True, True, True, False, True, True]),
        (EchoRule.REQUIRE, [False, True, True, False, True, True]),
        (EchoRule.IGNORE, [True, True, True, True, True, True]),
    ],
)
async def test_the_rule_says_whether_somebody_elses_id_is_refused(rule: EchoRule, expected: list[bool]) -> None:
    reports = Reports()
    script = Scripted(FOREIGN, None, "same", FOREIGN, None, "no id of ours")
    async with connected(httpx.MockTransport(script), echo_rule=rule, on_call=reports.append) as client:
        assert [await taken(client) for _ in expected] == expected
    assert [report.echo for report in reports] == [
        "another process's",
        "missing",
        "same",
        "another process's",
        "missing",
        "different",
    ]


async def test_what_one_api_does_says_nothing_about_another() -> None:
    script = Scripted("same", FOREIGN, "same", FOREIGN)
    async with connected(httpx.MockTransport(script)) as client:
        assert [await taken(client), await taken(client, member=True)] == [True, True]
        assert [await taken(client, member=True), await taken(client, member=True)] == [True, False]


async def test_our_own_id_beside_somebody_elses_is_not_enough() -> None:
    def both(request: httpx.Request) -> httpx.Response:
        ids = (request.headers["X-KM-Correlation-Id"], FOREIGN.upper())
        headers = [("X-KM-Correlation-Id", each) for each in ids]
        return answering(BODIES["/card/info"], 200, headers)(request)

    async with connected(httpx.MockTransport(both), echo_rule=EchoRule.REQUIRE) as client:
        assert not await taken(client)
