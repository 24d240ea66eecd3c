"""The file of the audit log: a line is there whole, or its writer is told."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_OWNER_ONLY: Final = 0o600
_CLOSED: Final = -1
# Not waiting matters where the file is a pipe whose reader stalls; not to become a process's terminal, too.
_HOW: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class AuditFile:
    """Appends lines to a file, which is made for its owner alone.

    Args:
        path: the file, or a pipe or device with that name.

    Raises:
        OSError: when it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)
        self._is_regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        # What is left of a line that has begun, and must be finished before any other begins.
        self._rest = b""

    def write(self, lines: bytes) -> None:
        """Append whole lines, at once.

        Raises:
            OSError: when they are not all there.
        """
        self._write(lines)
        if self._is_regular and os.fstat(self._file).st_nlink == 0:
            # Somebody has deleted the file, and what was written with it.
            self.reopen()
            self._write(lines)

    def reopen(self) -> None:
        """Go on in the file that has the name now, as after `logrotate` has renamed the other one.

        Raises:
            OSError: when it cannot be opened; lines go on into the one that is open.
        """
        opened = _open(self._path)
        if not os.path.sameopenfile(opened, self._file):
            self._rest = b""
        self.close()
        self._file = opened
        self._is_regular = stat.S_ISREG(os.fstat(opened).st_mode)

    def close(self) -> None:
        """Close the file."""
        if self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED

    def _write(self, lines: bytes) -> None:
        left = self._rest + lines
        while left:
            try:
                written = os.write(self._file, left)
            except OSError:
                # Lines that have not begun are not written later: who reads them would believe them.
                begun = len(left) > len(lines) or (len(left) < len(lines) and not _ends_a_line(lines, left))
                self._rest = left[: left.index(b"\n") + 1] if begun else b""
                raise
            left = left[written:]
        self._rest = b""


def _ends_a_line(lines: bytes, left: bytes) -> bool:
    return lines[: len(lines) - len(left)].endswith(b"\n")


def _open(path: Path) -> int:
    return os.open(path, _HOW, _OWNER_ONLY)
