from __future__ import annotations

import re

import pytest

from tests.tables import WrongRowsError, table


@table("number", range(5))
@table(("factor", "expected"), [(1, True), (2, False)])
def is_small(number: int, factor: int, limit: int, *, expected: bool) -> None:
    assert (number * factor < limit) is expected


def test_every_wrong_row_is_reported_at_once() -> None:
    with pytest.raises(WrongRowsError, match="3 of 5 rows are wrong") as caught:
        is_small(limit=5)
    assert re.findall(r"'number': (\d)", str(caught.value)) == ["0", "1", "2"]


async def test_a_row_that_raises_nothing_where_it_should_is_wrong() -> None:
    @table("text", ["1", "x"])
    async def fails(text: str) -> None:
        with pytest.raises(ValueError):
            int(text)

    with pytest.raises(WrongRowsError, match="1 of 2 rows"):
        await fails()


def test_a_table_without_rows_tests_nothing() -> None:
    @table("text", [])
    def passes(text: str) -> None:
        assert text

    with pytest.raises(AssertionError, match="no rows"):
        passes()


@table("number", [1, 2])
def test_fixtures_are_given_beside_the_rows(number: int, request: pytest.FixtureRequest) -> None:
    assert number
    assert request.node.name == "test_fixtures_are_given_beside_the_rows"
