"""Tables of the commands, whose texts may come from anybody."""

from __future__ import annotations

import csv
import io
import json
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.output.tables import FORMATS, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROWS = [
    {"name": "web", "count": 12, "codes": ["A", "B"], "bulk": True, "none": None},
    {"name": "an-app", "count": 7, "codes": [], "bulk": False, "none": None},
]


def table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], form: str) -> str:
    """What is printed."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert print_table(columns, iter(rows), form) == len(rows)
    return printed.getvalue()


COLUMNS = ["name", "count", "codes", "bulk", "none"]


def test_numbers_are_on_the_right_and_empty_columns_left_out() -> None:
    assert table(COLUMNS, ROWS, "table") == (
        "name    count  codes  bulk\nweb        12  A, B   yes\nan-app      7\n"
    )
    assert table(COLUMNS, [], "table") == ""


def test_a_row_without_a_value_in_the_first_column_keeps_its_place() -> None:
    rows: list[dict[str, str | None]] = [{"time": "10:00", "name": "web"}, {"time": None, "name": "an-app"}]
    assert table(["time", "name"], rows, "table") == "time   name\n10:00  web\n       an-app\n"


def test_a_spreadsheet_has_all_columns_also_without_rows() -> None:
    assert table(COLUMNS, ROWS, "csv").splitlines() == [
        "name,count,codes,bulk,none",
        'web,12,"A, B",yes,',
        "an-app,7,,,",
    ]
    assert table(COLUMNS, [], "csv") == "name,count,codes,bulk,none\n"


def test_json_has_the_rows_as_they_are() -> None:
    assert json.loads(table(COLUMNS, ROWS, "json")) == ROWS
    assert json.loads(table(COLUMNS, [], "json")) == []


def test_a_long_table_comes_in_parts_each_with_its_own_columns() -> None:
    rows = [{"name": "web", "late": None} for _ in range(1_000)] + [{"name": "an-app", "late": 1}]
    assert table(["name", "late"], rows, "table") == "name\n" + "web\n" * 1_000 + "\nname    late\nan-app     1\n"
    assert table(["name", "late"], rows[:1_000], "table") == "name\n" + "web\n" * 1_000


@pytest.mark.parametrize("form", FORMATS)
def test_rows_are_printed_as_they_come(form: str) -> None:
    """However many there are."""

    def endless() -> Iterator[Mapping[str, Any]]:
        for count in range(5_000):
            yield {"name": "web", "count": count}
        raise BrokenPipeError

    printed = io.StringIO()
    with redirect_stdout(printed), pytest.raises(BrokenPipeError):
        print_table(["name", "count"], endless(), form)
    assert "3999" in printed.getvalue()


@given(st.text())
def test_a_name_moves_no_terminal_and_is_no_formula(name: str) -> None:
    rows = [{"name": name, "count": 1}]
    shown = table(["name", "count"], rows, "table")
    assert shown.count("\n") == 2
    assert shown.replace("\n", "").isprintable()
    (cell,) = [row["name"] for row in csv.DictReader(io.StringIO(table(["name", "count"], rows, "csv")))]
    assert cell.isprintable()
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
