"""The lines of audit logs, read again."""

from __future__ import annotations

import errno
import gzip
import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from graph.security.audit_chain import link_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from graph.security.audit_chain import Link

_END: Final = b"\n"
BEGINNING: Final = b'{"action":"'
"""How each line of an audit log begins."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file."""

    file: Path
    number: int
    start: int
    end: int
    """Where the next line begins, in bytes from the file's beginning."""
    text: bytes
    """Without its line break."""
    link: Link | None
    """Its place in a chain; None if it has none."""
    is_whole: bool
    """Whether it has a line break."""

    def event(self) -> dict[str, Any]:
        """Return its fields; none of a line that is no JSON object."""
        try:
            event = json.loads(self.text)
        except ValueError:
            return {}
        return event if isinstance(event, dict) else {}


@dataclass(slots=True)
class Segment:
    """The lines of one chain in one file."""

    file: Path
    lines: list[Line]
    number: int | None = field(init=False, default=None)
    """Its place among the files of the chain, from 1; None if its first line is missing."""
    is_ended: bool = field(init=False, default=False)
    """Whether its head says that nothing of the chain follows in the file."""

    def __post_init__(self) -> None:
        first = self.lines[0].event()
        if first.get("action") == "opened" and isinstance(first.get("file"), int):
            self.number = first["file"]


def lines_of(file: Path) -> Iterator[Line]:
    """Read a file, which may be compressed by gzip.

    Raises:
        OSError: it cannot be read.
    """
    try:
        yield from _lines_of(file)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        # Of these, two are no OSError, and the third names no file.
        raise OSError(errno.EIO, "is cut, or not compressed by gzip", str(file)) from None


def _lines_of(file: Path) -> Iterator[Line]:
    start = 0
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
        for number, text in enumerate(opened, 1):
            bare, end = text.removesuffix(_END), start + len(text)
            glued = bare.rfind(BEGINNING)
            if glued > 0:
                # A process was killed in the middle of a line, and another one went on behind it.
                yield Line(file, number, start, start + glued, bare[:glued], None, is_whole=False)
                start, bare = start + glued, bare[glued:]
            yield Line(file, number, start, end, bare, link_of(bare), text.endswith(_END))
            start = end
