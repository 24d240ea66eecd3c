"""A compiled plan and its steps, from sources straight to the members of the answer.

A step does what graphql-core's executor does for one selection, for values that are as they should be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import Undefined

from graph.graphql.plan.fields import FallbackToGraphQLCore
from graph.graphql.plan.run import Run, Step, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from enum import Enum

    from graphql import GraphQLError

    from graph.graphql.plan.fields import LookUp
    from graph.graphql.plan.run import Path
    from graph.graphql.plan.values import Arguments, Values


@dataclass(slots=True, kw_only=True)
class LeafStep(Step):
    """A scalar or an enum."""

    serialize: Callable[[Any], Any]
    names: Mapping[Enum, str] | None
    """Of an enum's members."""
    clean: type | None
    """A value of exactly this class is serialized already."""

    def complete(self, value: Any, run: Run, at: Path) -> Any:
        """Serialize it."""
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

    @property
    def looks_up(self) -> bool:
        """See `Step`."""
        return self.selection.looks_up

    def complete(self, value: Any, run: Run, at: Path) -> Any:
        """Complete what is selected of it."""
        if value is None or isinstance(value, Exception):
            return self.null(value, run, at)
        return self.selection.complete(value, run, at)


@dataclass(slots=True, kw_only=True)
class AbstractStep(Step):
    """An object of one of several types."""

    type_of: Callable[[Any], str]
    """The name of an object's type."""
    selections: Mapping[str, Selection]
    """What is selected of each type."""

    @property
    def looks_up(self) -> bool:
        """See `Step`."""
        return any(selection.looks_up for selection in self.selections.values())

    def complete(self, value: Any, run: Run, at: Path) -> Any:
        """Complete what is selected of its type."""
        if value is None or isinstance(value, Exception):
            return self.null(value, run, at)
        return self.selections[self.type_of(value)].complete(value, run, at)


@dataclass(slots=True, kw_only=True)
class ListStep(Step):
    """A list."""

    item: Step
    """Completes each of its items, whose paths begin at the item."""

    @property
    def looks_up(self) -> bool:
        """See `Step`."""
        return self.item.looks_up

    def complete(self, value: Any, run: Run, at: Path) -> Any:
        """Complete each item."""
        if value is None or isinstance(value, Exception):
            return self.null(value, run, at)
        if not isinstance(value, list):
            raise FallbackToGraphQLCore
        complete, start = self.item.complete, at + self.path
        return [complete(item, run, (*start, index)) for index, item in enumerate(value)]


class SelectedField(NamedTuple):
    """What `Selection` needs of a field at every object."""

    key: str
    read: Callable[[Any], Any]
    clean: type | None
    """A raw value of exactly this class is shown to everybody, and no secret."""
    made: Callable[[Any], Any] | None
    """What makes the member of the answer of a clean value, unless it is the member itself."""
    show: Callable[[Any, Any], Any]
    step: Step


class SelectedLookUp(NamedTuple):
    """A field that must be looked up. Among the members it is null, until it is filled in."""

    key: str
    look_up: LookUp
    arguments: Arguments
    step: Step

    def ask(self, source: Any, data: dict[str, Any], run: Run, at: Path) -> None:
        """Note what is to be looked up for one object."""
        step, arguments = self.step, self.arguments.of(run.values)
        try:
            asked = self.look_up.keys(source, arguments)
        except Exception as error:  # noqa: BLE001 - the error of this field, whatever it is
            asked = error
        if asked is None or isinstance(asked, Exception):
            step.null(asked, run, at)
        elif not isinstance(asked, list):
            run.waiting.append(Waiting(self.look_up, source, asked, step, at, data, self.key))
        elif isinstance(step, ListStep):
            data[self.key] = self._ask_for_items(source, asked, step.item, run, at + step.path)
        else:
            raise FallbackToGraphQLCore

    def _ask_for_items(self, source: Any, keys: list[Any], step: Step, run: Run, start: Path) -> list[Any]:
        items: list[Any] = [None] * len(keys)
        for index, key in enumerate(keys):
            at = (*start, index)
            if key is None or isinstance(key, Exception):
                step.null(key, run, at)
            else:
                run.waiting.append(Waiting(self.look_up, source, key, step, at, items, index))
        return items


class Selection:
    """What is selected of an object.

    Args:
        members: one for each key, in the order of the answer.
        edges: those that must be looked up.
    """

    __slots__ = ("_edges", "_members", "looks_up")

    def __init__(self, members: Sequence[SelectedField], edges: Sequence[SelectedLookUp]) -> None:
        self._members = tuple(members)
        self._edges = tuple(edges)
        self.looks_up: bool = bool(edges) or any(member.step.looks_up for member in members)

    def complete(self, source: Any, run: Run, at: Path) -> dict[str, Any]:
        """The object of the answer."""
        data = {}
        for key, read, clean, made, show, step in self._members:
            value = read(source)
            if value.__class__ is not clean:
                value = step.complete(show(source, value), run, at)
            elif made is not None:
                value = made(value)
                if value is None or value is Undefined:
                    raise FallbackToGraphQLCore
            data[key] = value
        for edge in self._edges:
            edge.ask(source, data, run, at)
        return data


class Result(NamedTuple):
    """What an executed operation gave: data, and the errors of the fields that failed."""

    data: dict[str, Any] | None
    errors: Sequence[GraphQLError]


class Plan:
    """What one operation does, for one choice of what its switches leave.

    Args:
        selection: what is selected of the root.
        steps: how many steps it has, as a measure of its size.
    """

    __slots__ = ("_selection", "steps")

    def __init__(self, selection: Selection, steps: int) -> None:
        self._selection = selection
        self.steps = steps

    async def run(self, root: Any, values: Values) -> Result:
        """Execute it.

        Args:
            root: the source of the root's fields.
            values: the variables' values.

        Raises:
            FallbackToGraphQLCore: when this is a matter for graphql-core, which finds what was looked up where the
                plan found it.
        """
        run = Run(values)
        try:
            data = self._selection.complete(root, run, ())
            if run.waiting:
                await run.look_up()
        except Exception as error:
            raise FallbackToGraphQLCore from error
        return Result(data, run.errors)
