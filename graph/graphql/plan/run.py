"""One execution of a plan: complete what is there, look up what is not, and go on with what comes."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from graphql.error import located_error

from graph.graphql.plan.fields import FallbackToGraphQLCore

if TYPE_CHECKING:
    from graphql import GraphQLError
    from graphql.language import FieldNode

    from graph.graphql.plan.fields import LookUp
    from graph.graphql.plan.values import Values

Path: TypeAlias = "tuple[str | int, ...]"


class Run:
    """The state of one execution.

    Args:
        values: the variables' values.
    """

    __slots__ = ("errors", "values", "waiting")

    def __init__(self, values: Values) -> None:
        self.values = values
        self.errors: list[GraphQLError] = []
        self.waiting: list[Waiting] = []
        """What is to be looked up for the objects that were completed last."""

    async def look_up(self) -> None:
        """Fill in all that waits, and all that this leads to; nothing waits for a slower neighbour."""
        waiting, self.waiting = self.waiting, []
        if len(waiting) == 1:
            await waiting[0].fill(self)
            return
        for each in waiting:
            # Every look-up begins before the first is waited for, also where there is no task of its own.
            each.look_up.begin(each.source, each.key)
        async with asyncio.TaskGroup() as group:
            for each in waiting:
                if each.step.looks_up:
                    group.create_task(each.fill(self))
            for each in waiting:
                if not each.step.looks_up:
                    await each.fill(self)


class Waiting(NamedTuple):
    """A place in the answer that a look-up will fill in."""

    look_up: LookUp
    source: Any
    key: Any
    step: Step
    at: Path
    holder: Any
    slot: str | int

    async def fill(self, run: Run) -> None:
        """Wait for it, complete it, and look up what it leads to."""
        try:
            value = await self.look_up.load(self.source, self.key)
        except Exception as error:  # noqa: BLE001 - the error of this field, whatever it is
            self.step.null(error, run, self.at)
            return
        self.holder[self.slot] = self.step.complete(value, run, self.at)
        if run.waiting:
            await run.look_up()


@dataclass(slots=True, kw_only=True)
class Step(ABC):
    """One member of an object, or an item of a list."""

    nodes: list[FieldNode]
    """Where the document selects it, all of them: these places are its errors' places."""
    path: tuple[str, ...]
    """The keys that lead to it from the nearest list's item, or from the root."""
    nullable: bool

    @property
    def looks_up(self) -> bool:
        """Whether anything is looked up below it."""
        return False

    @abstractmethod
    def complete(self, value: Any, run: Run, at: Path) -> Any:
        """The member of the answer.

        Args:
            value: what its field gives.
            run: the execution.
            at: where the nearest list's item is.

        Raises:
            Exception: when this is a matter for graphql-core.
        """

    def null(self, error: Exception | None, run: Run, at: Path) -> None:
        """Be null, with an error or without one."""
        if not self.nullable:
            raise FallbackToGraphQLCore
        if error is not None:
            run.errors.append(located_error(error, self.nodes, [*at, *self.path]))
