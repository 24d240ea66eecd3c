"""The lines of requests and calls: the same whichever way they take, and not made where nobody sees them."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import pytest

from graph.http.report import RequestReport
from graph.konaplate.client import CallReport
from graph.konaplate.errors import CallDetails
from graph.telemetry.request_log import RequestLog
from tests.telemetry.capture import events, logs_as

if TYPE_CHECKING:
    from collections.abc import Callable

CARD = "9491339400000013"
HASH = f"{CARD}abcdef{CARD}abcdef{CARD}abcd"
REQUEST = RequestReport("gehefpjhlnkbkddgpbidbhcfopcidcco", "POST", 200, 0.0123, "member", "Card", document=HASH)
CALL = CallReport(
    "/api/v1/user/card/info", "ok", CallDetails("221108120814-0123456", 200, "000_000"), 0.01234, "same", ()
)

HOT: dict[str, Callable[[RequestLog], None]] = {
    "request": lambda log: log.on_request(REQUEST),
    "call": lambda log: log.on_call(CALL),
}


@pytest.mark.parametrize("write", HOT.values(), ids=HOT)
def test_a_line_is_the_same_whoever_else_listens(write: Callable[[RequestLog], None]) -> None:
    with logs_as() as alone:
        write(RequestLog())
    with logs_as() as beside:
        listener = logging.StreamHandler(io.StringIO())
        logging.getLogger().addHandler(listener)
        write(RequestLog())
    (one,), (other,) = events(alone), events(beside)
    assert list(one) == list(other)
    assert one.pop("timestamp")[:10] == other.pop("timestamp")[:10]
    assert one == other
    # Who listens gets the event itself.
    assert one["event"] in listener.stream.getvalue()


@pytest.mark.parametrize("write", HOT.values(), ids=HOT)
def test_the_listener_of_our_own_logger_is_heard(write: Callable[[RequestLog], None]) -> None:
    listener = logging.StreamHandler(io.StringIO())
    logger = logging.getLogger("konagraph")
    with logs_as() as stream:
        logger.addHandler(listener)
        try:
            write(RequestLog())
        finally:
            logger.removeHandler(listener)
    assert 1 == len(events(stream))
    assert "konagraph" in listener.stream.getvalue()


@pytest.mark.parametrize("write", HOT.values(), ids=HOT)
def test_a_line_goes_to_where_the_log_goes_now(write: Callable[[RequestLog], None]) -> None:
    log = RequestLog()
    for _ in range(2):
        with logs_as() as stream:
            write(log)
        assert 1 == len(events(stream))
    with logs_as(as_json=False) as console:
        write(log)
    assert "konagraph" in console.getvalue()
    assert not console.getvalue().startswith("{")


class Nothing:
    """A report of which nothing may be read but what is logged at any level."""

    unexpected = ()
    outcome = "ok"
    drift = ()
    echo = "same"


def test_of_a_line_that_nobody_will_see_nothing_is_made() -> None:
    report: Any = Nothing()
    with logs_as("warning") as stream:
        log = RequestLog()
        log.on_request(report)
        log.on_call(report)
    assert "" == stream.getvalue()


def test_an_odd_call_is_written_where_ordinary_ones_are_not() -> None:
    with logs_as("warning") as stream:
        log = RequestLog()
        log.on_call(CALL)
        log.on_call(CallReport(CALL.api, "TimedOutError", CALL.details, 1.0, None, ()))
    assert [("warning", "TimedOutError")] == [(line["level"], line["outcome"]) for line in events(stream)]


def test_a_report_with_a_value_of_an_unknown_kind_is_withheld() -> None:
    unknown: Any = object()
    with logs_as() as stream:
        RequestLog().on_request(RequestReport(unknown, "POST"))
    assert [{"event": "event withheld: it could not be redacted", "level": "error"}] == events(stream)


def test_a_card_number_in_a_report_is_masked() -> None:
    with logs_as() as stream:
        RequestLog().on_request(RequestReport("an-id", "POST", operation=CARD, codes=[CARD]))
    (line,) = events(stream)
    assert ("949133******0013", ["949133******0013"]) == (line["operation"], line["codes"])
