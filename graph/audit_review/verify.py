"""Finds what was changed in audit logs: lines, their order, whole files, and tails that were cut off."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from graph.audit_review.files import BEGINNING, Line, Segment, lines_of
from graph.security.audit_chain import head_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from graph.security.audit_chain import ChainKey, Link

_LAST: Final = 1 << 40
_OPENED: Final = BEGINNING + b'opened"'
# In bytes, with room for others before it that had hardly begun.
_LONGEST_OPENED: Final = 1_000
# As often, processes may have been started on a full disk.
_MOST_BEGUN: Final = 100
# Of lines that lack only their breaks, because the disk was full by then.
_MOST_UNBROKEN: Final = 2
_SEALED_WITHIN: Final = re.compile(rb'"mac":"[a-p]{32}"\}.', re.DOTALL)
_MOVED: Final = "moved: lines before it are missing, or were put in"


class Remark(NamedTuple):
    """Something about a file, or about a line of it."""

    file: Path
    line: int | None
    text: str

    def __str__(self) -> str:
        place = str(self.file) if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.text}"


@dataclass(slots=True)
class Verdict:
    """What a verification found."""

    findings: list[Remark] = field(default_factory=list)
    """Changes. There are none in a record as a gateway wrote it."""
    notes: list[Remark] = field(default_factory=list)
    """What is no change, but good to know: a line that a killed process did not finish."""
    lines: int = 0
    chains: int = 0


def verify(files: Iterable[Path], key: ChainKey, *, older_deleted: bool = False, mixed: bool = False) -> Verdict:
    """Verify the lines of audit logs.

    Args:
        files: all files of the record, in any order.
        key: that sealed them.
        older_deleted: whether files before the first ones may be missing, as after their retention.
        mixed: whether the files are logs of processes, which have other lines as well and lose where a line was.

    Raises:
        OSError: a file cannot be read.
    """
    return _Verification(key, older_deleted=older_deleted, mixed=mixed).of(dict.fromkeys(files))


class _Verification:
    def __init__(self, key: ChainKey, *, older_deleted: bool, mixed: bool) -> None:
        self._key = key
        self._older_deleted = older_deleted
        self._mixed = mixed
        self._verdict = Verdict()
        # Lines at the end of files that are not whole, and the files with a chain that was not ended there.
        self._torn: dict[Path, int] = {}
        self._open: set[Path] = set()

    def of(self, files: Iterable[Path]) -> Verdict:
        chains: dict[str, list[Segment]] = {}
        for file in files:
            for name, segment in self._segments(file).items():
                chains.setdefault(name, []).append(segment)
        for segments in chains.values():
            self._check_chain(segments)
        for file, number in self._torn.items():
            if file not in self._open:
                self._find(file, number, "a line without a seal")
        verdict = self._verdict
        verdict.chains = len(chains)
        found = dict.fromkeys(verdict.findings)
        verdict.findings = sorted(found, key=lambda remark: (str(remark.file), remark.line or 0))
        return verdict

    def _segments(self, file: Path) -> dict[str, Segment]:
        """Read a file, and sort its lines by their chains."""
        segments: dict[str, Segment] = {}
        torn: list[Line] = []
        line: Line | None = None
        for line, following in pairwise(chain(lines_of(file), [None])):
            assert line is not None  # noqa: S101 - for the type checker: only the last one is
            link = line.link
            if link is not None and line.is_whole:
                if link.chain not in segments:
                    segments[link.chain] = Segment(line, head_of(link))
                self._check_line(segments[link.chain], line, link)
                self._verdict.lines += 1
            elif not self._mixed:
                torn += self._torn_in(line, is_final=following is None, may_begin=bool(segments))
        for each in torn:
            self._judge_torn(each, segments.values())
        if line is None and not self._mixed:
            self._find(file, None, "the file is empty")
        return segments

    def _torn_in(self, line: Line, *, is_final: bool, may_begin: bool) -> list[Line]:
        """Return a line without a seal if a process may have begun it, and nothing else.

        Args:
            line: without a seal.
            is_final: whether it is the last one of the file.
            may_begin: whether it may then be the first line of a process.
        """
        if line.is_whole or not _is_torn(line.text, BEGINNING):
            self._find(line.file, line.number, "a line without a seal")
            return []
        if is_final and not (may_begin and _is_torn(line.text, _OPENED)):
            self._torn[line.file] = line.number
        return [line]

    def _judge_torn(self, line: Line, segments: Iterable[Segment]) -> None:
        """Say whether a process can have begun a line: one that starts there, or is in the middle of its lines."""
        starts = _is_torn(line.text, _OPENED) and len(line.text) <= _LONGEST_OPENED
        if not starts and not any(segment.is_alive_at(line.start) for segment in segments):
            self._find(line.file, line.number, "a line without a seal")
            return
        text = "torn: the process ended, or its disk was full, before the line was finished"
        self._verdict.notes.append(Remark(line.file, line.number, text))

    def _check_chain(self, segments: list[Segment]) -> None:
        segments.sort(key=lambda segment: (segment.number or _LAST, segment.first.number))
        before: Segment | None = None
        for segment in segments:
            self._check_beginning(segment, before)
            self._check_head(segment)
            before = segment
        if before is not None and before.is_ended and before.final.event().get("action") != "closed":
            self._find(before.file, None, "the file that follows it is missing")

    def _check_beginning(self, segment: Segment, before: Segment | None) -> None:
        """Check that a segment follows the one before it."""
        if segment.number is None:
            self._find(segment.file, segment.first.number, "the line that begins the file is missing")
        elif before is None:
            if segment.number > 1 and not self._older_deleted:
                self._find(segment.file, None, f"the {_files(segment.number - 1)} before it: missing")
        elif before.number is not None and segment.number != before.number + 1:
            self._find(segment.file, None, f"between {before.file} and it, a file is missing or given twice")
        elif before.final.link is not None and before.final.link.mac != segment.previous:
            self._find(before.file, None, "its last lines are missing")

    def _check_line(self, segment: Segment, line: Line, link: Link) -> None:
        """Check the seal, the order and the place of the next line of a chain in one file."""
        segment.final, segment.highest = line, max(segment.highest, link.seq)
        last, seq = segment.last, 0 if segment.last is None or segment.last.link is None else segment.last.link.seq
        if last is not None and link.seq <= seq:
            self._find(line.file, line.number, f"line {link.seq} of the chain, out of order or a second time")
            return
        if last is not None and link.seq > seq + 1:
            self._find(line.file, line.number, f"before it, {_lines(seq + 1, link.seq - 1)} missing")
        elif segment.mac is not None:
            seal = self._key.seal(segment.mac, link.body)
            if segment.head is not None and segment.head.seq == link.seq:
                segment.proof = seal.proof
            if not hmac.compare_digest(seal.mac, link.mac):
                self._find(line.file, line.number, "changed")
            elif last is not None and not self._mixed:
                segment.shift = self._check_place(line, link, last, segment.shift)
        segment.mac, segment.last = link.mac, line

    def _check_place(self, line: Line, link: Link, last: Line, shift: int) -> int:
        """Check where the line before it is; return by how much it has moved."""
        if link.after is None:
            if line.start != last.end:
                self._find(line.file, line.number, _MOVED)
            return shift
        moved = last.end - link.after
        if moved != shift:
            self._find(line.file, last.number, _MOVED)
        return moved

    def _check_head(self, segment: Segment) -> None:
        """Check that a chain has come as far in a file as its head says."""
        first, head = segment.first.link, segment.head
        if self._mixed or segment.number is None or first is None:
            return
        if first.head is None:
            self._open.add(segment.file)
            text = "no head, because its folder or a file attribute forbids it: a cut tail does not show"
            self._verdict.notes.append(Remark(segment.file, 1, text))
            return
        if not segment.is_ended:
            self._open.add(segment.file)
        if head is None:
            self._find(segment.file, segment.first.number, "changed: its head")
            return
        proof = segment.proof
        if proof is not None and head.is_ended:
            proof = self._key.ended(proof, head.end)
        if not hmac.compare_digest(proof or head.proof, head.proof):
            self._find(segment.file, segment.first.number, "changed: its head")
        missing = head.seq - segment.highest
        if missing > 0:
            # A head is written after its line: no killed process leaves such a line unfinished.
            lost = _lines(head.seq - missing + 1, head.seq)
            self._find(segment.file, None, f"its end was cut off: {lost} missing")
            if head.is_ended:
                self._torn.pop(segment.file, None)
        elif not missing and head.end and head.end != segment.final.end:
            self._find(segment.file, segment.final.number, _MOVED)

    def _find(self, file: Path, line: int | None, text: str) -> None:
        self._verdict.findings.append(Remark(file, line, text))


def _is_torn(text: bytes, beginning: bytes) -> bool:
    """Whether a text is a line that was not finished, perhaps behind others that had hardly begun.

    Neither whole lines without their breaks nor a filler in the place of lines are one.
    """
    start = begun = 0
    while (at := text.find(b"{", start + 1)) > 0 and beginning.startswith(text[start:at]):
        start, begun = at, begun + 1
    if begun > _MOST_BEGUN or len(_SEALED_WITHIN.findall(text)) > _MOST_UNBROKEN:
        return False
    return text.startswith(beginning, start) or beginning.startswith(text[start:])


def _lines(first: int, last: int) -> str:
    return f"line {first} is" if first == last else f"lines {first} to {last} are"


def _files(count: int) -> str:
    return "file" if count == 1 else f"{count} files"
