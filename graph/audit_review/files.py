"""The lines of audit logs, read again."""

from __future__ import annotations

import errno
import gzip
import json
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click

from graph.security.audit_chain import link_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

    from graph.security.audit_chain import Head, Link

_END: Final = b"\n"
# No gateway writes such a line. One of a gigabyte must not fill the memory.
_LONGEST: Final = 1 << 20
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
    """Whether it has a line break, or is a part of a line that is too long for a gateway's."""

    def event(self) -> dict[str, Any]:
        """Return its fields; none of a line that is no JSON object."""
        try:
            event = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return event if isinstance(event, dict) else {}


@dataclass(slots=True)
class Segment:
    """The lines of one chain in one file, of which only a few are kept.

    Args:
        first: its first line.
        head: that of its first line; None if it has none, or one that no gateway made.
    """

    first: Line
    head: Head | None
    number: int | None = field(init=False, default=None)
    """Its place among the files of the chain, from 1; None if its first line is missing."""
    previous: bytes = field(init=False, default=b"")
    """The MAC before its first line, as that says."""
    last: Line | None = field(init=False, default=None)
    """The last one in order."""
    final: Line = field(init=False)
    """The last one in the file."""
    highest: int = field(init=False, default=0)
    """The largest sequence number."""
    mac: bytes | None = field(init=False, default=None)
    """That of the last line in order; None if it is not known."""
    shift: int = field(init=False, default=0)
    """How many bytes its lines have moved."""
    proof: bytes | None = field(init=False, default=None)
    """What the head must have; None if the line is missing that it tells of."""

    def __post_init__(self) -> None:
        self.final = self.first
        event = self.first.event()
        if event.get("action") == "opened" and isinstance(event.get("file"), int):
            self.number = event["file"]
            self.previous = str(event.get("previous", "")).encode("utf-8", "replace")
            self.mac = self.previous

    @property
    def file(self) -> Path:
        """The file."""
        return self.first.file

    def is_alive_at(self, place: int) -> bool:
        """Whether its process may have written at a place of the file."""
        return self.first.start < place and (not self.is_ended or place < self.final.start)

    @property
    def is_ended(self) -> bool:
        """Whether its head says that nothing of the chain follows in the file."""
        return self.head is not None and self.head.is_ended


@contextmanager
def open_log(file: Path) -> Iterator[gzip.GzipFile | IO[bytes]]:
    """Open a log, which may be compressed by gzip; - is standard input.

    Raises:
        OSError: it cannot be read, now or within the context. It has the file's name.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" else click.open_file(str(file), "rb") as opened:
            yield opened
    except (OSError, EOFError, zlib.error) as error:
        # Those of gzip say nothing, and those of reading do not name the file.
        problem = getattr(error, "strerror", None) or "is truncated, or is not a gzip file"
        raise OSError(errno.EIO, problem, str(file)) from None


def lines_of(file: Path) -> Iterator[Line]:
    """Read a log; see `open_log`."""
    start, number = 0, 1
    with open_log(file) as opened:
        while text := opened.readline(_LONGEST):
            bare, end = text.removesuffix(_END), start + len(text)
            glued = bare.rfind(BEGINNING)
            if glued > 0:
                # A process was killed in the middle of a line, and another one went on after it.
                yield Line(file, number, start, start + glued, bare[:glued], None, is_whole=False)
                start, bare = start + glued, bare[glued:]
            has_end = text.endswith(_END)
            yield Line(file, number, start, end, bare, link_of(bare), has_end or len(text) == _LONGEST)
            start, number = end, number + has_end
