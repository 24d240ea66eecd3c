"""A compiled plan: its steps, from sources straight to the members of the answer.

A step does what graphql-core's executor does for one selection, as long as values are as they should be.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from graphql import Undefined
from graphql.error import located_error

from graph.graphql.fields import Known, ShownObject
from graph.graphql.plan import FallbackToGraphQLCore

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from enum import Enum

    from graphql import GraphQLError
    from graphql.language import FieldNode

    from graph.graphql.fields import CountList, Leaf, LookUp, TypeOf
    from graph.graphql.plan.values import Arguments, Values

Path: TypeAlias = "tuple[str | int, ...]"


class Result(NamedTuple):
    """What an executed operation gave: data, and the errors of the fields that failed."""

    data: dict[str, Any] | None
    errors: Sequence[GraphQLError]
    shown: Sequence[ShownObject]
    """The objects in the data."""


@dataclass(slots=True)
class Plan:
    """What one operation does, for one choice of its switches."""

    selection: Selection
    """What is selected of the root."""
    steps: int
    """The number of its steps, as a measure of its size."""

    async def run(self, root: Any, values: Values, count: CountList | None = None) -> Result:
        """Execute the operation.

        Args:
            root: the source of the root's fields.
            values: of the variables.
            count: learns the lengths of lists.

        Raises:
            FallbackToGraphQLCore: when graphql-core must execute it. The request's context has what was looked up.
        """
        run = Run(values, count)
        try:
            data = self.selection.complete(root, run, ())
            if run.pending:
                await run.look_up()
        except Exception as error:
            raise FallbackToGraphQLCore from error
        return Result(data, run.errors, run.shown)


class Run:
    """The state of one execution."""

    __slots__ = ("count", "errors", "pending", "shown", "values")

    def __init__(self, values: Values, count: CountList | None) -> None:
        self.values = values
        self.count = count
        self.errors: list[GraphQLError] = []
        self.pending: list[PendingLookUp] = []
        """The look-ups of the objects that were completed last."""
        self.shown: list[ShownObject] = []

    async def look_up(self) -> None:
        """Do all pending look-ups and those that they lead to; none waits for a slower neighbour."""
        pending, self.pending = self.pending, []
        if len(pending) == 1:
            await pending[0].fill(self)
            return
        # Every look-up begins before the first is awaited, so that they share a batch.
        for each in pending:
            each.look_up.begin(each.source, each.key)
        async with asyncio.TaskGroup() as group:
            for each in pending:
                if each.takes_steps:
                    group.create_task(each.fill(self))
            for each in pending:
                if not each.takes_steps:
                    await each.fill(self)


class PendingLookUp(NamedTuple):
    """A place in the answer that a look-up will fill."""

    look_up: LookUp
    source: Any
    key: Any
    step: Step
    at: Path
    holder: Any
    slot: str | int

    @property
    def takes_steps(self) -> bool:
        """Whether there is more to look up than has begun."""
        return self.step.looks_up or self.look_up.chained

    async def fill(self, run: Run) -> None:
        """Await the value, complete it, and look up what it leads to."""
        try:
            value = await self.look_up.load(self.source, self.key)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this field's error
            if run.count is not None:
                run.count(self.step.nodes, 0)
            self.step.null(error, run, self.at)
            return
        self.holder[self.slot] = self.step.complete(value, run, self.at)
        if run.pending:
            await run.look_up()


@dataclass(slots=True, kw_only=True)
class Step(ABC):
    """Completes a member of an object, or an item of a list."""

    nodes: list[FieldNode]
    """Every place where the document selects it: the locations of its errors."""
    path: tuple[str, ...]
    """The keys that lead to it from the nearest list item, or from the root."""
    nullable: bool
    looks_up: bool = False
    """Whether there are look-ups below it."""

    @abstractmethod
    def complete(self, value: Any, run: Run, at: Path) -> Any:
        """Return the member of the answer.

        Args:
            value: of its field.
            run: the execution.
            at: the path of the nearest list item.

        Raises:
            Exception: when graphql-core must execute the operation.
        """

    def null(self, error: Exception | None, run: Run, at: Path) -> None:
        """Leave the member null, with an error or without."""
        if not self.nullable:
            raise FallbackToGraphQLCore
        if error is not None:
            run.errors.append(located_error(error, self.nodes, [*at, *self.path]))


@dataclass(slots=True, kw_only=True)
class LeafStep(Step):
    """A scalar or an enum."""

    serialize: Callable[[Any], Any]
    names: Mapping[Enum, str] | None
    """The names of an enum's members."""
    clean: type | None
    """Values of exactly this class are already serialized."""

    def complete(self, value: Any, run: Run, at: Path) -> Any:
        """See `Step`."""
        if value.__class__ is self.clean:
            return value
        if value is None or isinstance(value, Exception):
            return self.null(value, run, at)
        completed = self.serialize(value) if self.names is None else self.names[value]
        if completed is None or completed is Undefined:
            raise FallbackToGraphQLCore
        return completed


@dataclass(slots=True, kw_only=True)
class ObjectStep(Step):
    """An object."""

    selection: Selection

    def complete(self, value: Any, run: Run, at: Path) -> Any:
        """See `Step`."""
        if value is None or isinstance(value, Exception):
            return self.null(value, run, at)
        return self.selection.complete(value, run, at)


@dataclass(slots=True, kw_only=True)
class AbstractStep(Step):
    """An object of an interface or a union."""

    type_of: TypeOf
    selections: Mapping[tuple[str, Hashable], Selection]
    """By the names of types, and the origins of their objects."""

    def complete(self, value: Any, run: Run, at: Path) -> Any:
        """See `Step`."""
        if value is None or isinstance(value, Exception):
            return self.null(value, run, at)
        kind = self.type_of
        return self.selections[kind.name(value), kind.origin(value)].complete(value, run, at)


@dataclass(slots=True, kw_only=True)
class ListStep(Step):
    """A list."""

    item: Step
    """Completes each item; its path begins there."""

    def complete(self, value: Any, run: Run, at: Path) -> Any:
        """See `Step`."""
        if run.count is not None:
            run.count(self.nodes, len(value) if isinstance(value, list) else 0)
        if value is None or isinstance(value, Exception):
            return self.null(value, run, at)
        if not isinstance(value, list):
            raise FallbackToGraphQLCore
        complete, start = self.item.complete, at + self.path
        return [complete(item, run, (*start, index)) for index, item in enumerate(value)]


class SelectedField(NamedTuple):
    """A field that is read of its object."""

    key: str
    read: Callable[[Any], Any]
    clean: type | None
    """Raw values of exactly this class are no secrets and open to every viewer."""
    convert: Callable[[Any], Any] | None
    """Serializes a clean value; None if it is serialized already."""
    show: Callable[[Any, Any], Any]
    step: Step


class SelectedLookUp(NamedTuple):
    """A field that must be looked up; it is null until then."""

    key: str
    look_up: LookUp
    arguments: Arguments
    step: Step

    def plan(self, source: Any, data: dict[str, Any], run: Run, at: Path) -> None:
        """Add the look-ups of one object to those that are pending."""
        step, arguments = self.step, self.arguments.of(run.values)
        try:
            asked = self.look_up.keys(source, arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this field's error
            asked = error
        if asked is None or isinstance(asked, Exception):
            step.null(asked, run, at)
        elif isinstance(asked, Known):
            data[self.key] = step.complete(asked.value, run, at)
        elif not isinstance(asked, list):
            run.pending.append(PendingLookUp(self.look_up, source, asked, step, at, data, self.key))
        elif isinstance(step, ListStep):
            if run.count is not None:
                run.count(step.nodes, len(asked), of_keys=True)
            items: list[Any] = [None] * len(asked)
            data[self.key] = items
            for index, key in enumerate(asked):
                place = (*at, *step.path, index)
                if key is None or isinstance(key, Exception):
                    step.item.null(key, run, place)
                else:
                    run.pending.append(PendingLookUp(self.look_up, source, key, step.item, place, items, index))
        else:
            raise FallbackToGraphQLCore


@dataclass(slots=True)
class Selection:
    """What is selected of an object."""

    blank: dict[str, Any]
    """An object with every key in its place: `__typename` with its value, anything else null."""
    fields: list[SelectedField]
    look_ups: list[SelectedLookUp]
    leaves: list[Leaf]
    """Those of the two that are scalars or enums."""

    @property
    def looks_up(self) -> bool:
        """Whether there are look-ups in it or below it."""
        return bool(self.look_ups) or any(field.step.looks_up for field in self.fields)

    def complete(self, source: Any, run: Run, at: Path) -> dict[str, Any]:
        """Return the object of the answer."""
        data = self.blank.copy()
        run.shown.append(ShownObject(source, self.leaves, data))
        for key, read, clean, convert, show, step in self.fields:
            value = read(source)
            if value.__class__ is not clean:
                value = step.complete(show(source, value), run, at)
            elif convert is not None:
                value = convert(value)
                if value is None or value is Undefined:
                    raise FallbackToGraphQLCore
            data[key] = value
        for look_up in self.look_ups:
            look_up.plan(source, data, run, at)
        return data
