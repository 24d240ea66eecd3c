"""The process's logs: lines of JSON with structured fields, by level, without libraries' chatter."""

from __future__ import annotations

import logging

import httpx
import pytest

from graph.http.report import RequestReport
from graph.konaplate.client import CallReport
from graph.konaplate.errors import CallDetails
from tests.telemetry.capture import events, log, logs_as
from tests.telemetry.reports import Reports

CARD = "9491339400000013"
# A hash may have as many digits in a row as a card number.
HASH = f"{CARD}abcdef{CARD}abcdef{CARD}abcd"


def test_a_line_is_json_with_its_fields_its_level_its_logger_and_its_time() -> None:
    with logs_as() as stream:
        log().info("hello", number=1, text="한국어", flag=None, words=["a", "b"], more={"c": 1.5})

    (line,) = events(stream)
    assert {
        "number": 1,
        "text": "한국어",
        "flag": None,
        "words": ["a", "b"],
        "more": {"c": 1.5},
    }.items() <= line.items()
    assert (line["event"], line["level"], line["logger"]) == ("hello", "info", "konagraph")
    assert line["timestamp"].endswith("Z")


def test_a_line_of_another_library_has_the_same_form() -> None:
    with logs_as() as stream:
        logging.getLogger("x.y").warning("%s of %d", "one", 2, extra={"place": "here"})

    (line,) = events(stream)
    assert (line["event"], line["level"], line["logger"]) == ("one of 2", "warning", "x.y")
    assert line["place"] == "here"
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "text", ["two\nlines", "carriage\rreturn", '"quoted" {json}', "a\0b", "\u2028", "\x1b[31mred"]
)
def test_an_event_is_one_line_whatever_it_holds(text: str) -> None:
    with logs_as() as stream:
        log().info(text, value=text)
        logging.getLogger("x").info("%s", text)

    assert stream.getvalue().count("\n") == 2
    assert [text, text] == [line["event"] for line in events(stream)]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_lines_below_the_level_are_not_written(level: str, expected: list[str]) -> None:
    with logs_as(level) as stream:
        for name in ("debug", "info", "warning", "error"):
            getattr(log(), name)("ours")
            getattr(logging.getLogger("x"), name)("a library's")

    assert [name for name in expected for _ in range(2)] == [line["level"] for line in events(stream)]


async def test_httpx_does_not_write_its_urls() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200))
    with logs_as("debug") as stream:
        async with httpx.AsyncClient(transport=transport) as client:
            await client.get(f"http://upstream/cards/kim?card={CARD}")

    assert stream.getvalue() == ""


@pytest.mark.parametrize("library", ["httpx", "httpcore", "httpcore.connection", "uvicorn.error", "asyncio"])
def test_a_library_that_talks_too_much_is_heard_from_a_warning_on(library: str) -> None:
    with logs_as("debug") as stream:
        logging.getLogger(library).info("chatter")
        logging.getLogger(library).warning("trouble")

    assert [line["event"] for line in events(stream)] == ["trouble"]


def test_the_console_form_is_for_people_and_has_no_colours_in_a_file() -> None:
    with logs_as(as_json=False) as stream:
        log().info("hello", number=1)

    assert "hello" in stream.getvalue()
    assert "number=1" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def call(outcome: str = "ok", **fields: object) -> CallReport:
    values: dict[str, object] = {
        "api": "/api/v1/user/card/info",
        "outcome": outcome,
        "details": CallDetails("221108120814-0123456", 200, "000_000"),
        "seconds": 0.01234,
        "echo": "same",
        "drift": (),
        **fields,
    }
    return CallReport(**values)  # type: ignore[arg-type]


def test_an_upstream_call_is_one_line_with_its_whole_correlation_id() -> None:
    with logs_as() as stream:
        Reports().upstream.on_call(call())

    (line,) = events(stream)
    assert line.pop("timestamp")
    assert line == {
        "event": "upstream call",
        "level": "info",
        "logger": "konagraph",
        "api": "/api/v1/user/card/info",
        "attempt": 1,
        "outcome": "ok",
        "cause": None,
        "status": 200,
        "code": "000_000",
        "correlation_id": "221108120814-0123456",
        "duration_ms": 12.3,
        "echo": "same",
        "drift": [],
        "invalid_fields": [],
        "problem": None,
    }


@pytest.mark.parametrize(
    ("report", "level"),
    [
        (call(), "info"),
        (call(echo="missing"), "info"),
        (call("cancelled", echo=None), "info"),
        (call("TimedOutError", echo=None), "warning"),
        (call(echo="different"), "warning"),
        (call(drift=("serviceName",)), "warning"),
        (call(problem="two rows of one key differ"), "warning"),
        (call(invalid_fields=("balance",)), "info"),
    ],
)
def test_a_call_that_is_odd_is_a_warning(report: CallReport, level: str) -> None:
    with logs_as() as stream:
        Reports().upstream.on_call(report)

    assert [level] == [line["level"] for line in events(stream)]


def test_a_line_of_a_request_has_each_code_once() -> None:
    with logs_as() as stream:
        Reports().requests.on_request(RequestReport("r", "POST", codes=["FORBIDDEN", "OVERLOADED"] * 1_000))

    (line,) = events(stream)
    assert line["codes"] == ["FORBIDDEN", "OVERLOADED"]


def test_a_request_is_one_line() -> None:
    report = RequestReport(
        "r-1",
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
        deadline_hits=3,
    )
    with logs_as() as stream:
        Reports().requests.on_request(report)

    (line,) = events(stream)
    assert line.pop("timestamp")
    assert line == {
        "event": "request",
        "level": "info",
        "logger": "konagraph",
        "request_id": "r-1",
        "method": "POST",
        "route": "/graphql",
        "status": 200,
        "viewer": "member",
        "operation": "Card",
        "document": HASH,
        "clients": ["web@1.4.0"],
        "duration_ms": 12.3,
        "upstream_calls": 2,
        "saved_calls": 1,
        "deadline_hits": 3,
        "codes": ["CARD_NOT_FOUND"],
    }


def fail(message: str) -> None:
    raise ValueError(message)


def test_an_unforeseen_exception_is_a_line_of_its_own_with_its_place_and_without_its_message() -> None:
    report = RequestReport("r-1", "POST", 500)
    try:
        fail(f"card {CARD} of 홍길동")
    except ValueError as error:
        report.unexpected.append(error)
    with logs_as() as stream:
        Reports().requests.on_request(report)

    request, unexpected = events(stream)
    assert (request["event"], request["level"]) == ("request", "info")
    assert (unexpected["event"], unexpected["level"]) == ("unexpected exception", "error")
    assert (unexpected["request_id"], unexpected["exception"]) == ("r-1", "ValueError")
    assert unexpected["frames"][-1].split(":")[0] == "test_log_lines.py"
    assert unexpected["frames"][-1].endswith(" fail")
    assert "홍길동" not in stream.getvalue()
    assert CARD[6:] not in stream.getvalue()
