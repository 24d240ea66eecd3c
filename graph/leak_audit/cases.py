"""The requests of a leak audit: good ones, every reserved failure, and every bad input."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS, FIRST_CARD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DIGITS: Final = FIRST_CARD[:10]

BAD_CARD_NUMBERS: Final[Mapping[str, Any]] = {
    "fifteen digits": f"{_DIGITS}00013",
    "seventeen digits": f"{_DIGITS}0000013",
    "letters": f"{_DIGITS}00001x",
    "full-width digits": f"{_DIGITS}0000\uff11\uff13",
    "Arabic digits": f"{_DIGITS}0000\u0661\u0663",
    "a line break behind": f"{_DIGITS}000013\n",
    "a line break within": f"{_DIGITS}000\n13",
    "a carriage return": f"{_DIGITS}000013\r",
    "spaces": f"9491 3394 0000 0013 {_DIGITS}",
    "a NUL": f"{_DIGITS}000013\x00",
    "an injection": f'{_DIGITS}","userId":1,"x":"',
    "a header injection": f"{_DIGITS}\r\nX-KM-User-AspId: 1",
    "empty": "",
    "a JSON number": int(FIRST_CARD),
    "a huge number": int(f"{FIRST_CARD}0000000000"),
    "a fraction": int(FIRST_CARD) + 0.5,
    "null": None,
    "true": True,
    "a list": [FIRST_CARD],
    "an object": {"cardNo": FIRST_CARD},
}
"""What is no card number. Most hold the digits of one, so that an echo is found."""

_MASKED: Final = """maskedCardNo balance cardStatus cardStatusRaw serviceId serviceName ownerKa isRegistered
  isAutoRechargeBeforePayment cashReceiptInfo { approvalDiv approvalDivRaw maskedIdNo manYn manYnRaw }
  member { profile { aspId nationality gender joinChannel } }"""
_CLEAR: Final = """cardNo cashReceiptInfo { idNo }
  member { userId profile { userName mobileNumber email loginId birthDate addressInfo { address zipCode } } }"""


@dataclass(frozen=True, slots=True)
class Case:
    """One request. Where `clear` is set, the answer itself is allowed to hold what it was asked for."""

    name: str
    body: bytes
    method: str = "POST"
    path: str = "/graphql"
    headers: Mapping[str, str] = field(default_factory=dict)
    clear: bool = False


def cases() -> Iterator[Case]:
    """Every case."""
    yield from _good()
    yield from _failures()
    yield from _bad_numbers()
    yield from _bad_documents()
    yield from _bad_http()


def _graphql(
    name: str,
    query: str,
    variables: Any = None,
    *,
    clear: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Case:
    body = json.dumps({"query": query, "variables": variables}).encode()
    return Case(name, body, headers=headers or {}, clear=clear)


def _good() -> Iterator[Case]:
    numbers = list(CARDS)
    for fields, clear in ((_MASKED, False), (_CLEAR, True)):
        listed = f"query ($n: [CardNumber!]!) {{ cards(cardNos: $n) {{ {fields} }} }}"
        yield _graphql("a list of cards", listed, {"n": numbers}, clear=clear)
        literals = f"{{ cards(cardNos: {json.dumps(numbers)}) {{ {fields} }} }}"
        yield _graphql("inline cards", literals, {"konagraph_card_00": numbers[-1]}, clear=clear)
        for number in numbers:
            yield _graphql("an inline card", f'{{ card(cardNo: "{number}") {{ {fields} }} }}', clear=clear)


def _failures() -> Iterator[Case]:
    for fault in FAULTS.values():
        query = f"query ($n: CardNumber!) {{ card(cardNo: $n) {{ {_MASKED} }} }}"
        yield _graphql(f"failure: {fault.shows}", query, {"n": fault.number})
        yield _graphql(f"inline failure: {fault.shows}", f'{{ card(cardNo: "{fault.number}") {{ {_MASKED} }} }}')


def _bad_numbers() -> Iterator[Case]:
    for name, value in BAD_CARD_NUMBERS.items():
        query = "query ($n: CardNumber!) { card(cardNo: $n) { balance } }"
        yield _graphql(f"bad variable: {name}", query, {"n": value})
        literal = json.dumps(value, ensure_ascii=False)
        yield _graphql(f"bad literal: {name}", f"{{ card(cardNo: {literal}) {{ balance }} }}")


def _bad_documents() -> Iterator[Case]:
    number = FIRST_CARD
    yield _graphql("an unclosed literal", f'{{ card(cardNo: "{number}')
    yield _graphql("a number as an alias", f"{{ a{number}: nothing }}")
    yield _graphql(
        "a number as a variable's name", f"query ($n{number}: Int) {{ card(cardNo: $n{number}) {{ x }} }}"
    )
    yield _graphql("a number as an operation's name", f"query Q{number} {{ nothing }}")
    yield _graphql("a number as the name of a good operation", f"query Q{number} {{ __typename }}")
    yield _graphql("a number in a comment", f"{{ nothing }} # {number}")
    yield _graphql("a number as an argument's name", f'{{ card(n{number}: "{number}") {{ balance }} }}')
    yield _graphql("a number as a directive", f'{{ card(cardNo: "{number}") @d{number} {{ balance }} }}')
    yield _graphql("a number as a type", f"{{ ... on T{number} {{ balance }} }}")
    yield _graphql("a number as a fragment", f"{{ ...F{number} }}")
    yield _graphql("a literal without subfields", f'{{ card(cardNo: "{number}") }}')
    yield _graphql(
        "too many cards", "query ($n: [CardNumber!]!) { cards(cardNos: $n) { balance } }", {"n": [number] * 50}
    )
    yield _graphql(
        "an escaped literal", '{ card(cardNo: "' + "".join(f"\\u{ord(c):04x}" for c in number) + '") { x } }'
    )
    yield _graphql("a number as the request's id", "{ nothing }", headers={"x-request-id": number})
    for name in ("traceparent", "tracestate", "baggage", "user-agent", "x-forwarded-for", "x-request-timeout-ms"):
        yield _graphql(f"a number as {name}", "{ nothing }", headers={name: number})
    trace = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "tracestate": f"a={number}", "baggage": number}
    yield _graphql("a number beside a good trace", "{ nothing }", headers=trace)
    traceparent = f"00-{number}{number}-{number}-01"
    yield _graphql("a number in the ids of a trace", "{ nothing }", headers={"traceparent": traceparent})
    yield _graphql("a number as a token", "{ nothing }", headers={"authorization": f"Bearer {number}"})
    yield _graphql("a number as an API key", "{ nothing }", headers={"x-api-key": number})


def _bad_http() -> Iterator[Case]:
    number = FIRST_CARD
    document = f'{{ card(cardNo: "{number}") {{ balance }} }}'
    yield Case("an unknown path", b"", method="GET", path=f"/cards/{number}")
    yield Case("an explorer file", b"", method="GET", path=f"/graphql/explorer/{number}")
    yield Case(
        "GET with a card number", b"", method="GET", path=f'/graphql?query={{card(cardNo:"{number}"){{balance}}}}'
    )
    yield Case("GET that is no document", b"", method="GET", path=f"/graphql?query={number}&variables={number}")
    yield Case("no JSON", document.encode())
    yield Case("a truncated body", json.dumps({"query": document}).encode()[:-3])
    yield Case("a batch", json.dumps([{"query": document}]).encode())
    yield Case("another content type", document.encode(), headers={"content-type": "application/graphql"})
    yield Case("a compressed body", document.encode(), headers={"content-encoding": "gzip"})
    yield Case("another method", document.encode(), method="PUT")
    yield Case(
        "an unknown operation", json.dumps({"query": "query A { __typename }", "operationName": number}).encode()
    )
    yield Case("a number as the method", document.encode(), method=number)
    yield Case("too large", b'{"query": "' + number.encode() * 10_000 + b'"}')
    yield Case("variables of another type", json.dumps({"query": document, "variables": number}).encode())
