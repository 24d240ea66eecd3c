"""What a response cannot make the client do: follow a redirect, or carry a cookie to the next call."""

from __future__ import annotations

import pytest

from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.errors import InvalidResponseError
from graph.konaplate.send import Limits
from tests.konaplate.faulty_upstream import FaultyUpstream, answer, http
from tests.konaplate.support import CARD, card_fields, connected, succeeded
from tests.tables import table

pytestmark = pytest.mark.usefixtures("each_network")

PATIENT = Limits(total=30, connect=30, pool=30)
WELL = succeeded(card_fields())


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed(status: str) -> None:
    async with FaultyUpstream(answer(http(WELL))) as target:
        location = f"Location: {target.base_url}/api/v1/user/card/info"
        async with (
            FaultyUpstream(answer(http(WELL, status, [location]))) as upstream,
            connected(base_url=upstream.base_url, limits=PATIENT) as client,
        ):
            with pytest.raises(InvalidResponseError) as caught:
                await client.fetch(CARD_INFO, CARD)
    assert target.connections == []
    assert [len(connection.requests) for connection in upstream.connections] == [1]
    assert int(status[:3]) == caught.value.details.status


@table(
    "location",
    [
        "mailto:a@example.com",
        "javascript:alert(1)",
        "http://\xff/",
        "http://xn--/",
        "http://[::1",
        "//",
        "x" * 70_000,
    ],
)
async def test_a_redirect_to_nowhere_is_only_a_redirect(location: str) -> None:
    async with (
        FaultyUpstream(answer(http(b"", "302 Found", [f"Location: {location}"]))) as upstream,
        connected(base_url=upstream.base_url, limits=PATIENT) as client,
    ):
        with pytest.raises(InvalidResponseError) as caught:
            await client.fetch(CARD_INFO, CARD)
    assert caught.value.details.status == 302


async def test_cookies_of_the_upstream_are_not_sent_back() -> None:
    async with (
        FaultyUpstream(answer(http(WELL, headers=["Set-Cookie: session=cookie-canary; Path=/"]))) as upstream,
        connected(base_url=upstream.base_url, limits=PATIENT) as client,
    ):
        for _ in range(2):
            await client.fetch(CARD_INFO, CARD)
    requests = [request for connection in upstream.connections for request in connection.requests]
    assert [b"cookie" in request.lower() for request in requests] == [False] * 2
