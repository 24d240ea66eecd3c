"""The audit log's file: appends whole lines, and seals them if there is a key."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Any, Final

from graph.security.audit_chain import BLANK_HEAD, Chain, Seal, head_offset, with_head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from graph.security.audit_chain import ChainKey

_OWNER_ONLY: Final = 0o600
_CLOSED: Final = -1
# Non-blocking for a pipe whose reader stalls; no terminal may become the controlling one.
_OPEN_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_LONGEST_LINE: Final = 1 << 20


class AuditFile:
    """Appends whole lines to a file, pipe or device; a new file is readable by its owner only.

    Raises:
        OSError: when it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)
        self._is_regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        # The rest of a partially written line, which must be finished first.
        self._rest = b""
        self.end = 0 if self._is_regular else None
        """Where the last write ends, even if others have appended since; None for what is no regular file."""
        self.begun = 0
        """After a failure: how many of its lines are in the file, at least in part."""

    @property
    def is_torn(self) -> bool:
        """Whether the last line is not finished yet."""
        return bool(self._rest)

    @property
    def is_deleted(self) -> bool:
        """Whether the file, and everything in it, is lost."""
        return self._is_regular and os.fstat(self._file).st_nlink == 0

    def write(self, lines: bytes) -> None:
        """Append whole lines.

        Raises:
            OSError: when not all of them were written.
        """
        left = self._rest + lines
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            # Lines that have not begun are not written later: their requests were refused.
            done = len(lines) - len(left)
            begun = done < 0 or (done > 0 and not lines[:done].endswith(b"\n"))
            self._rest = left[: left.index(b"\n") + 1] if begun else b""
            self.begun = lines[: max(done, 0)].count(b"\n") + (begun and done > 0)
            raise
        else:
            self._rest = b""
        finally:
            if self._is_regular:
                # Appending leaves it where this write ended, whatever others append.
                self.end = os.lseek(self._file, 0, os.SEEK_CUR) + len(self._rest)

    def rewriter(self) -> int | None:
        """Open the file again to change bytes in its middle; None where that is impossible or not allowed."""
        if not self._is_regular:
            return None
        with contextlib.suppress(OSError):
            opened = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            if os.path.sameopenfile(opened, self._file):
                return opened
            os.close(opened)
        return None

    def replaces(self, other: AuditFile) -> bool:
        """Take over what another one has not finished, if it has the same file; returns whether it has not."""
        if os.path.sameopenfile(self._file, other._file):
            self._rest = other._rest
            self.end = other.end
            return False
        return True

    def close(self) -> None:
        """Close the file."""
        if self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED


class AuditLines:
    """The lines of the audit log's file.

    Args:
        path: of the file.
        key: seals the lines; None to write them as they are.
        render: makes a line, without its line break, of the fields of an event.

    Raises:
        OSError: when the file cannot be opened.
    """

    def __init__(self, path: Path, key: ChainKey | None, render: Callable[[dict[str, Any]], bytes]) -> None:
        self._path = path
        self._file = AuditFile(path)
        self._chain = None if key is None else Chain(key)
        self._render = render
        self._files = 0
        # The number of the line that begins the file; 0 until there is one.
        self._opened = 0
        self._head: tuple[int, int] | None = None
        # The chain's last line that is not torn.
        self._whole = (0, Seal(b"", b""))
        with contextlib.suppress(OSError):
            # A full disk stops no start.
            self._begin()

    def write(self, lines: Sequence[bytes]) -> bytes:
        """Append lines, each without its line break; returns them as they are in the file.

        Raises:
            OSError: when not all of them were written.
        """
        if not self._opened:
            self._begin()
        written = self._append(lines)
        if self._file.is_deleted:
            # The lines are lost with it.
            self.reopen()
            written = self._append(lines)
        return written

    def reopen(self) -> None:
        """Open the path again, as after `logrotate` has renamed the file.

        Raises:
            OSError: when it cannot be opened; the old file stays in use.
        """
        fresh = AuditFile(self._path)
        if not fresh.replaces(self._file):
            self._file.close()
            self._file = fresh
            return
        old, head, ended = self._leave()
        self._file = fresh
        try:
            self._begin()
            # Only now: until the new file has its first line, the chain has not gone on.
            if head is not None:
                os.pwrite(head[0], ended, head[1])
        finally:
            old.close()
            if head is not None:
                os.close(head[0])

    def close(self) -> None:
        """Write the last line, and close the file."""
        if self._opened:
            with contextlib.suppress(OSError):
                self._append([self._render({"action": "closed"})])
        file, head, ended = self._leave()
        with contextlib.suppress(OSError):
            if head is not None:
                os.pwrite(head[0], ended, head[1])
        if head is not None:
            os.close(head[0])
        file.close()

    def _append(self, lines: Sequence[bytes], before: bytes = b"") -> bytes:
        """Append lines, sealed if there is a key, in one write; `before` are bytes of no line."""
        if self._chain is None:
            text = b"".join([line + b"\n" for line in lines])
            self._file.write(text)
            return text
        chain, file = self._chain, self._file
        sealed = chain.seal(lines, file.end if self._opened <= chain.seq else None)
        if self._opened > chain.seq:
            # The line that begins the file.
            sealed[0] = (with_head(sealed[0][0], self._opened, sealed[0][1]), sealed[0][1])
        text = sealed[0][0] if len(sealed) == 1 else b"".join([line for line, _ in sealed])
        try:
            file.write(before + text if before else text)
        except OSError:
            self._keep(chain, sealed[: max(0, file.begun - len(before))])
            raise
        chain.advance(sealed)
        if self._head is not None:
            self._write_head()
        return text

    def _keep(self, chain: Chain, sealed: Sequence[tuple[bytes, Seal]]) -> None:
        """Go on after the lines that are in the file, of which the last one may be torn."""
        whole = len(sealed) - self._file.is_torn
        if whole >= 0:
            chain.advance(sealed[:whole])
            self._whole = (chain.seq, chain.last)
            chain.advance(sealed[whole:])

    def _begin(self) -> None:
        """Write the line that begins the file, unless it is there."""
        chain = self._chain
        if chain is None or self._opened:
            return
        event: dict[str, Any] = {"action": "opened", "file": self._files + 1}
        if chain.seq:
            event["previous"] = chain.last.mac.decode()
        rewriter, end_of_torn = self._file.rewriter(), b""
        if rewriter is not None:
            event["head"] = BLANK_HEAD
            torn = _torn_tail(rewriter)
            if torn:
                # So that a reviewer can tell an unfinished line from a foreign one.
                event["torn"] = torn
                end_of_torn = b"\n"
        line = self._render(event)
        self._opened = chain.seq + 1
        try:
            written = self._append([line], end_of_torn)
        except OSError:
            if not self._file.begun:
                self._opened = 0
            raise
        end, offset = self._file.end, head_offset(written)
        if rewriter is not None and end is not None and offset is not None:
            self._head = (rewriter, end - len(written) + offset)
            self._write_head()

    def _write_head(self) -> None:
        """Write how far the chain has come into the line that begins the file."""
        end = self._file.end
        if self._chain is not None and self._head is not None and end is not None:
            rewriter, offset = self._head
            os.pwrite(rewriter, self._chain.head(end, is_ended=False), offset)

    def _leave(self) -> tuple[AuditFile, tuple[int, int] | None, bytes]:
        """Finish with the file; return it, the place of its head, and the head that says that nothing follows."""
        file, head, chain, ended = self._file, self._head, self._chain, b""
        with contextlib.suppress(OSError):
            # What is torn.
            file.write(b"")
        if chain is not None:
            if file.is_torn:
                # It stays unfinished, so that the chain goes on before it.
                chain.seq, chain.last = self._whole
            ended = chain.head(file.end or 0, is_ended=True)
        self._opened, self._head = 0, None
        self._files += 1
        return file, head, ended


def _open(path: Path) -> int:
    return os.open(path, _OPEN_FLAGS, _OWNER_ONLY)


def _torn_tail(file: int) -> int:
    """Return the length of a last line without a line break, as a killed process leaves it."""
    size = os.fstat(file).st_size
    start = max(0, size - _LONGEST_LINE)
    return len(os.pread(file, size - start, start).rpartition(b"\n")[2])
