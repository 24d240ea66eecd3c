"""Tables: for people, as CSV for spreadsheets, and as JSON for programs."""

from __future__ import annotations

import csv
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from graph.texts import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Rows = Iterable[Mapping[str, Any]]

FORMATS: Final = ("table", "csv", "json")
_LINES_OF_A_WRITE: Final = 1_000
_ROWS_OF_A_PART: Final = 1_000
# Spreadsheets take the wide forms of East Asian keyboards for the same signs.
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def print_table(columns: Sequence[str], rows: Rows, form: str) -> int:
    """Print rows in one of `FORMATS`, as they come; returns how many there were.

    Names in them may come from logs, so whoever chose them: control characters are escaped, and no cell of a
    spreadsheet is a formula.

    Args:
        columns: the keys of each row, in order.
        rows: strings, numbers, lists of strings, True for yes; None and False are empty.
        form: `table` leaves out columns without a value, and is empty without rows. One of more than a thousand
            rows comes in parts, each with its own columns.
    """
    counted = _Counted(rows)
    render = _csv if form == "csv" else _json if form == "json" else _table
    lines = render(columns, counted)
    while text := "".join(islice(lines, _LINES_OF_A_WRITE)):
        click.echo(text, nl=False)
    return counted.count


class _Counted:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for row in self._rows:
            self.count += 1
            yield row


class _Line:
    """What `csv` writes to: its `writerow` returns what `write` returns."""

    @staticmethod
    def write(line: str) -> str:
        return line


def _csv(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    writer = csv.writer(_Line(), lineterminator="\n")
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_no_formula(_cell(row[name])) for name in columns])


def _json(_columns: Sequence[str], rows: Rows) -> Iterator[str]:
    before = "["
    for row in rows:
        yield f"{before}\n  {json.dumps(row)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _table(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    rows, before = iter(rows), ""
    while part := list(islice(rows, _ROWS_OF_A_PART)):
        yield before
        shown = [_column(name, [row[name] for row in part]) for name in columns]
        for cells in zip(*filter(None, shown), strict=True):
            yield f"{'  '.join(cells).rstrip()}\n"
        before = "\n"


def _column(name: str, values: Sequence[object]) -> list[str]:
    """Return the cells of a column in one width, beginning with its name; none if it has no value."""
    cells = [_cell(value) for value in values]
    if not any(cells):
        return []
    width = max(len(name), *map(len, cells))
    is_number = all(type(value) is int for value in values)
    return [cell.rjust(width) if is_number else cell.ljust(width) for cell in (name, *cells)]


def _cell(value: object) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    return printable(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _no_formula(text: str) -> str:
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
