"""Every random change of an audit log is found."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import pytest

from graph.audit_review.verify import verify
from graph.security.audit_chain import ChainKey
from schema.secrets import Credential
from tests.security.audit_writer import KEY
from tests.security.audited import record, texts
from tests.tools import examples

if TYPE_CHECKING:
    from pathlib import Path


Mutilate = "Callable[[random.Random, list[bytes]], None]"


def edit(dice: random.Random, lines: list[bytes]) -> None:
    at = dice.randrange(len(lines))
    line = bytearray(lines[at])
    place = dice.randrange(len(line) - 1)
    line[place] = dice.choice([byte for byte in b'abc0189"}{ ' if byte != line[place]])
    lines[at] = bytes(line)


def delete(dice: random.Random, lines: list[bytes]) -> None:
    # Not the last one of a file without an end: that is a cut tail.
    del lines[dice.randrange(len(lines))]


def swap(dice: random.Random, lines: list[bytes]) -> None:
    first = dice.randrange(len(lines) - 1)
    second = dice.choice([first + 1, dice.randrange(first + 1, len(lines))])
    lines[first], lines[second] = lines[second], lines[first]


def duplicate(dice: random.Random, lines: list[bytes]) -> None:
    lines.insert(dice.randrange(len(lines) + 1), dice.choice(lines))


def append(dice: random.Random, lines: list[bytes]) -> None:
    forged = dice.choice(lines).replace(b"192.0.2.1", b"192.0.2.2").replace(b"opened", b"read")
    lines.append(dice.choice([forged, b"{}\n", b'{"action":"read"}\n', lines[-1], b"\n"]))


def cut(dice: random.Random, lines: list[bytes]) -> None:
    del lines[-dice.choice([1, 2, dice.randrange(1, len(lines))]) :]


def cut_within_a_line(dice: random.Random, lines: list[bytes]) -> None:
    cut(dice, lines)
    lines[-1] = lines[-1][: dice.randrange(1, len(lines[-1]))]


def forge(dice: random.Random, lines: list[bytes]) -> None:
    """Seal a line anew with another key."""
    guess = ChainKey(Credential(f"a guess at the key {dice.random()}"))
    at = dice.randrange(1, len(lines))
    lines[at] = lines[at][:-36] + guess.seal(b"", lines[at]).mac + b'"}\n'


KINDS: Final = (edit, delete, swap, duplicate, append, cut, cut_within_a_line, forge)


# A tracer doubles the time of the long ones.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("ended", "count", "mutilations"),
    [
        pytest.param(True, 100, 80, id="short"),
        pytest.param(False, 100, 80, id="short and killed"),
        pytest.param(True, 500, 160, id="ended", marks=pytest.mark.no_cover),
        pytest.param(False, 10_000, 40, id="killed", marks=pytest.mark.no_cover),
    ],
)
def test_every_mutilation_of_a_record_is_found_and_nothing_of_an_untouched_one(
    tmp_path: Path, count: int, mutilations: int, *, ended: bool
) -> None:
    files = record(tmp_path, count, ended=ended)
    verdict = verify(files, KEY)
    assert (verdict.findings, verdict.notes, verdict.chains) == ([], [], 2)
    assert verdict.lines >= count
    missed = []
    dice = random.Random(20_261_127)  # noqa: S311 - to repeat a failure
    for number in range(max(len(KINDS), examples(mutilations))):
        mutilate, file = KINDS[number % len(KINDS)], dice.choice(files)
        before = file.read_bytes()
        lines = before.splitlines(keepends=True)
        mutilate(dice, lines)
        after = b"".join(lines)
        file.write_bytes(after)
        if not verify(files, KEY).findings and after != before:
            missed.append((number, mutilate.__name__, file.name, len(before) - len(after)))
        file.write_bytes(before)
    assert missed == []
    for file in files:
        assert texts([file])
