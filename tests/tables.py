"""Tests that walk a table."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_MOST_SHOWN: Final = 20
_MOST_CHARACTERS: Final = 200


class WrongRowsError(AssertionError):
    """Says which rows fail, and how the first of them do."""

    def __init__(self, wrong: Sequence[tuple[object, BaseException]], count: int) -> None:
        shown = [_shown(row, error) for row, error in wrong[:_MOST_SHOWN]]
        super().__init__("\n".join([f"{len(wrong)} of {count} rows are wrong", *shown]))


def _shown(row: object, error: BaseException) -> str:
    first = str(error).partition("\n")[0]
    return f"{repr(row)[:_MOST_CHARACTERS]}: {type(error).__name__}: {first[:_MOST_CHARACTERS]}"


def table(names: str | Sequence[str], rows: Iterable[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Run a test over every row of a table, and report all wrong rows at once.

    What `pytest.mark.parametrize` does with a test for each row, in one test: for tables with many rows that cost
    little. Fixtures are made once for all of them. Several tables multiply.

    Args:
        names: of the parameters that a row gives, as for `parametrize`.
        rows: a value each, or a tuple where there are several names.
    """
    given = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    arguments = [dict(zip(given, row if len(given) > 1 else [row], strict=True)) for row in rows]

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(test)
        rest = [parameter for name, parameter in signature.parameters.items() if name not in given]
        walked: Callable[..., Any]

        if inspect.iscoroutinefunction(test):

            @functools.wraps(test)
            async def walked(**fixtures: Any) -> None:
                walk = _Walk(arguments)
                for row in walk:
                    try:
                        await test(**row, **fixtures)
                    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - reported at the end
                        walk.wrong.append((row, error))
        else:

            @functools.wraps(test)
            def walked(**fixtures: Any) -> None:
                walk = _Walk(arguments)
                for row in walk:
                    try:
                        test(**row, **fixtures)
                    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - reported at the end
                        walk.wrong.append((row, error))

        # What pytest has to give.
        walked.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined] # of every function
        return walked

    return decorate


class _Walk:
    """One walk over the rows, which fails at its end if any row was wrong."""

    def __init__(self, arguments: list[dict[str, Any]]) -> None:
        self._arguments = arguments
        self.wrong: list[tuple[object, BaseException]] = []

    def __iter__(self) -> Iterator[dict[str, Any]]:
        assert self._arguments, "the table has no rows"
        yield from self._arguments
        if self.wrong:
            raise WrongRowsError(self.wrong, len(self._arguments)) from self.wrong[0][1]
