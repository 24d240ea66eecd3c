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
    if not rows:
        return ""
    shown = [_column(name, [row[name] for row in rows]) for name in columns]
    return "".join(f"{'  '.join(cells).rstrip()}\n" for cells in zip(*filter(None, shown), strict=True))


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
