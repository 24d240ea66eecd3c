"""Nothing bypasses redaction: no library's logger, no exception, no failing line."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from graph.telemetry.logs import frames_of
from schema.secrets import CardNo
from tests.tables import table
from tests.telemetry.capture import events, log, logs_as

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

CARD = "9491339400000013"
MASK = "949133******0013"
NAME = "홍길동"
WITHHELD = "event withheld: it could not be redacted"


class Leaky:
    """An object whose repr contains a card number."""

    def __repr__(self) -> str:
        return f"Leaky({CARD}, {NAME})"


class LeakyError(Exception):
    """An exception whose text contains a card number."""

    def __str__(self) -> str:
        return f"{CARD} of {NAME}"


def assert_nothing_leaked(text: str) -> None:
    assert CARD[6:12] not in text
    assert NAME not in text


FOREIGN: dict[str, Callable[[logging.Logger], None]] = {
    "%s": lambda logger: logger.error("card %s", CARD),
    "%s and a number": lambda logger: logger.error("card %s", int(CARD)),
    "%d": lambda logger: logger.error("card %d", int(CARD)),
    "%r of a list": lambda logger: logger.error("card %r", [CARD]),
    "%(name)s": lambda logger: logger.error("card %(card)s", {"card": CARD}),
    "a finished text": lambda logger: logger.error(f"card {CARD}"),  # noqa: G004 - what libraries do
    "groups": lambda logger: logger.error("card %s", "9491-3394-0000-0013"),
    "two arguments that meet": lambda logger: logger.error("card %s%s", CARD[:8], CARD[8:]),
    "an extra field": lambda logger: logger.error("card", extra={"card": CARD}),
    "a secret": lambda logger: logger.error("card %s", CardNo(CARD)),
    "a secret as an extra field": lambda logger: logger.error("card", extra={"card": CardNo(CARD)}),
}


@table("as_json", [True, False])
@table("write", FOREIGN.values())
def test_a_line_of_another_library_is_redacted(write: Callable[[logging.Logger], None], *, as_json: bool) -> None:
    with logs_as(as_json=as_json) as stream:
        write(logging.getLogger("x"))

    assert MASK in stream.getvalue()
    assert_nothing_leaked(stream.getvalue())


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "console"])
def test_our_own_lines_are_redacted(*, as_json: bool) -> None:
    with logs_as(as_json=as_json) as stream:
        log().error(f"card {CARD}", card=CARD, nested={"cards": [CARD, CardNo(CARD)]}, number=int(CARD))
        log().bind(card=CARD).info("bound")
        log().info("positional %s", CARD)

    assert len(stream.getvalue().splitlines()) == 3
    assert_nothing_leaked(stream.getvalue())


UNKNOWN: dict[str, Callable[[], None]] = {
    "ours": lambda: log().info("card", value=Leaky()),
    "ours, nested": lambda: log().info("card", value={"a": [Leaky()]}),
    "a library's extra field": lambda: logging.getLogger("x").info("card", extra={"value": Leaky()}),
    "bound": lambda: log().bind(value=Leaky()).info("card"),
}


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "console"])
@pytest.mark.parametrize("write", UNKNOWN.values(), ids=UNKNOWN)
def test_an_event_with_an_unknown_object_is_withheld(write: Callable[[], None], *, as_json: bool) -> None:
    with logs_as(as_json=as_json) as stream:
        write()

    assert WITHHELD in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 1
    assert_nothing_leaked(stream.getvalue())


UNFORMATTABLE: dict[str, Callable[[logging.Logger], None]] = {
    "a wrong conversion": lambda logger: logger.error("card %d of %s", CARD, NAME),
    "too many arguments": lambda logger: logger.error("card %s", CARD, NAME),  # noqa: PLE1205 - the fault
    "too few arguments": lambda logger: logger.error("card %s of %s", CARD + NAME),  # noqa: PLE1206 - the fault
}


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "console"])
@pytest.mark.parametrize("write", UNFORMATTABLE.values(), ids=UNFORMATTABLE)
def test_a_line_that_cannot_be_formatted_shows_its_arguments_nowhere(
    write: Callable[[logging.Logger], None], capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    with logs_as(as_json=as_json) as stream:
        write(logging.getLogger("x"))

    assert events(stream) == [{"event": "event withheld: it could not be formatted", "level": "error"}]
    assert capsys.readouterr() == ("", "")


def test_a_line_that_cannot_be_written_is_lost_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    with logs_as() as stream:
        stream.close()
        logging.getLogger("x").error("card %s of %s", CARD, NAME)
        log().error("card", card=CARD)

    assert capsys.readouterr() == ("", "")


def look_up(name: str) -> None:
    raise LeakyError(name)


def raising(write: Callable[[BaseException], None]) -> Callable[[], None]:
    def failing() -> None:
        try:
            try:
                look_up(f"{CARD} of {NAME}")
            except LeakyError as error:
                raise RuntimeError(f"{CARD} of {NAME}") from error
        except RuntimeError as error:
            error.add_note(f"{CARD} of {NAME}")
            write(error)

    return failing


# They are called in the exception handler.
RAISED: dict[str, Callable[[BaseException], None]] = {
    "ours, exception()": lambda _error: log().exception("failed"),
    "ours, the exception": lambda error: log().error("failed", exc_info=error),
    "ours, a flag": lambda _error: log().error("failed", exc_info=True),
    "a library's, exception()": lambda _error: logging.getLogger("x").exception("failed"),  # noqa: LOG004
    "a library's, the exception": lambda error: logging.getLogger("x").error("failed", exc_info=error),
    "a library's, a triple": lambda error: logging.getLogger("x").error(
        "failed", exc_info=(type(error), error, error.__traceback__)
    ),
    "a library's, a flag and the stack": lambda _error: logging.getLogger("x").error(
        "failed",
        exc_info=True,  # noqa: LOG014
        stack_info=True,
    ),
}


@pytest.mark.parametrize("write", RAISED.values(), ids=RAISED)
def test_an_exception_is_logged_by_its_class_and_place_alone(write: Callable[[BaseException], None]) -> None:
    with logs_as() as stream:
        raising(write)()

    (line,) = events(stream)
    assert (line["event"], line["exception"]) == ("failed", "RuntimeError")
    assert re.fullmatch(r"test_log_leaks\.py:[0-9]+ failing", line["frames"][-1])
    assert_no_source_line(stream)


@pytest.mark.parametrize("write", RAISED.values(), ids=RAISED)
def test_an_exception_on_the_console_is_as_short(write: Callable[[BaseException], None]) -> None:
    with logs_as(as_json=False) as stream:
        raising(write)()

    assert "RuntimeError" in stream.getvalue()
    assert_no_source_line(stream)


def assert_no_source_line(stream: io.StringIO) -> None:
    for source in ("Traceback", "Stack", "look_up(", "raise ", "add_note"):
        assert source not in stream.getvalue()
    assert_nothing_leaked(stream.getvalue())


def test_an_exception_outside_of_a_handler_is_no_exception() -> None:
    with logs_as() as stream:
        log().error("failed", exc_info=True)
        logging.getLogger("x").error("failed", exc_info=True)  # noqa: LOG014 - the fault

    assert [line["event"] for line in events(stream)] == ["failed", "failed"]
    assert not any("exception" in line for line in events(stream))


def test_the_stack_that_a_library_wants_logged_is_left_out() -> None:
    with logs_as() as stream:
        logging.getLogger("x").error("here", stack_info=True)
        log().error("here", stack_info=True)

    assert [set(line) for line in events(stream)] == [{"event", "level", "logger", "timestamp"}] * 2


def test_a_traceback_that_a_library_made_a_text_of_is_withheld() -> None:
    text = f"startup failed: Traceback (most recent call last):\n    look_up()\nLeakyError: {CARD}, {NAME}\n"
    with logs_as() as stream:
        logging.getLogger("uvicorn.error").error(text)
        log().error(text)

    assert [line["event"] for line in events(stream)] == ["startup failed: traceback withheld"] * 2
    assert_nothing_leaked(stream.getvalue())


def test_an_exception_as_the_message_is_redacted_like_a_text() -> None:
    with logs_as() as stream:
        logging.getLogger("uvicorn.error").error(OSError(98, f"cannot bind {CARD}"))

    assert [line["event"] for line in events(stream)] == [f"[Errno 98] cannot bind {MASK}"]


def recurse(depth: int) -> None:
    if depth == 0:
        raise LeakyError
    recurse(depth - 1)


def test_only_the_innermost_frames_of_a_long_way_are_kept() -> None:
    with pytest.raises(LeakyError) as caught:
        recurse(30)

    frames = frames_of(caught.value)
    assert len(frames) == 10
    assert all(frame.endswith(" recurse") for frame in frames)
    assert all("/" not in frame for frame in frames)
