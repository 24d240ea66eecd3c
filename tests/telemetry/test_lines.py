"""Log lines: always ASCII, the same for our events and libraries', with fields in a stable order."""

from __future__ import annotations

import json
import logging
import re
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.http.report import RequestReport
from graph.konaplate.client import CallReport
from graph.konaplate.errors import CallDetails, Cause
from graph.security.audit import AuditEvent
from graph.telemetry.audit_log import AuditLog
from graph.telemetry.logs import to_json
from graph.telemetry.redaction import redact_event
from schema.secrets import CardNo, PersonalText
from tests.telemetry.capture import events, log, logs_as
from tests.telemetry.reports import Reports

if TYPE_CHECKING:
    from collections.abc import Callable

CARD = "9491339400000013"
HASH = f"{CARD}abcdef{CARD}abcdef{CARD}abcd"


class Word(StrEnum):
    """A text of another kind."""

    CARD = CARD
    SHORT = "short"


class Figure(IntEnum):
    """A number of another kind."""

    CARD = int(CARD)
    SMALL = 3


DIGITS = st.text("0123456789 -._,x５٣", min_size=8, max_size=24)
TEXTS = (
    st.text()
    | st.tuples(st.text(), DIGITS, st.text()).map("".join)
    | st.sampled_from([CARD, HASH, HASH[:-1], "221108120814-0123456", "9491-3394 0000.0013", "\ud800", "\x85"])
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**14), 10**14)
    | st.integers(10**12 - 2, 10**12 + 2)
    | st.integers(2**63 - 1, 2**65)
    | st.floats()
    | st.floats(10**11, 10**14)
    | TEXTS
)
KINDS: st.SearchStrategy[Any] = st.sampled_from(
    [
        CardNo(CARD),
        PersonalText("홍길동"),
        Word.CARD,
        Word.SHORT,
        Figure.CARD,
        Figure.SMALL,
        b"bytes",
        object(),
        {1, 2},
    ]
)
LISTS = st.lists(TEXTS, max_size=3)
NESTED = st.lists(SCALARS | LISTS | KINDS, max_size=3) | st.dictionaries(TEXTS, SCALARS | KINDS, max_size=3)
NAMES = st.sampled_from(["event", "document", "sha256", "correlation_id", "request_id", "operation", "codes", "n"])


@given(st.dictionaries(NAMES, SCALARS | LISTS | LISTS.map(tuple) | NESTED | KINDS, max_size=6))
def test_a_line_is_ascii_in_one_line_and_holds_what_the_event_holds(event: dict[str, Any]) -> None:
    cleaned = redact_event(None, "info", event)
    line = to_json(None, "info", dict(cleaned))
    assert line.isascii()
    assert [line] == line.splitlines()
    assert json.loads(json.dumps(cleaned)) == json.loads(line)


TIME = re.compile(r'"timestamp":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"')

REQUEST = RequestReport(
    "gehefpjhlnkbkddgpbidbhcfopcidcco",
    "POST",
    200,
    0.0123,
    "member",
    "Card",
    ["CARD_NOT_FOUND"],
    document=HASH,
    clients=("web@1.4.0",),
    upstream_calls=2,
    saved_calls=1,
    roots="card",
)
CALL = CallReport(
    "/api/v1/user/card/info",
    "UnavailableError",
    CallDetails("221108120814-0123456", 503, "000_000"),
    0.01234,
    "different",
    ("serviceName",),
    2,
    Cause.BAD_GATEWAY,
    invalid_fields=("balance",),
    problem="it has no code",
)
READ = AuditEvent(
    "read", "gehefpjhlnkbkddgpbidbhcfopcidcco", "203.100.113.200", "service", "a", "abcdefgh", ("idNo",)
)


def fail() -> None:
    try:
        int(f"{CARD} of 홍길동")
    except ValueError:
        log().exception("failed", card=CARD)


LINES: dict[str, tuple[Callable[[], object], str]] = {
    "a request": (
        lambda: Reports().requests.on_request(REQUEST),
        (
            '{"request_id":"gehefpjhlnkbkddgpbidbhcfopcidcco","method":"POST","route":"/graphql","status":200,"viewer":"member",'
            f'"operation":"Card","document":"{HASH}","clients":["web@1.4.0"],"duration_ms":12.3,"upstream_calls":2,"saved_calls":1,'
            '"deadline_hits":0,"codes":["CARD_NOT_FOUND"],"event":"request","logger":"konagraph","level":"info",T}'
        ),
    ),
    "a call": (
        lambda: Reports().upstream.on_call(CALL),
        (
            '{"api":"/api/v1/user/card/info","attempt":2,"outcome":"UnavailableError","cause":"bad_gateway",'
            '"status":503,"code":"000_000","correlation_id":"221108120814-0123456","duration_ms":12.3,'
            '"echo":"different","drift":["serviceName"],"invalid_fields":["balance"],'
            '"problem":"it has no code","event":"upstream call",'
            '"logger":"konagraph","level":"warning",T}'
        ),
    ),
    "an audit": (
        lambda: AuditLog(None, str.upper).record([READ]),
        (
            '{"action":"read","request_id":"gehefpjhlnkbkddgpbidbhcfopcidcco","address":"203.100.113.200",'
            '"viewer_kind":"service","viewer_id":"a","card_ref":"abcdefgh","fields":["idNo"],"viewer_ref":"A",'
            '"event":"audit","logger":"konagraph.audit","level":"info",T}'
        ),
    ),
    "anything": (
        lambda: log().error("an event", text="한국어", card=CardNo(CARD), number=int(CARD)),
        (
            '{"text":"\\ud55c\\uad6d\\uc5b4","card":"949133******0013","number":"949133******0013",'
            '"event":"an event","logger":"konagraph","level":"error",T}'
        ),
    ),
    "an exception": (
        fail,
        (
            '{"card":"949133******0013","event":"failed","logger":"konagraph","level":"error",T,'
            f'"exception":"ValueError","frames":["test_lines.py:{fail.__code__.co_firstlineno + 2} fail"]}}'
        ),
    ),
    "a library's": (
        lambda: logging.getLogger("x.y").warning("%s of %d", "one", 2, extra={"place": CARD}),
        '{"event":"one of 2","logger":"x.y","level":"warning","place":"949133******0013",T}',
    ),
}


@pytest.mark.parametrize(("write", "expected"), LINES.values(), ids=LINES)
def test_a_line_is_written_to_the_letter(write: Callable[[], object], expected: str) -> None:
    with logs_as() as stream:
        write()
    assert TIME.sub("T", stream.getvalue()) == f"{expected}\n"


def test_a_report_with_a_value_of_an_unknown_kind_is_withheld() -> None:
    unknown: Any = object()
    with logs_as() as stream:
        Reports().requests.on_request(RequestReport(unknown, "POST"))
    assert events(stream) == [{"event": "event withheld: it could not be redacted", "level": "error"}]


def test_a_card_number_in_a_report_is_masked() -> None:
    with logs_as() as stream:
        Reports().requests.on_request(RequestReport("an-id", "POST", operation=CARD, codes=[CARD]))
    (line,) = events(stream)
    assert (line["operation"], line["codes"]) == ("949133******0013", ["949133******0013"])


def test_an_odd_call_is_written_where_ordinary_ones_are_not() -> None:
    with logs_as("warning") as stream:
        upstream = Reports().upstream
        upstream.on_call(CallReport(CALL.api, "ok", CALL.details, 1.0, "same", ()))
        upstream.on_call(CALL)
    assert [(line["level"], line["outcome"]) for line in events(stream)] == [("warning", "UnavailableError")]
