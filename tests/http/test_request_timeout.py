"""`x-request-timeout-ms`: a client may only shorten the deadline of its request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from graph.header_values import HeaderValues, by_name
from graph.http.exchange import request_timeout
from graph.http.responses import HttpError
from tests.faults.jumping_clock import jumping
from tests.support import Blocking, gateway
from tests.tables import table

if TYPE_CHECKING:
    import httpx

    from tests.support import Gateway

QUERY = '{ card(cardNo: "9491339400000013") { balance } }'
OURS = 5.0


def headers(*values: bytes) -> HeaderValues:
    return by_name([(b"x-request-timeout-ms", value) for value in values])


async def ask(running: Gateway, milliseconds: str) -> httpx.Response:
    headers = {"X-Request-Timeout-Ms": milliseconds}
    return await running.client.post("/graphql", json={"query": QUERY}, headers=headers)


def test_without_the_header_it_is_ours() -> None:
    assert request_timeout(headers(), OURS) == OURS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"0", 0.0),
        (b"1", 0.001),
        (b"0250", 0.25),
        (b"4999", 4.999),
        (b"5000", OURS),
        (b"5001", OURS),
        (b"999999999", OURS),
        (b"9999999999", OURS),
        (b"9" * 5000, OURS),
        (b"0" * 5000 + b"7", 0.007),
    ],
)
def test_a_whole_number_of_milliseconds_shortens_it(text: bytes, seconds: float) -> None:
    assert seconds == request_timeout(headers(text), OURS)


@table(
    "values",
    [
        [b""],
        [b" 5"],
        [b"-1"],
        [b"+1"],
        [b"1.5"],
        [b"1e3"],
        [b"1_0"],
        [b"0x10"],
        [b"1s"],
        [b"nan"],
        ["\N{SUPERSCRIPT TWO}".encode("latin-1")],
        [b"1,2"],
        [b"1", b"1"],
    ],
)
def test_anything_else_is_refused(values: list[bytes]) -> None:
    with pytest.raises(HttpError) as caught:
        request_timeout(headers(*values), OURS)

    assert caught.value.status == 400


@jumping
async def test_a_request_waits_no_longer_than_its_client() -> None:
    upstream = Blocking()
    async with gateway(upstream) as running:
        answer = await ask(running, "50")

    (error,) = answer.json()["errors"]
    assert (
        answer.status_code,
        error["extensions"]["code"],
        error["extensions"]["retryable"],
    ) == (200, "UPSTREAM_TIMEOUT", True)
    assert (upstream.calls, upstream.cancelled) == (1, 1)


@jumping
async def test_a_client_cannot_wait_longer_than_we_do() -> None:
    async with gateway(Blocking(), KONAGRAPH_REQUEST_TIMEOUT="0.05") as running:
        answer = await ask(running, "60000")

    assert answer.json()["errors"][0]["extensions"]["code"] == "UPSTREAM_TIMEOUT"


async def test_a_header_that_is_no_number_is_a_bad_request_that_does_not_repeat_it() -> None:
    async with gateway() as running:
        answer = await ask(running, "c4n4ry 9491339400000013")

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (400, "BAD_REQUEST")
    assert error["message"] == "The x-request-timeout-ms header must be one whole number of milliseconds."


async def test_a_page_of_an_allowed_origin_may_send_it() -> None:
    async with gateway(KONAGRAPH_ALLOWED_ORIGINS="https://app.example") as running:
        answer = await running.client.options(
            "/graphql",
            headers={
                "Origin": "https://app.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "x-request-timeout-ms",
            },
        )

    assert "x-request-timeout-ms" in answer.headers["access-control-allow-headers"].split(", ")
