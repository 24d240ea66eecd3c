"""The log at a terminal: one line per request, its problems, and details on demand."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import pytest

from graph.http.report import RequestReport
from graph.konaplate.client import CallReport
from graph.konaplate.errors import CallDetails, Cause
from graph.security.audit import AuditEvent
from graph.start import shows_colors
from graph.telemetry.audit_log import AuditLog
from graph.telemetry.logs import AUDIT_LOGGER
from tests.tables import table
from tests.telemetry.capture import log, logs_as
from tests.telemetry.reports import Reports

if TYPE_CHECKING:
    from pathlib import Path

CARD = "9491339400000013"
API = "/api/v1/user/card/info"


def request(status: int = 200, **fields: Any) -> RequestReport:
    values = {"seconds": 0.0091, "roots": "card", "upstream_calls": 2, "document": "0" * 64, **fields}
    return RequestReport("an-id", "POST", status, **values)


def call(outcome: str = "ok", **fields: Any) -> CallReport:
    details = CallDetails("221108120814-0123456", 503, None)
    values = {"details": details, "seconds": 0.012, "echo": "same", "drift": (), **fields}
    return CallReport(api=API, outcome=outcome, **values)


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (request(), "POST card  9 ms  2 calls  OK"),
        (request(operation="Card", upstream_calls=1), "POST Card  9 ms  1 call  OK"),
        (request(seconds=0.0001, upstream_calls=0, roots="card cards"), "POST card cards  <1 ms  0 calls  OK"),
        (request(codes=["CARD_NOT_FOUND"] * 2), "POST card  9 ms  2 calls  CARD_NOT_FOUND"),
        (
            request(codes=["FORBIDDEN", "UPSTREAM_TIMEOUT"]),
            "POST card  9 ms  2 calls  FORBIDDEN, UPSTREAM_TIMEOUT",
        ),
        (
            request(400, roots=None, codes=["BAD_REQUEST"], upstream_calls=0),
            "POST  9 ms  0 calls  HTTP 400  BAD_REQUEST",
        ),
        (request(499, codes=["UPSTREAM_TIMEOUT"]), "POST card  9 ms  2 calls  the client went away"),
        (RequestReport("an-id", "GET", 200, 0.002), "GET the page  2 ms  0 calls  OK"),
    ],
)
def test_a_request_is_one_short_line(report: RequestReport, line: str) -> None:
    with logs_as("info", as_json=False) as stream:
        Reports().upstream.on_call(call())
        Reports().requests.on_request(report)

    assert stream.getvalue() == f"{line}\n"


def test_details_are_shown_at_debug() -> None:
    with logs_as("debug", as_json=False) as stream:
        Reports().upstream.on_call(call())
        Reports().requests.on_request(request())

    first, second = stream.getvalue().splitlines()
    assert first.startswith(f"Konaplate {API}  12 ms  ok  ")
    assert "correlation_id=221108120814-0123456" in first
    assert second.startswith("POST card  9 ms  2 calls  OK  ")
    assert {"request_id=an-id", f"document={'0' * 64}"} < set(second.split("  "))


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (
            call("UnavailableError", cause=Cause.BAD_GATEWAY),
            "12 ms  UnavailableError (bad_gateway)  HTTP 503",
        ),
        (
            call("RejectedError", details=CallDetails("221108120814-0123456", 401, "010_001"), attempt=2),
            "12 ms  RejectedError  HTTP 401  code 010_001  attempt 2",
        ),
        (
            call("InvalidResponseError", problem="no key opens the message"),
            "12 ms  InvalidResponseError  HTTP 503  no key opens the message",
        ),
        (call(problem="two rows of one key differ"), "12 ms  ok  HTTP 503  two rows of one key differ"),
        (call(echo="another call's"), "12 ms  ok  HTTP 503  the answer's id is another call's"),
        (call(echo="another process's"), "12 ms  ok  HTTP 503  the answer's id is another process's"),
        (call(drift=("balance", "userId")), "12 ms  ok  HTTP 503  not as documented: balance, userId"),
    ],
)
def test_a_fault_of_the_upstream_is_a_line(report: CallReport, line: str) -> None:
    with logs_as("info", as_json=False) as stream:
        Reports().upstream.on_call(report)

    assert stream.getvalue() == f"warning: Konaplate {API}  {line}\n"


def test_fields_that_cannot_be_read_are_told_and_are_no_warning() -> None:
    with logs_as("info", as_json=False) as stream:
        Reports().upstream.on_call(call(invalid_fields=("balance", "userId")))

    line = f"Konaplate {API}  12 ms  ok  HTTP 503  missing or unreadable: balance, userId\n"
    assert stream.getvalue() == line


@pytest.mark.parametrize("outcome", ["CardNotFoundError", "MemberNotFoundError", "InvalidInputError", "cancelled"])
def test_konaplates_answer_is_shown_in_the_line_of_the_request(outcome: str) -> None:
    with logs_as("info", as_json=False) as stream:
        Reports().upstream.on_call(call(outcome))

    assert stream.getvalue() == ""


READ = AuditEvent("read", "an-id", "192.0.2.1", "service", "a", "abcdefgh", ("idNo", "cardNo"))
REFUSED = AuditEvent("refused", "an-id", "192.0.2.1", code="UNAUTHENTICATED", reason="the token has expired")


def test_audit_lines_are_readable_and_silenced_by_no_level() -> None:
    with logs_as("error", as_json=False) as stream:
        audit = AuditLog(None, str.upper)
        audit.record([READ])
        audit.record([REFUSED])

    assert stream.getvalue().splitlines() == [
        "audit: read  idNo, cardNo  of card abcdefgh  by service a from 192.0.2.1",
        "audit: refused  UNAUTHENTICATED  the token has expired  by nobody known from 192.0.2.1",
    ]


def test_reads_of_invented_peoples_data_are_details() -> None:
    with logs_as("info", as_json=False, audit_reads=False) as stream:
        audit = AuditLog(None, str.upper)
        audit.record([READ])
        audit.record([REFUSED])

    assert stream.getvalue().startswith("audit: refused")


@pytest.mark.parametrize(("level", "lines"), [("debug", 1), ("info", 0)])
def test_an_operation_without_a_plan_is_a_detail(level: str, lines: int) -> None:
    with logs_as(level, as_json=False) as stream:
        log().info("operation without plan", operation="Schema", sha256="0" * 64)

    assert lines == len(stream.getvalue().splitlines())


def test_other_lines_say_what_is_known_and_how_bad_it_is() -> None:
    with logs_as("info", as_json=False) as stream:
        Reports().upstream.breaker_changed(API, "open")
        logging.getLogger("uvicorn.error").warning(
            "request refused", extra={"request_id": "an-id", "status": 400, "reason": "The Host is unknown."}
        )
        log().error("reload refused", problems=["A is missing", "B is missing"], nothing=None)

    assert stream.getvalue().splitlines() == [
        f"warning: breaker changed  api={API}  state=open",
        "warning: request refused  status=400  reason=The Host is unknown.",
        "error: reload refused  problems=A is missing, B is missing",
    ]


@pytest.mark.parametrize("name", ["request", "upstream call", "audit"])
def test_a_foreign_line_of_the_same_words_is_like_any_other(name: str) -> None:
    with logs_as("info", as_json=False) as stream:
        logging.getLogger("x").info(name, extra={"action": "y"})

    assert stream.getvalue() == f"{name}  action=y\n"


def test_colours_say_how_it_went() -> None:
    with logs_as("info", as_json=False, colors=True) as stream:
        Reports().requests.on_request(request())
        Reports().requests.on_request(request(codes=["UPSTREAM_TIMEOUT"]))

    good, bad = stream.getvalue().splitlines()
    assert good.endswith("\x1b[32mOK\x1b[0m")
    assert bad.endswith("\x1b[33mUPSTREAM_TIMEOUT\x1b[0m")


@pytest.mark.parametrize(
    ("variables", "colored"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], *, colored: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    outer, inner = os.openpty()
    with os.fdopen(inner, "w") as terminal, (tmp_path / "file").open("w") as file:
        monkeypatch.setattr("sys.stderr", terminal)
        assert shows_colors() == colored
        monkeypatch.setattr("sys.stderr", file)
        assert not shows_colors()
    os.close(outer)


@table("level", ["debug", "info"])
@table("order", ["\x1b[2J", "\x9b2J", "\r", "\n", "\u2028", "\u202e", "\x07", "\udc80"])
def test_no_value_gives_the_terminal_an_order(order: str, level: str) -> None:
    with logs_as(level, as_json=False) as stream:
        log().warning(f"text{order}", value=order, listed=[order])
        Reports().requests.on_request(request(operation=f"A{order}", codes=[f"B{order}"]))
        logging.getLogger(AUDIT_LOGGER).info("audit", extra={"action": order, "address": order})

    assert len(stream.getvalue().splitlines()) == 3
    assert all(char.isprintable() or char == "\n" for char in stream.getvalue())


@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_line_holds_a_card_number(level: str) -> None:
    with logs_as(level, as_json=False) as stream:
        Reports().requests.on_request(request(operation=CARD, codes=[CARD], roots=CARD))
        Reports().requests.on_request(request(roots=CARD))
        Reports().upstream.on_call(call("x", drift=(CARD,), invalid_fields=(CARD,)))
        AuditLog(None, str.upper).record([READ._replace(address=CARD, fields=(CARD,))])

    assert len(stream.getvalue().splitlines()) == 4
    assert CARD[6:12] not in stream.getvalue()
