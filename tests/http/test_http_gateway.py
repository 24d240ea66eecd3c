"""Bad requests to the whole gateway on a real socket: status, code and common headers."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from graph.app import create_app
from graph.sandbox.ledger import FIRST_CARD
from tests.server.live_server import serving
from tests.server.raw_http import RawAnswer, Wire
from tests.support import sandbox_settings, sandbox_transport

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = b"Host: gateway.example"
JSON = b"Content-Type: application/json"
TYPENAME = b'{"query": "{ __typename }"}'
CARD = b'{ card(cardNo: \\"%s\\") { maskedCardNo } }' % FIRST_CARD.encode()


@pytest.fixture(scope="module")
def gateway_port() -> Iterator[int]:
    with serving(create_app(sandbox_settings(), transport=sandbox_transport())) as live:
        yield live.port


def post(body: bytes, *fields: bytes, content_type: bytes = JSON) -> bytes:
    lines = [b"POST /graphql HTTP/1.1", HOST, content_type, b"Content-Length: %d" % len(body), *fields, b"", body]
    return b"\r\n".join(lines)


def get(query: str, *fields: bytes) -> bytes:
    return b"\r\n".join([b"GET /graphql?query=" + query.encode() + b" HTTP/1.1", HOST, *fields, b"", b""])


def with_card(card: str) -> bytes:
    body = {"query": "query ($n: CardNumber!) { card(cardNo: $n) { balance } }", "variables": {"n": card}}
    return json.dumps(body).encode()


def chunked(body: bytes) -> bytes:
    head = b"\r\n".join([b"POST /graphql HTTP/1.1", HOST, JSON, b"Transfer-Encoding: chunked", b"", b""])
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def ask(port: int, data: bytes) -> RawAnswer:
    with Wire(port) as wire:
        wire.send_until_refused(data)
        return wire.answer(head_only=data.startswith(b"HEAD "))


def codes(answer: RawAnswer) -> list[str]:
    payload: Any = answer.json()
    return [error["extensions"]["code"] for error in payload.get("errors", [])]


def assert_is_private(answer: RawAnswer) -> None:
    assert answer.values("cache-control") == ["private, no-store"]
    assert answer.values("x-content-type-options") == ["nosniff"]
    assert answer.values("x-frame-options") == ["DENY"]
    assert answer.values("referrer-policy") == ["no-referrer"]
    assert answer.values("cross-origin-resource-policy") == ["same-origin"]
    assert len(answer.values("content-security-policy")) == 1
    assert len(answer.values("x-request-id")) == 1
    assert answer.values("server") == []
    assert answer.values("x-powered-by") == []


LARGE = b'{"query": "' + b" " * 65_536 + b'{ __typename }"}'
TYPE = b"Content-Type: "
REFUSED = {
    "text": (post(TYPENAME, content_type=TYPE + b"text/plain"), 415),
    "a form": (post(b"query=x", content_type=TYPE + b"application/x-www-form-urlencoded"), 415),
    "multipart": (post(TYPENAME, content_type=TYPE + b"multipart/form-data; boundary=x"), 415),
    "no content type": (post(TYPENAME, content_type=b"X: y"), 415),
    "an empty content type": (post(TYPENAME, content_type=TYPE), 415),
    "two content types": (post(TYPENAME, JSON), 415),
    "latin1": (post(TYPENAME, content_type=JSON + b"; charset=latin1"), 415),
    "UTF-16": (post(TYPENAME.decode().encode("utf-16"), content_type=JSON + b"; charset=utf-16"), 415),
    "gzip": (post(gzip.compress(TYPENAME), b"Content-Encoding: gzip"), 415),
    "deflate": (post(zlib.compress(TYPENAME), b"Content-Encoding: deflate"), 415),
    "brotli": (post(TYPENAME, b"Content-Encoding: br"), 415),
    "gzip that it does not mention": (post(gzip.compress(TYPENAME)), 400),
    "a body over the cap": (post(LARGE), 413),
    "a body over the cap in chunks": (chunked(LARGE), 413),
    "a body announced over the cap": (post(b"", b"X: y").replace(b"Length: 0", b"Length: 99999999999"), 413),
    "no body": (post(b""), 400),
    "invalid UTF-8": (post(b'{"query": "\xff"}'), 400),
    "a NUL after the body": (post(TYPENAME + b"\0"), 400),
    "a NUL in the body": (post(b'{"query": "{ __typename \0}"}'), 400),
    "a batch": (post(b"[" + TYPENAME + b"]"), 400),
    "deep nesting": (post(b'{"variables": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"), 400),
    "a huge number": (post(b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 5_000 + b"}}"), 400),
    "GET of a card": (get('{card(cardNo:"9491339400000013"){balance}}'), 405),
    "GET of cards": (get("query($n:[CardNumber!]!){cards(cardNos:$n){balance}}"), 405),
    "QUERY without a body": (post(b"").replace(b"POST", b"QUERY"), 400),
    "QUERY of another type": (
        post(TYPENAME, content_type=b"Content-Type: application/graphql").replace(b"POST", b"QUERY"),
        415,
    ),
    "QUERY over the cap": (post(LARGE).replace(b"POST", b"QUERY"), 413),
    "QUERY over the cap in chunks": (chunked(LARGE).replace(b"POST", b"QUERY"), 413),
    "QUERY with CL and TE": (post(TYPENAME, b"Transfer-Encoding: chunked").replace(b"POST", b"QUERY"), 400),
    "query in small letters": (post(TYPENAME).replace(b"POST", b"query"), 400),
    "PUT": (post(TYPENAME).replace(b"POST", b"PUT"), 405),
    "DELETE": (post(b"").replace(b"POST", b"DELETE"), 405),
    "TRACE": (post(b"").replace(b"POST", b"TRACE"), 405),
    "OPTIONS": (post(b"").replace(b"POST", b"OPTIONS"), 405),
    "CONNECT": (b"CONNECT gateway.example:443 HTTP/1.1\r\n" + HOST + b"\r\n\r\n", 405),
    "a media type that is not there": (post(TYPENAME, b"Accept: image/png"), 406),
    "CL and TE": (post(TYPENAME, b"Transfer-Encoding: chunked"), 400),
    "two lengths": (post(TYPENAME, b"Content-Length: 5"), 400),
    "a folded line": (post(TYPENAME, b"X: a\r\n b"), 400),
    "a bare LF": (post(TYPENAME, b"X: a\nY: b"), 400),
    "no host": (post(TYPENAME).replace(HOST, b"X: y"), 400),
    "two hosts": (post(TYPENAME, HOST), 400),
    "a foreign host": (post(TYPENAME).replace(HOST, b"Host: a b"), 400),
    "a control character in the request's id": (post(TYPENAME, b"X-Request-Id: aaaaaaaa\x07"), 400),
    "25 MB of header": (post(TYPENAME, b"X: " + b"a" * 25_000_000), 431),
    "200,000 fields": (post(TYPENAME, *[b"X: a"] * 200_000), 431),
    "a URL of 5 KB": (get("a" * 5_000), 414),
}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED)
def test_a_bad_request_has_its_status_and_is_told_why(gateway_port: int, data: bytes, status: int) -> None:
    answer = ask(gateway_port, data)

    assert status == answer.status
    assert codes(answer) == ["BAD_REQUEST"]
    assert "data" not in answer.json()
    assert_is_private(answer)
    if status == 405:
        assert answer.values("allow")[0] in ("POST, QUERY", "GET, POST, QUERY")


@pytest.mark.parametrize("method", [b"POST", b"QUERY"])
def test_a_good_request_is_answered_in_private(gateway_port: int, method: bytes) -> None:
    answer = ask(gateway_port, post(b'{"query": "' + CARD + b'"}').replace(b"POST", method))

    assert answer.json() == {"data": {"card": {"maskedCardNo": f"{FIRST_CARD[:6]}******{FIRST_CARD[-4:]}"}}}
    assert_is_private(answer)


def test_get_is_answered_where_no_card_is_asked_for(gateway_port: int) -> None:
    answer = ask(gateway_port, get("{__typename}"))

    assert (answer.status, answer.json()) == (200, {"data": {"__typename": "Query"}})
    assert_is_private(answer)


@pytest.mark.parametrize(
    "target",
    [b"/", b"/livez", b"/nowhere", b"/graphql/", b"/graphql/explorer/x", b"/graphql/schema.graphql/", b"//"],
)
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST", b"TRACE"])
def test_every_other_path_answers_in_private_and_repeats_nothing(
    gateway_port: int, method: bytes, target: bytes
) -> None:
    data = b"%s %s?canary HTTP/1.1\r\n%s\r\nX-Canary: canary\r\n\r\n" % (method, target, HOST)

    answer = ask(gateway_port, data)

    assert answer.status in (200, 307, 404, 405)
    assert b"canary" not in answer.body
    assert not [value for _, value in answer.headers if "gateway.example" in value or "canary" in value]
    assert_is_private(answer)


@pytest.mark.parametrize(
    "card",
    [
        "９４９１３３９４０００００１３",
        "949133940000001\n",
        "9491339400000013\n",
        "\r\n9491339400000013",
        "9491339400000013\0",
        "94913394000000\u200b13",
        "949133940000001\u0663",
        " 9491339400000013",
        "\x1b[31m9491339400000013",
    ],
    ids=repr,
)
def test_odd_characters_in_a_card_number_are_bad_input_and_not_repeated(gateway_port: int, card: str) -> None:
    answer = ask(gateway_port, post(with_card(card)))

    assert codes(answer) == ["BAD_USER_INPUT"]
    assert json.dumps(card).strip('"').encode() not in answer.body
    assert card.encode() not in answer.body
    assert_is_private(answer)


@pytest.mark.parametrize(
    "offered",
    [
        "９４９１３３９４０００００００１３".encode(),
        b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8",
        b"aaaa\taaaa",
        b"aaaa, bbbb",
        b"9491339400000013",
        b"",
        b"a" * 20_000,
    ],
    ids=lambda offered: repr(offered[:20]),
)
def test_an_odd_request_id_is_replaced(gateway_port: int, offered: bytes) -> None:
    answer = ask(gateway_port, post(TYPENAME, b"X-Request-Id: " + offered))

    (request_id,) = answer.values("x-request-id")
    assert answer.status == 200
    assert len(request_id) == 32
    assert request_id.isalpha()


@pytest.mark.parametrize("body", [LARGE, b"x" * 2_000_000], ids=["over the cap", "far over the cap"])
def test_a_connection_is_of_use_after_a_body_that_was_too_large(gateway_port: int, body: bytes) -> None:
    with Wire(gateway_port) as wire:
        wire.send(post(body))
        assert wire.answer().status == 413
        wire.send(post(TYPENAME))
        assert wire.answer().json() == {"data": {"__typename": "Query"}}


def test_a_body_may_come_byte_by_byte(gateway_port: int) -> None:
    with Wire(gateway_port) as wire:
        for byte in post(TYPENAME):
            wire.send(bytes([byte]))
        assert wire.answer().json() == {"data": {"__typename": "Query"}}
