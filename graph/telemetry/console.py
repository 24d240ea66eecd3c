"""The log for people: one short line per request, and whatever else matters."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import click
import structlog

from graph.konaplate.errors import CardNotFoundError, InvalidInputError, MemberNotFoundError
from graph.konaplate.protocol import FOREIGN_ECHOES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from structlog.typing import EventDict, WrappedLogger

    Paint = Callable[[str, str], str]

FOR_PEOPLE: Final = "for_people"
"""The name of a field that only the console shows."""

# Konaplate answered; the line of the request shows the outcome.
_ANSWERED: Final = frozenset(
    {"ok", "cancelled", *(error.__name__ for error in (CardNotFoundError, MemberNotFoundError, InvalidInputError))}
)
_OK: Final = 200
_CLIENT_GONE: Final = 499
_COLORS: Final = {"warning": "yellow", "error": "red", "critical": "red"}
# Fields of every line, shown only with details.
_METADATA: Final = frozenset({"timestamp", "logger", "request_id"})
_IN_THE_TEXT: Final = frozenset({"event", "level", FOR_PEOPLE})
_GAP: Final = "  "


class ConsoleRenderer:
    """A structlog renderer: turns a redacted event into a line for people.

    Without details it leaves out successful calls to Konaplate, operations without a plan, what clients used,
    and reads of the sandbox's invented data.

    Args:
        encoding: of the terminal.
        colors: whether to use colours.
        details: whether to show every event and field.
        audit_reads: whether to show reads of personal data; True where they may be real.
    """

    def __init__(self, encoding: str, *, colors: bool, details: bool, audit_reads: bool) -> None:
        self._encoding = encoding
        self._colors = colors
        self._details = details
        self._audit_reads = audit_reads

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
        """The line.

        Raises:
            structlog.DropEvent: for an event that is not shown.
        """
        if not (self._details or self._is_shown(event)):
            raise structlog.DropEvent
        about = _FORMATS.get((event.get("logger"), event.get("event")))
        level = str(event.get("level", "info"))
        text = _text(event.get("event", "")) if about is None else about(event, self._paint)
        if level in _COLORS:
            text = f"{self._paint(f'{level}:', _COLORS[level])} {text}"
        hidden = _IN_THE_TEXT if self._details else {*_IN_THE_TEXT, *_METADATA}
        more = _pairs(event, hidden) if self._details or about is None else ()
        line = _GAP.join([text, *(self._paint(pair, "bright_black") for pair in more)])
        return line.encode(self._encoding, "backslashreplace")

    def _is_shown(self, event: EventDict) -> bool:
        match event:
            case {"logger": "konagraph", "event": "upstream call"}:
                deviates = (
                    event["drift"]
                    or event["invalid_fields"]
                    or event["problem"]
                    or event["echo"] in FOREIGN_ECHOES
                )
                return event["outcome"] not in _ANSWERED or bool(deviates)
            case {"logger": "konagraph", "event": "operation without plan" | "usage"}:
                return False
            case {"logger": "konagraph.audit", "action": "read"}:
                return self._audit_reads
        return True

    def _paint(self, text: str, color: str) -> str:
        return click.style(text, fg=color) if self._colors else text


def _request(event: Mapping[str, Any], paint: Paint) -> str:
    codes = dict.fromkeys(_text(code) for code in event["codes"])
    status = event["status"]
    outcome = [paint(", ".join(codes), "yellow")] if codes else []
    if status == _CLIENT_GONE:
        outcome = [paint("the client went away", "yellow")]
    elif status != _OK:
        outcome.insert(0, f"HTTP {status}")
    name = event["operation"] or event.get(FOR_PEOPLE) or ("the page" if status == _OK and not codes else None)
    calls = event["upstream_calls"]
    parts = [
        _text(event["method"]) + (f" {_text(name)}" if name else ""),
        _milliseconds(event["duration_ms"]),
        f"{calls} call{'' if calls == 1 else 's'}",
        *(outcome or [paint("OK", "green")]),
    ]
    return _GAP.join(parts)


def _call(event: Mapping[str, Any], paint: Paint) -> str:
    outcome = _text(event["outcome"])
    cause = f" ({_text(event['cause'])})" if event["cause"] else ""
    parts = [
        f"Konaplate {_text(event['api'])}",
        _milliseconds(event["duration_ms"]),
        paint(f"{outcome}{cause}", "green" if event["outcome"] == "ok" else "yellow"),
        *([f"HTTP {event['status']}"] if event["status"] else []),
        *([f"code {_text(event['code'])}"] if event["code"] else []),
        *([_text(event["problem"])] if event["problem"] else []),
        *([f"attempt {event['attempt']}"] if event["attempt"] != 1 else []),
        *([f"the answer's id is {_text(event['echo'])}"] if event["echo"] in FOREIGN_ECHOES else []),
        *([f"not as documented: {', '.join(map(_text, event['drift']))}"] if event["drift"] else []),
        *(
            [f"missing or unreadable: {', '.join(map(_text, event['invalid_fields']))}"]
            if event["invalid_fields"]
            else []
        ),
    ]
    return _GAP.join(parts)


def _audit(event: Mapping[str, Any], paint: Paint) -> str:
    who = " ".join(_text(event[name]) for name in ("viewer_kind", "viewer_id") if name in event)
    parts = [
        f"audit: {_text(event['action'])} {_text(event.get('what', ''))}".rstrip(),
        *([paint(_text(event["code"]), "yellow")] if "code" in event else []),
        *([_text(event["reason"])] if "reason" in event else []),
        *([", ".join(map(_text, event["fields"]))] if "fields" in event else []),
        *([f"of card {_text(event['card_ref'])}"] if "card_ref" in event else []),
        *([f"of member {_text(event['member_ref'])}"] if "member_ref" in event else []),
        *([f"by {who or 'nobody known'} from {_text(event['address'])}"] if "address" in event else []),
    ]
    return _GAP.join(parts)


_FORMATS: Final[Mapping[Any, Callable[[Mapping[str, Any], Paint], str]]] = MappingProxyType(
    {
        ("konagraph", "request"): _request,
        ("konagraph", "upstream call"): _call,
        ("konagraph.audit", "audit"): _audit,
    }
)


def _pairs(event: Mapping[str, Any], hidden: Collection[str]) -> Iterator[str]:
    for name, value in event.items():
        if name not in hidden and value not in (None, [], ()):
            yield f"{_text(name)}={_text(value)}"


def _milliseconds(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 1 else "<1 ms"


def _text(value: object) -> str:
    """One line of text, without control characters for the terminal."""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
