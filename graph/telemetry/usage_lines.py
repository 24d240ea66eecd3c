"""Reads what clients used out of the log: sums the lines of any number of processes and files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

USAGE: Final = "usage"
"""The event of these lines."""
_MARK: Final = f'"{USAGE}"'
_FORMAT: Final = "konagraph-usage"
_VERSION: Final = 1


class Used(NamedTuple):
    """How often one client used one field, argument or value."""

    client: str
    coordinate: str
    requests: int
    last: str
    """When it was counted last: the time of the line, RFC 3339."""


class UsageFormatError(Exception):
    """A file is no output of `konagraph usage --format json`."""


def read_lines(lines: Iterable[str]) -> tuple[list[Used], int]:
    """Sum the lines of usage in a log; returns also how many of them cannot be read."""
    found: dict[tuple[str, str], Used] = {}
    unreadable = 0
    for line in lines:
        # Most lines are about something else.
        if _MARK not in line:
            continue
        try:
            for used in _of_line(json.loads(line)):
                _add(found, used)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            unreadable += 1
    return _ordered(found), unreadable


def to_json(used: Iterable[Used]) -> str:
    """Usage as a file for `konagraph check-schema --usage`."""
    content = {"format": _FORMAT, "version": _VERSION, "usage": [one._asdict() for one in used]}
    return json.dumps(content, indent=2) + "\n"


def from_json(text: str) -> list[Used]:
    """Read what `to_json` wrote.

    Raises:
        UsageFormatError: when it is something else.
    """
    try:
        content = json.loads(text)
        if (content["format"], content["version"]) != (_FORMAT, _VERSION):
            raise UsageFormatError
        found: dict[tuple[str, str], Used] = {}
        for one in content["usage"]:
            _add(found, _used(one["client"], one["coordinate"], one["requests"], one["last"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UsageFormatError from None
    return _ordered(found)


def _of_line(line: dict[str, Any]) -> Iterator[Used]:
    if line.get("event") != USAGE:
        return
    for coordinate, requests in line["coordinates"].items():
        yield _used(line["client"], coordinate, requests, line["timestamp"])


def _used(client: object, coordinate: object, requests: object, last: object) -> Used:
    if not (isinstance(client, str) and isinstance(coordinate, str) and isinstance(last, str)):
        raise TypeError
    if not isinstance(requests, int) or requests < 0:
        raise TypeError
    return Used(client, coordinate, requests, last)


def _add(found: dict[tuple[str, str], Used], used: Used) -> None:
    key = used.client, used.coordinate
    before = found.get(key)
    if before is not None:
        used = used._replace(requests=before.requests + used.requests, last=max(before.last, used.last))
    found[key] = used


def _ordered(found: dict[tuple[str, str], Used]) -> list[Used]:
    return [found[key] for key in sorted(found)]
