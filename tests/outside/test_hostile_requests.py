"""Hostile HTTP requests."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.outside.attacked import PATIENCE
from tests.server.raw_http import Wire

if TYPE_CHECKING:
    from tests.outside.attacked import Attacked

# Not the example card of the explorer.
CARD: Final = "9491339400000021"
QUERY: Final = b'{"query":"{__typename}"}'
ANSWER: Final = {"data": {"__typename": "Query"}}


def post(*fields: bytes, body: bytes = QUERY, target: bytes = b"/graphql") -> bytes:
    """A valid request with additional header fields."""
    lines = [
        b"POST " + target + b" HTTP/1.1",
        b"Host: localhost",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join([*lines, *fields, b"", body])


def ask(gateway: Attacked, method: str, path: str, **fields: str) -> httpx.Response:
    """Request any path with any header fields, without following redirects."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    return httpx.request(method, f"http://127.0.0.1:{gateway.port}{path}", headers=headers, timeout=PATIENCE)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/graphql/",
        "/graphql%2f",
        "/livez/",
        "//evil.example/graphql/",
        f'/graphql/?query={{card(cardNo:"{CARD}")}}',
    ],
)
def test_no_answer_sends_a_client_with_its_request_elsewhere(
    open_gateway: Attacked, method: str, path: str
) -> None:
    answer = ask(open_gateway, method, path, host="evil.example")

    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "evil.example" not in str(answer.headers) + answer.text


@pytest.mark.parametrize(
    "path",
    [
        f"/{CARD}",
        f"/graphql/{CARD}",
        f"/graphql/explorer/{CARD}",
        f"/graphql;{CARD}",
        f"/graphql?{CARD}",
        f"/graphql?query={CARD}",
        f'/graphql?query={{card(cardNo:"{CARD}"){{balance}}}}',
        f"/graphql?query={{__typename}}&operationName={CARD}",
        f"/graphql?query=query($c:CardNumber!){{card(cardNo:$c){{balance}}}}&variables={{%22c%22:%22{CARD}%22}}",
        f"/graphql?documentId={CARD}",
        f"/graphql?extensions={{%22persistedQuery%22:{{%22version%22:1,%22sha256Hash%22:%22{CARD * 4}%22}}}}",
        "/graphql?query=%ff",
        "/graphql?query=%ed%a0%80",
        "/graphql?query=%00",
        "/graphql%00",
        "/%ff%fe",
    ],
)
def test_a_card_number_in_a_url_is_refused_and_not_repeated(open_gateway: Attacked, path: str) -> None:
    answer = ask(open_gateway, "GET", path)

    assert 200 <= answer.status_code < 500
    assert "data" not in answer.text
    assert CARD not in str(answer.headers) + answer.text


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "HEAD"])
def test_no_other_method_gives_anything_back(open_gateway: Attacked, method: str) -> None:
    answer = ask(open_gateway, method, "/graphql", cookie=CARD, x_card=CARD)

    assert answer.status_code == 405
    assert CARD not in str(answer.headers) + answer.text


@pytest.mark.parametrize(
    "name",
    [
        *(
            "accept-language",
            "authorization",
            "cookie",
            "forwarded",
            "from",
            "origin",
            "range",
            "referer",
            "traceparent",
        ),
        *("user-agent", "x-api-key", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "x-request-id"),
    ],
)
def test_a_card_number_in_a_header_goes_nowhere(open_gateway: Attacked, name: str) -> None:
    with Wire(open_gateway.port) as wire:
        wire.send(post(b"%s: %s" % (name.encode(), CARD.encode())))
        answer = wire.answer()

    assert answer.json() == ANSWER
    assert CARD not in str(answer.headers)


@pytest.mark.parametrize("separator", ["", "-", ".", "_"])
def test_a_card_number_is_no_request_id(open_gateway: Attacked, separator: str) -> None:
    number = separator.join(CARD[start : start + 4] for start in range(0, 16, 4))

    answer = ask(open_gateway, "GET", "/graphql?query={__typename}", x_request_id=number)

    assert answer.json() == ANSWER
    assert re.fullmatch("[a-z]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize(
    "name", ["accept", "authorization", "origin", "user-agent", "x-forwarded-for", "x-request-id"]
)
def test_bytes_that_are_no_text_in_a_header_harm_nothing(open_gateway: Attacked, name: str) -> None:
    with Wire(open_gateway.port) as wire:
        wire.send(post(name.encode() + b": \xff\xfe\x80abcdefgh"))
        answer = wire.answer()

    assert answer.status in (200, 406)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"[]", b"3", b'""', b"{}", QUERY + b"\x00", b"\xef\xbb\xbf" * 2 + QUERY, QUERY * 2),
        '{"query":"{__typename}"}'.encode("utf-16"),
        b'{"query":"{__typename}","\\u0071uery":"{__typename}"}',
        b'{"query":"{__typename}","variables":{"a":[{"b":1,"b":1}]}}',
        b'{"query":1e999}',
        b'{"query":NaN}',
        b'{"query":{"query":"{__typename}"}}',
        b'{"query":"{__typename}","variables":{"a":' + b"9" * 5000 + b"}}",
        b'{"query":"{__typename}","variables":' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
        b'{"query":"{__typename}","extensions":{"persistedQuery":[]}}',
        b'{"query":"{__typename}","documentId":"' + CARD.encode() + b'"}',
        b'{"query":"{__typename}","operationName":"' + CARD.encode() + b'"}',
    ],
)
def test_a_body_that_is_no_request_is_a_bad_request(open_gateway: Attacked, body: bytes) -> None:
    with Wire(open_gateway.port) as wire:
        wire.send(post(body=body))
        answer = wire.answer()
        # It must not affect the next request on the connection.
        wire.send(post())
        assert wire.answer().json() == ANSWER

    assert answer.status == 400
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["BAD_REQUEST"]
    assert CARD not in json.dumps(answer.json())


@pytest.mark.parametrize(
    "body",
    [
        b'{"query":"{__typename}#\\ud800"}',
        b'{"query":"{__typename}#\\udc00","extensions":{"persistedQuery":{"version":1,"sha256Hash":"a"}}}',
        b'{"query":"{__typename}","variables":{"' + CARD.encode() + b'":"\xed\xa0\x80"}}',
    ],
)
def test_half_a_character_is_bad_input(open_gateway: Attacked, body: bytes) -> None:
    with Wire(open_gateway.port) as wire:
        wire.send(post(body=body))
        answer = wire.answer()
        wire.send(post())
        assert wire.answer().json() == ANSWER

    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["BAD_USER_INPUT"]
    assert CARD not in json.dumps(answer.json())


CHUNKED = (
    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nUpgrade: x\r\n"
    b"Connection: upgrade\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nX: y\r\n\r\n" % (len(QUERY), QUERY)
)


@pytest.mark.parametrize(
    "first",
    [
        post(b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
        post(b"Upgrade: websocket", b"Upgrade: h2c", b"Connection: upgrade", b"Sec-WebSocket-Key: x"),
        post(b"Upgrade: TLS/1.0", b"Connection: Upgrade", target=b"http://localhost/graphql"),
        CHUNKED,
    ],
)
@pytest.mark.parametrize("size", [1, 37, 10_000])
def test_an_offer_to_change_the_protocol_hides_no_request(open_gateway: Attacked, first: bytes, size: int) -> None:
    data = first + post()
    with Wire(open_gateway.port) as wire:
        for start in range(0, len(data), size):
            wire.send(data[start : start + size])

        assert wire.answer().json() == ANSWER
        assert wire.answer().json() == ANSWER
