"""Valid documents and requests with many small mutations."""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
from typing import TYPE_CHECKING, Final

import httpx

from tests.outside.attacked import PATIENCE

if TYPE_CHECKING:
    from tests.outside.attacked import Attacked

# None of those that the explorer lists: it is in nobody's answer unless it was repeated.
CARD: Final = "9491339420010018"
SEED: Final = 20260101
"""The same mistakes each time."""

DOCUMENTS: Final = (
    """query Q($c:CardNumber!,$d:[CardNumber!]!,$b:Boolean=true){a:card(cardNo:$c)@include(if:$b){...F}
    cards(cardNos:$d){maskedCardNo member{userId}}}fragment F on Card{cashReceiptInfo{manYn}}""",
    '{__schema{types{name fields(includeDeprecated:true){args{defaultValue}}}}__type(name:"Card"){kind}}',
    f'query A{{card(cardNo:"{CARD}"){{balance ...on Card{{ownerKa}}}}}}query B{{__typename}}',
)
TOKEN: Final = re.compile(r'"[^"]*"|\.\.\.|\$?\w+|[^\s\w]')
TOKENS: Final = (
    *"{}()[]:!=@|&",
    *("...", "$c", "mutation", "fragment", "on", "null", "card", "cardNo", "Card", "Query", f'"{CARD}"', CARD),
    *(f"c{CARD}", "1e9", "-0", '"""x\n  y"""', "@skip(if:true)", "#c\n", "\ufeff", "extend", "type", "{a:1}"),
    *('"', "\x00", "٣", "a" * 300, "é", "\u2028", "\\u0039"),
)
CODES: Final = {
    *("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "BAD_REQUEST"),
    *("QUERY_LIMIT_EXCEEDED", "CARD_NOT_FOUND"),
}

_QUERY: Final = b'{"query":"{__typename}"}'
_HEAD: Final = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
REQUESTS: Final = (
    _HEAD + b"Content-Length: 24\r\n\r\n" + _QUERY,
    _HEAD + b"Transfer-Encoding: chunked\r\n\r\n18\r\n" + _QUERY + b"\r\n0\r\nX: y\r\n\r\n",
    (
        b"GET /graphql?query={__typename} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html;q=0.9,*/*\r\n"
        b"Upgrade: x\r\n\r\n"
    ),
    (
        b"GET http://localhost/livez HTTP/1.0\r\nHost: localhost\r\n"
        b"Connection: keep-alive\r\n\r\nHEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    ),
)
BYTES: Final = (
    *(b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b":", b"\xff", b"\x80" * 40, b"#", b"?", b"//", b"%00"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n"),
    *(b"Upgrade: x\r\n", b"Connection: close\r\n", b"Connection: upgrade\r\n", b"Expect: 100-continue\r\n"),
    *(b"Host: b\r\n", b"0\r\n\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"HEAD ", b"CONNECT ", b"OPTIONS * ", b"HTTP/2.0"),
    *(CARD.encode(), b";a=b"),
)


def mutated_document(chance: random.Random) -> str:
    """A valid document with one to three tokens inserted, deleted or moved."""
    tokens = TOKEN.findall(chance.choice(DOCUMENTS))
    for _ in range(chance.randint(1, 3)):
        here, there = chance.randrange(len(tokens)), chance.randrange(len(tokens))
        match chance.randrange(5):
            case 0:
                del tokens[here]
            case 1:
                tokens.insert(here, chance.choice(TOKENS))
            case 2:
                tokens[here] = chance.choice(TOKENS)
            case 3:
                tokens[here], tokens[there] = tokens[there], tokens[here]
            case _:
                tokens[here:here] = tokens[min(here, there) : max(here, there)]
    return " ".join(tokens)


def mutated_request(chance: random.Random) -> bytes:
    """One or two valid requests with a few bytes inserted, deleted or changed."""
    data = bytearray(chance.choice(REQUESTS) * chance.randint(1, 2))
    for _ in range(chance.randint(1, 4)):
        here, there = chance.randrange(len(data)), chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[here:here] = chance.choice(BYTES)
            case 1:
                data[here] = chance.randrange(256)
            case 2:
                del data[here : here + chance.randint(1, 12)]
            case _:
                data[here:here] = data[min(here, there) : max(here, there)]
    return bytes(data)


def answers_to(port: int, data: bytes) -> bytes:
    """Everything up to the end of the connection, which the server must close."""
    answers = b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        try:
            connection.sendall(data)
            # Otherwise it would wait for the rest of an incomplete request.
            connection.shutdown(socket.SHUT_WR)
        except TimeoutError:
            raise
        except OSError:
            # The other side has closed it; what it sent before can still be read.
            pass
        with contextlib.suppress(ConnectionError):
            while received := connection.recv(1 << 16):
                answers += received
    return answers


def test_no_mutation_of_a_document_is_unforeseen(open_gateway: Attacked) -> None:
    chance = random.Random(SEED)  # noqa: S311 - not for secrets
    outcomes = set()
    with httpx.Client(timeout=PATIENCE) as client:
        for _ in range(600):
            body = {"query": mutated_document(chance), "variables": {"c": CARD, "d": [CARD]}}
            answer = client.post(open_gateway.url, json=body)
            assert answer.status_code in (200, 400)
            errors = answer.json().get("errors", ())
            outcomes |= {error["extensions"]["code"] for error in errors} or {"OK"}
            # The path has the client's own names.
            assert CARD not in json.dumps([{**error, "path": None} for error in errors])

    assert {"OK", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"} <= outcomes
    assert CODES | {"OK"} >= outcomes


def test_no_mutation_of_a_request_is_unforeseen(open_gateway: Attacked) -> None:
    chance = random.Random(SEED)  # noqa: S311 - not for secrets
    statuses = set()
    for _ in range(800):
        answers = answers_to(open_gateway.port, mutated_request(chance))
        assert CARD.encode() not in answers
        statuses |= {int(status) for status in re.findall(rb"^HTTP/1\.1 (\d{3}) ", answers, re.MULTILINE)}

    assert {200, 400, 415} <= statuses
    # The required status for an unsupported version.
    assert {505} >= {status for status in statuses if status >= 500}
