"""Resolvers of outcomes: what one of several keys leads to, or an object that says why it leads to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from graph.errors import MAX_RETRY_AFTER_MS, code_of, message_of, retry_after_of, retry_may_help
from graph.graphql.fields import LookUp
from graph.graphql.origins import Origin
from graph.graphql.resolvers import Source
from graph.konaplate.record import Record, Whole
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graph.graphql.fields import Origins
    from schema.fields import Outcome


class Failure(Record):
    """An error, as an object."""

    name: str
    message: str
    retryable: bool
    retry_after_ms: Annotated[int, Whole(MAX_RETRY_AFTER_MS)] | None

    @property
    def code(self) -> ErrorCode:
        """Its code."""
        return ErrorCode[self.name]


FAILED: Final = Origin(Failure, None)


def outcome_of(spec: Outcome, argument: str, ways: Mapping[str, LookUp], origins: Origins) -> LookUp:
    """Make the resolver of an outcome.

    Args:
        spec: its declaration.
        argument: the name of the field's argument, an object with exactly one member.
        ways: what each member leads to, given as an argument of that name.
        origins: see `LookUp`.
    """

    def keys(source: Source, given: Mapping[str, Any]) -> _Asked:
        ((name, value),) = given[argument].items()
        way = ways[name]
        return _Asked(way, way.keys(source, {name: value}))

    def begin(source: Source, asked: _Asked) -> None:
        asked.way.begin(source, asked.key)

    async def load(source: Source, asked: _Asked) -> Source:
        try:
            found: Source = await asked.way.load(source, asked.key)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this field's error
            source.context.give_as_data(error)
            return _failed(source, error, spec.failed_as)
        found.kind = spec.found
        return found

    return LookUp(keys, begin, load, chained=any(way.chained for way in ways.values()), origins=origins)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Asked:
    way: LookUp
    key: Any


def _failed(source: Source, error: Exception, failed_as: Callable[..., str]) -> Source:
    code, retryable = code_of(error), retry_may_help(type(error))
    record = Failure(
        name=code.name, message=message_of(error), retryable=retryable, retry_after_ms=retry_after_of(error)
    )
    return Source(record, None, None, source.context, kind=failed_as(code, retryable=retryable))
