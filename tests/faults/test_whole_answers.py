"""An upstream whose response for one card is valid HTTP, but not a card."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from graph.resilience.guard import GuardRules
from graph.resilience.retry_budget import RetryRules
from tests.faults.card_upstream import BAD, BALANCE, WELL, CardUpstream, say
from tests.faults.jumping_clock import jumping
from tests.faults.rows import INVALID, UNAVAILABLE, Row, check
from tests.faults.whole_gateway import BOTH, Failure, failures, gateway_over
from tests.konaplate.faulty_upstream import head, http
from tests.konaplate.support import card_fields, encoded, without

if TYPE_CHECKING:
    from tests.konaplate.faulty_upstream import Connection

REJECTED, ERROR = "UPSTREAM_REJECTED", "UPSTREAM_ERROR"
HTML = b"<html><body>9491339400009999</body></html>"


def useless(raw: bytes) -> Row:
    """A response of no documented form: a retry would get it again, and it is not an outage."""
    return Row(say(raw), INVALID, 1, retryable=False, counted=False)


def business(code: str, expected: str, *, retryable: bool = False, status: str = "400 Bad Request") -> Row:
    """A code of Konaplate: never retried, never an outage."""
    body = encoded({"response": {"code": code, "description": "9491339400009999"}})
    return Row(say(http(body, status)), expected, 1, retryable=retryable, counted=False)


USELESS: dict[str, Row] = {
    "200 with HTML": useless(http(HTML, headers=["Content-Type: text/html"])),
    "200 with HTML that claims to be JSON": useless(http(HTML, headers=["Content-Type: application/json"])),
    "204": useless(head("HTTP/1.1 204 No Content")),
    "empty": useless(http()),
    "empty object": useless(http(b"{}")),
    "a list": useless(http(b"[]")),
    "null": useless(http(b"null")),
    "UTF-16": useless(http(WELL.decode().encode("utf-16"))),
    "a number of 10,000 digits": useless(http(WELL.replace(b"9999999999", b"9" * 10_000 + b"x"))),
    "deep nesting": useless(http(b"[" * 100_000)),
    "deep nesting of objects": useless(http(b'{"a":' * 40_000)),
    "garbage after the object": useless(http(WELL + b"}garbage")),
    "two objects": useless(http(WELL + WELL)),
    "cut off within the object": useless(http(WELL[:-1])),
    "no code and not all required fields": useless(http(encoded(without(card_fields(), "balance")))),
    "redirect elsewhere": useless(http(b"", "302 Found", ["Location: http://127.0.0.1:1/"])),
    "redirect to itself": useless(
        http(b"", "307 Temporary Redirect", ["Location: /open-api/api/v1/user/card/info"])
    ),
    "redirect without a location": useless(http(b"", "308 Permanent Redirect")),
    "redirect with a good body": useless(http(WELL, "301 Moved Permanently", ["Location: http://[bad"])),
    "304": useless(head("HTTP/1.1 304 Not Modified")),
    "404": useless(http(HTML, "404 Not Found")),
    "409": useless(http(b"", "409 Conflict")),
    "413": useless(http(b"", "413 Payload Too Large")),
    "418 with a good body": useless(http(WELL, "418 I'm a teapot")),
}

STATUSES: dict[str, Row] = {
    "401": Row(say(http(b"who are you?", "401 Unauthorized")), REJECTED, 1, retryable=False, counted=False),
    "403": Row(say(http(b"", "403 Forbidden")), REJECTED, 1, retryable=False, counted=False),
    "429": Row(say(http(b"", "429 Too Many Requests")), UNAVAILABLE, 1, counted=False),
    "500 with text": Row(say(http(b"oops", "500 Internal Server Error")), UNAVAILABLE, 1),
    "500 with a good body": Row(say(http(WELL, "500 Internal Server Error")), UNAVAILABLE, 1),
    "501": Row(say(http(b"", "501 Not Implemented")), UNAVAILABLE, 1),
    "599": Row(say(http(b"", "599 Odd")), UNAVAILABLE, 1),
    "502": Row(say(http(HTML, "502 Bad Gateway")), UNAVAILABLE, 2),
    "503": Row(say(http(b"", "503 Service Unavailable")), UNAVAILABLE, 2),
    "504": Row(say(http(b"", "504 Gateway Timeout")), UNAVAILABLE, 2),
}

CODES: dict[str, Row] = {
    **{code: business(code, "BAD_USER_INPUT") for code in ("000_002", "000_003", "000_015")},
    **{code: business(code, "CARD_NOT_FOUND") for code in ("003_001", "003_008", "003_021", "003_022", "006_029")},
    **{code: business(code, "MEMBER_NOT_FOUND") for code in ("001_006", "001_087")},
    **{code: business(code, REJECTED) for code in ("010_001", "020_001", "020_998")},
    **{code: business(code, ERROR, retryable=True) for code in ("002_018", "006_022", "900_001")},
    "unknown code": business("777_777", ERROR),
    "a code of three parts": business("218_1000_001", ERROR),
    "error envelope under 200": business("003_001", "CARD_NOT_FOUND", status="200 OK"),
    "system error under 500": business("006_022", ERROR, retryable=True, status="500 Internal Server Error"),
    "no such card under 503": business("003_001", "CARD_NOT_FOUND", status="503 Service Unavailable"),
    "no such card under 404": business("003_001", "CARD_NOT_FOUND", status="404 Not Found"),
}

EVERY = {**USELESS, **STATUSES, **CODES}


@pytest.mark.parametrize("row", EVERY.values(), ids=EVERY)
@jumping
async def test_an_answer_without_a_card_fails_one_card_and_its_connection_is_kept(row: Row) -> None:
    took = await check(row, CardUpstream(row.act), keeps=True)
    if row.attempts == 1:
        assert took == 0
    else:
        assert 0.05 <= took <= 0.25


@pytest.mark.parametrize("name", ["502", "503", "504"])
@jumping
async def test_a_bad_gateway_that_passes_is_not_seen(name: str) -> None:
    upstream = CardUpstream(STATUSES[name].act, say(http(WELL)))
    async with gateway_over(upstream) as gateway:
        answer = await gateway.query(BOTH)
    assert answer == {"data": {"good": {"balance": BALANCE}, "bad": {"balance": BALANCE}}}
    assert len(upstream.bad_calls) == 2


@jumping
async def test_a_redirect_is_never_followed() -> None:
    async def redirect(connection: Connection, _request: bytes) -> None:
        for_others = f"Location: http://127.0.0.1:{elsewhere.port}/open-api/api/v1/user/card/info"
        await connection.send(http(b"", "307 Temporary Redirect", [for_others]))

    elsewhere, upstream = CardUpstream(), CardUpstream(redirect)
    async with elsewhere, gateway_over(upstream) as gateway:
        answer = await gateway.query(BOTH)
    assert [error["extensions"]["code"] for error in answer["errors"]] == [INVALID]
    assert elsewhere.connections == []


@jumping
async def test_nothing_that_the_upstream_wrote_is_shown() -> None:
    for row in EVERY.values():
        async with gateway_over(CardUpstream(row.act), GuardRules(RetryRules(attempts=1))) as gateway:
            response = await gateway.post(BOTH)
        (error,) = response.json()["errors"]
        assert error["extensions"]["upstream"].keys() == {"api", "code", "status", "correlationId"}
        for secret in ("9491339400009999", "html", "oops", "who are you", "Location"):
            assert secret not in response.text


@jumping
async def test_a_deadline_between_two_attempts_is_kept() -> None:
    # The pause before the second attempt is longer than the client waits.
    loop = asyncio.get_running_loop()
    upstream = CardUpstream(STATUSES["503"].act)
    async with gateway_over(upstream, GuardRules(RetryRules(backoff_min=1, backoff_max=1))) as gateway:
        answer = (await gateway.post(BOTH, None, **{"x-request-timeout-ms": "150"})).json()
        assert pytest.approx(loop.time()) == 0.15
        await asyncio.sleep(5)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UPSTREAM_TIMEOUT"]
    assert answer["data"]["good"] == {"balance": BALANCE}
    # Nobody waits for it any more.
    assert len(upstream.bad_calls) == 1


@pytest.mark.parametrize(
    ("whole", "broken", "path"),
    [
        (b"ACTIVE", b"\xff\xfe", "cardStatus"),
        (b"ACTIVE", b"\\ud800", "cardStatus"),
        (b"9999999999", b"NaN", "balance"),
        (b"9999999999", b"1e400", "balance"),
    ],
)
async def test_a_broken_value_is_null_at_its_own_path_and_the_others_answer(
    whole: bytes, broken: bytes, path: str
) -> None:
    upstream = CardUpstream(say(http(b"\xef\xbb\xbf" + WELL.replace(whole, broken))))
    query = f'{{ card(cardNo: "{BAD}") {{ balance serviceId cardStatus }} }}'
    well = {"balance": BALANCE, "serviceId": "100000000000001", "cardStatus": "ACTIVE"}
    async with gateway_over(upstream) as gateway:
        answer = await gateway.query(query)
    assert {**well, path: None} == answer["data"]["card"]
    assert [Failure(["card", path], "UPSTREAM_INVALID_RESPONSE", False)] == failures(answer)
