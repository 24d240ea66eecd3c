"""The audit log's file: whole lines are appended to it, and a torn one is finished."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_OWNER_ONLY: Final = 0o600
_CLOSED: Final = -1
# Non-blocking for a pipe whose reader stalls; no terminal may become the controlling one.
_OPEN_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class AuditFile:
    """Appends whole lines to a file, pipe or device; a new file is readable by its owner only.

    Raises:
        OSError: when it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file, self._is_new = _open(path)
        self._is_regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        # The rest of a partially written line, and where what is there of it ends.
        self._rest = b""
        self._torn_at = 0
        self.end = 0 if self._is_regular else None
        """Where the last line that is whole ends, even if others have appended since; None for no regular file."""
        self.whole = 0
        """How many lines of the last write are whole in the file."""

    @property
    def is_torn(self) -> bool:
        """Whether the last line is not finished yet."""
        return bool(self._rest)

    @property
    def is_deleted(self) -> bool:
        """Whether the file, and everything in it, is lost."""
        return self._is_regular and os.fstat(self._file).st_nlink == 0

    def write(self, lines: bytes) -> None:
        """Append whole lines, where none is torn.

        Raises:
            OSError: when not all of them were written. Those that have not begun are not written later: their
                requests were refused.
        """
        left = lines
        try:
            while left:
                left = left[os.write(self._file, left) :]
        finally:
            done = len(lines) - len(left)
            whole = lines.rfind(b"\n", 0, done) + 1
            self.whole = lines.count(b"\n", 0, whole)
            self._rest = left[: left.index(b"\n") + 1] if done > whole else b""
            if done and self._is_regular:
                # Appending leaves it where this write ended, whatever others append.
                self._torn_at = os.lseek(self._file, 0, os.SEEK_CUR)
                if whole:
                    self.end = self._torn_at - (done - whole)

    def finish(self) -> bool:
        """Finish a torn line; returns whether it is whole now: it stays torn if others have appended since.

        Raises:
            OSError: when it cannot be finished yet.
        """
        if self._is_regular and os.fstat(self._file).st_size != self._torn_at:
            self._rest = b""
            return False
        while self._rest:
            self._rest = self._rest[os.write(self._file, self._rest) :]
            if self._is_regular:
                self._torn_at = os.lseek(self._file, 0, os.SEEK_CUR)
        if self._is_regular:
            self.end = self._torn_at
        return True

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

    def take_over(self, other: AuditFile) -> bool:
        """Take over what another has not finished if both have the same file open; returns whether they have."""
        is_same = os.path.sameopenfile(self._file, other._file)
        if is_same:
            self._rest, self._torn_at, self.end = other._rest, other._torn_at, other.end
        return is_same

    def discard(self) -> None:
        """Close a file that could not be begun, and delete it if it is new and others have written nothing."""
        with contextlib.suppress(OSError):
            size = os.fstat(self._file).st_size
            is_own = self._is_new and size == os.lseek(self._file, 0, os.SEEK_CUR)
            if is_own and os.path.samestat(self._path.stat(), os.fstat(self._file)):
                self._path.unlink()
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED


def _open(path: Path) -> tuple[int, bool]:
    """Open a file; return it, and whether it is new."""
    with contextlib.suppress(FileExistsError):
        return os.open(path, _OPEN_FLAGS | os.O_EXCL, _OWNER_ONLY), True
    return os.open(path, _OPEN_FLAGS, _OWNER_ONLY), False
