"""Finds what was changed in audit logs: lines, their order, whole files, and tails that were cut off."""

from __future__ import annotations

import hmac
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

from graph.audit_review.files import Line, Segment, lines_of
from graph.audit_review.keys import CURRENT, KeyRing
from graph.audit_review.torn import is_torn, is_torn_start
from graph.audit_review.verdict import Remark, Verdict
from graph.security.audit_chain import head_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from graph.security.audit_chain import ChainKey, Link

_LAST: Final = 1 << 40
_UNKNOWN: Final = "no line of this process verifies: is KONAGRAPH_AUDIT_KEY, or an --old-key, the key in use then?"
_MOVED: Final = "moved: lines before it are missing, or lines were inserted"


def verify(
    files: Iterable[Path],
    key: ChainKey,
    old_keys: Sequence[tuple[Path, ChainKey]] = (),
    *,
    older_deleted: bool = False,
    mixed: bool = False,
) -> Verdict:
    """Verify the lines of audit logs.

    Args:
        files: all files of the record, in any order.
        key: that gateways seal with now.
        old_keys: that they sealed with before, each with its file.
        older_deleted: whether files before the first ones may be missing, as after their retention.
        mixed: whether the files are logs of processes, which have other lines as well and lose where a line was.

    Raises:
        OSError: a file cannot be read.
    """
    keys = KeyRing([key, *(old for _, old in old_keys)])
    verification = _Verification(keys, older_deleted=older_deleted, mixed=mixed)
    verdict = verification.of(dict.fromkeys(files))
    for number, (file, _) in enumerate(old_keys, CURRENT + 1):
        if number in verification.last_times:
            last = verification.last_times[number]
            verdict.notes.append(Remark(file, None, f"this old key sealed lines until {last}"))
    return verdict


class _Verification:
    def __init__(self, keys: KeyRing, *, older_deleted: bool, mixed: bool) -> None:
        self._keys = keys
        self._older_deleted = older_deleted
        self._mixed = mixed
        self._verdict = Verdict()
        # Lines at the end of files that are not whole, and the files with a chain that was not ended there.
        self._torn: dict[Path, int] = {}
        self._open: set[Path] = set()
        # Changed lines, by their chains.
        self._changed: dict[str, list[Remark]] = {}
        # The files with a line of the current key.
        self._renewed: set[Path] = set()
        self.last_times: dict[int, str] = {}
        """When the last line was written with each key, by the key's number."""

    def of(self, files: Iterable[Path]) -> Verdict:
        chains: dict[str, list[Segment]] = {}
        for file in files:
            for name, segment in self._segments(file).items():
                chains.setdefault(name, []).append(segment)
        for name, segments in chains.items():
            if self._mixed:
                self._check_logs(segments)
            else:
                self._check_files(segments)
            self._check_key(name, segments)
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
        if line.is_whole or not is_torn(line.text):
            self._find(line.file, line.number, "a line without a seal")
            return []
        if is_final and not (may_begin and is_torn_start(line.text)):
            self._torn[line.file] = line.number
        return [line]

    def _judge_torn(self, line: Line, segments: Iterable[Segment]) -> None:
        """Say whether a process can have begun a line: one that starts there, or is in the middle of its lines."""
        starts = is_torn_start(line.text)
        if not starts and not any(segment.is_alive_at(line.start) for segment in segments):
            self._find(line.file, line.number, "a line without a seal")
            return
        text = "torn: the process ended, or its disk was full, before the line was finished"
        self._verdict.notes.append(Remark(line.file, line.number, text))

    def _check_logs(self, segments: list[Segment]) -> None:
        """Check that each log goes on with a chain where the one before it stops."""
        segments.sort(key=lambda segment: segment.first.link.seq if segment.first.link else _LAST)
        seq, mac = 0, b""
        for segment in segments:
            line, link = segment.first, segment.first.link
            assert link is not None  # noqa: S101 - for the type checker
            if link.seq == seq + 1:
                if self._keys.seal_of(mac, link) is None:
                    self._changed.setdefault(link.chain, []).append(Remark(line.file, line.number, "changed"))
            elif link.seq <= seq:
                self._find(line.file, line.number, f"line {link.seq} of the chain, out of order or a second time")
            elif seq or not self._older_deleted:
                self._find(line.file, line.number, f"before it, {_lines(seq + 1, link.seq - 1)} missing")
            else:
                text = f"before it, {_lines(1, link.seq - 1)} missing, without which it is not verified itself"
                self._verdict.notes.append(Remark(line.file, line.number, text))
            if segment.last is not None and segment.last.link is not None:
                seq, mac = segment.last.link.seq, segment.last.link.mac

    def _check_files(self, segments: list[Segment]) -> None:
        segments.sort(key=lambda segment: (segment.number or _LAST, segment.first.number))
        before: Segment | None = None
        for segment in segments:
            self._check_beginning(segment, before)
            self._check_head(segment)
            before = segment
        if before is not None and before.is_ended and before.final.event().get("action") != "closed":
            self._find(before.file, None, "the file that follows it is missing")

    def _check_key(self, name: str, segments: list[Segment]) -> None:
        """Report the changed lines of a chain, or that no key verifies it; note when its key was last used."""
        number, changed = self._keys.number_of(name), self._changed.pop(name, [])
        if number is None:
            changed = [Remark(each.file, each.first.number, _UNKNOWN) for each in segments]
        else:
            times = [str(each.final.event().get("timestamp")) for each in segments]
            self.last_times[number] = max(self.last_times.get(number, ""), *times)
        self._verdict.findings += changed

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
            seal = self._keys.seal_of(segment.mac, link)
            if seal is None:
                self._changed.setdefault(link.chain, []).append(Remark(line.file, line.number, "changed"))
            else:
                if segment.head is not None and segment.head.seq == link.seq:
                    segment.proof = seal.proof
                if not self._mixed:
                    self._check_age(line, link)
                    if last is not None:
                        segment.shift = self._check_place(line, link, last, segment.shift)
        segment.mac, segment.last = link.mac, line

    def _check_age(self, line: Line, link: Link) -> None:
        """Check that no process has started with an old key after lines of the current one."""
        if self._keys.number_of(link.chain) == CURRENT:
            self._renewed.add(line.file)
        elif link.seq == 1 and line.file in self._renewed:
            self._find(line.file, line.number, "sealed with an old key, after lines of the current one")

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
        if segment.number is None or first is None:
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
            proof = self._keys.ended(first.chain, proof, head.end)
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


def _lines(first: int, last: int) -> str:
    return f"line {first} is" if first == last else f"lines {first} to {last} are"


def _files(count: int) -> str:
    return "file" if count == 1 else f"{count} files"
