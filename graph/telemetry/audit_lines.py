"""The lines of the audit log's file: sealed if there is a key, and begun anew when the file is."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from graph.security.audit_chain import BLANK_HEAD, Chain, Seal, head_offset, with_head
from graph.telemetry.audit_file import AuditFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from graph.security.audit_chain import ChainKey


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
        # How many files have the line that begins them.
        self._files = 0
        # How to rewrite the head, and where it is.
        self._head: tuple[int, int] | None = None
        # The line that is torn. The chain comes to it once it is whole.
        self._torn: Sequence[tuple[bytes, Seal]] = ()
        # What is in the file, and was not returned yet.
        self._new = b""
        if self._chain is not None:
            with contextlib.suppress(OSError):
                # A full disk stops no start.
                self._begin(self._chain, self._file)

    def write(self, lines: Sequence[bytes]) -> bytes:
        """Append lines, each without its line break; returns what the file has since the last time.

        These are all lines of the chain, including those that begin files. Heads are blank.

        Raises:
            OSError: when not all of them were written.
        """
        if self._chain is not None and not self._files:
            self.reopen()
        self._append(lines)
        if self._file.is_deleted:
            # The lines are lost with it.
            self.reopen()
            self._append(lines)
        return self._taken()

    def reopen(self) -> None:
        """Open the path again, as after `logrotate` has renamed the file.

        Raises:
            OSError: when it cannot be opened or begun; the old file stays in use.
        """
        fresh, old, head, chain = AuditFile(self._path), self._file, self._head, self._chain
        if chain is None or self._files:
            if fresh.take_over(old):
                old.close()
                self._file = fresh
                return
            with contextlib.suppress(OSError):
                self._finish()
        if chain is None:
            self._file = fresh
        else:
            # After a head that says the file has ended, a torn line would look inserted.
            ended = chain.head(old.end or 0, is_ended=not old.is_torn)
            self._begin(chain, fresh)
            if head is not None:
                # Only now: until the new file has its first line, the chain has not gone on.
                with contextlib.suppress(OSError):
                    os.pwrite(head[0], ended, head[1])
                os.close(head[0])
        old.close()

    def close(self) -> bytes:
        """Write the last line, and close the file; returns what `write` would."""
        if self._chain is not None and self._files:
            with contextlib.suppress(OSError):
                self._append([self._render({"action": "closed"})])
                # Only a chain with its last line has ended.
                self._write_head(self._chain, is_ended=True)
        if self._head is not None:
            os.close(self._head[0])
            self._head = None
        self._file.close()
        return self._taken()

    def _taken(self) -> bytes:
        new, self._new = self._new, b""
        return new

    def _append(self, lines: Sequence[bytes]) -> None:
        """Append lines, sealed if there is a key, in one write."""
        self._finish()
        chain, file = self._chain, self._file
        if chain is None:
            text = b"".join([line + b"\n" for line in lines])
            file.write(text)
            self._new += text
            return
        sealed = chain.seal(lines, file.end)
        text = sealed[0][0] if len(sealed) == 1 else b"".join([line for line, _ in sealed])
        try:
            file.write(text)
        finally:
            self._advance(chain, sealed[: file.whole])
            self._torn = sealed[file.whole :][:1] if file.is_torn else ()
            if file.whole:
                self._write_head(chain)

    def _advance(self, chain: Chain, sealed: Sequence[tuple[bytes, Seal]]) -> None:
        """Go on after lines that are whole in the file."""
        chain.advance(sealed)
        for line, _ in sealed:
            self._new += line

    def _finish(self) -> None:
        """Finish a torn line."""
        if self._file.is_torn:
            is_whole, torn, self._torn = self._file.finish(), self._torn, ()
            if is_whole and self._chain is not None:
                self._advance(self._chain, torn)
                self._write_head(self._chain)

    def _begin(self, chain: Chain, file: AuditFile) -> None:
        """Write the line that begins a file, and go on there; if that fails, nothing has changed."""
        event: dict[str, Any] = {"action": "opened", "file": self._files + 1}
        if chain.seq:
            event["previous"] = chain.last.mac.decode()
        rewriter = file.rewriter()
        if rewriter is not None:
            event["head"] = BLANK_HEAD
        sealed = chain.seal([self._render(event)])
        ((line, seal),) = sealed
        line = with_head(line, chain.seq + 1, seal)
        try:
            file.write(line)
        except OSError:
            if rewriter is not None:
                os.close(rewriter)
            file.discard()
            raise
        # A copy with a head would let the file be cut back to this line.
        self._advance(chain, sealed)
        self._file, self._torn, self._head = file, (), None
        self._files += 1
        offset = head_offset(line)
        if rewriter is not None and file.end is not None and offset is not None:
            self._head = (rewriter, file.end - len(line) + offset)
            with contextlib.suppress(OSError):
                # It has its first head already.
                self._write_head(chain)

    def _write_head(self, chain: Chain, *, is_ended: bool = False) -> None:
        """Write how far the chain has come into the line that begins the file."""
        if self._head is not None:
            rewriter, offset = self._head
            os.pwrite(rewriter, chain.head(self._file.end or 0, is_ended=is_ended), offset)
