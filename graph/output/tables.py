"""Tables: for people, as CSV for spreadsheets, and as JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

from graph.output.texts import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Rows = Sequence[Mapping[str, Any]]

FORMATS: Final = ("table", "csv", "json")
# Spreadsheets take the wide forms of East Asian keyboards for the same signs.
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def table(columns: Sequence[str], rows: Rows, form: str) -> str:
    """Return rows in one of `FORMATS`, ending in a line break.

    Names in them may come from logs, so whoever chose them: control characters are escaped, and no cell of a
    spreadsheet is a formula.

    Args:
        columns: the keys of each row, in order.
        rows: texts, numbers, lists of texts, True for yes; None and False are empty.
        form: `table` leaves out columns without a value, and is empty without rows.
    """
    if form == "json":
        return json.dumps(rows, indent=2) + "\n"
    return _csv(columns, rows) if form == "csv" else _table(columns, rows)


def _csv(columns: Sequence[str], rows: Rows) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_no_formula(_cell(row[name])) for name in columns] for row in rows)
    return text.getvalue()


def _table(columns: Sequence[str], rows: Rows) -> str:
    lines = [""] * (len(rows) + 1)
    for name in columns:
        values = [row[name] for row in rows]
        cells = [name, *map(_cell, values)]
        if not any(cells[1:]):
            continue
        width = max(map(len, cells))
        numbers = all(type(value) is int for value in values)
        lines = [
            f"{line}  {cell.rjust(width) if numbers else cell.ljust(width)}"
            for line, cell in zip(lines, cells, strict=True)
        ]
    return "".join(f"{line.strip()}\n" for line in lines) if rows else ""


def _cell(value: object) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    return printable(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _no_formula(text: str) -> str:
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
