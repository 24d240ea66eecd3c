"""The steps of a compiled plan: from views of records straight to the members of the answer.

A step does what graphql-core's executor does for one selection, for values that are as they should be. For
anything else it raises, and graphql-core executes the operation once more over the same context: see `Plan`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import Undefined
from graphql.error import located_error

from schema.query import opened

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence
    from enum import Enum

    from graphql import GraphQLError
    from graphql.language import FieldNode

    from graph.context import RequestContext
    from graph.konaplate.endpoints.user_info import UserInfo
    from schema.secrets import CardNo

    Place = tuple[str | int, ...]
    """Where in the answer a root field's object is."""


class NotCleanError(Exception):
    """A value that the plan does not complete: graphql-core shall say what it means."""


class Waiting(NamedTuple):
    """A member of the answer that another look-up will fill in."""

    looking_up: asyncio.Future[UserInfo]
    step: ProfileStep
    data: dict[str, Any]
    card_no: CardNo
    at: Place


class Run:
    """The state of one execution."""

    __slots__ = ("context", "errors", "waiting")

    def __init__(self, context: RequestContext) -> None:
        self.context = context
        self.errors: list[GraphQLError] = []
        self.waiting: list[Waiting] = []

    def fail(self, error: Exception, nodes: list[FieldNode], path: Place) -> None:
        """Note the error of a nullable field, which is null then."""
        self.errors.append(located_error(error, nodes, list(path)))


class Step:
    """One member of an object.

    Args:
        nodes: where the document selects it, all of them.
        path: the keys that lead to it from the root field's object.
        nullable: whether it may be null.
    """

    __slots__ = ("nodes", "nullable", "path")

    def __init__(self, nodes: list[FieldNode], path: tuple[str, ...], *, nullable: bool) -> None:
        self.nodes = nodes
        self.path = path
        self.nullable = nullable

    def complete(self, source: Any, value: Any, run: Run, at: Place) -> Any:
        """The member of the answer.

        Args:
            source: the view.
            value: its value of this field.
            run: the execution.
            at: where the root field's object is.

        Raises:
            Exception: when this is a matter for graphql-core.
        """
        raise NotImplementedError

    def null(self, error: Exception | None, run: Run, at: Place) -> None:
        """Be null, with an error or without one."""
        if not self.nullable:
            raise NotCleanError
        if error is not None:
            run.fail(error, self.nodes, at + self.path)


class LeafStep(Step):
    """A scalar or an enum.

    Args:
        name: the view's attribute.
        serialize: the type's own.
    """

    __slots__ = ("name", "serialize")

    def __init__(
        self,
        nodes: list[FieldNode],
        path: tuple[str, ...],
        *,
        nullable: bool,
        name: str,
        serialize: Callable[[Any], Any],
    ) -> None:
        super().__init__(nodes, path, nullable=nullable)
        self.name = name
        self.serialize = serialize

    def complete(self, source: Any, value: Any, run: Run, at: Place) -> Any:
        """Open it if it is a secret, and serialize it."""
        if value is not None:
            value = opened(source, self.name, value)
        if value is None or isinstance(value, Exception):
            return self.null(value, run, at)
        completed = self.serialize(value)
        if completed is None or completed is Undefined:
            raise NotCleanError
        return completed


class EnumStep(LeafStep):
    """An enum, whose names are known beforehand.

    Args:
        names: of the members.
    """

    __slots__ = ("names",)

    def __init__(
        self,
        nodes: list[FieldNode],
        path: tuple[str, ...],
        *,
        nullable: bool,
        name: str,
        serialize: Callable[[Any], Any],
        names: Mapping[Enum, str],
    ) -> None:
        super().__init__(nodes, path, nullable=nullable, name=name, serialize=serialize)
        self.names = names

    def complete(self, source: Any, value: Any, run: Run, at: Place) -> Any:
        """Name it."""
        return self.names.get(value) or super().complete(source, value, run, at)


class ObjectStep(Step):
    """An object that came with its parent.

    Args:
        name: the view's attribute.
        selection: what is selected of it.
    """

    __slots__ = ("name", "selection")

    def __init__(
        self, nodes: list[FieldNode], path: tuple[str, ...], *, nullable: bool, name: str, selection: Selection
    ) -> None:
        super().__init__(nodes, path, nullable=nullable)
        self.name = name
        self.selection = selection

    def complete(self, source: Any, value: Any, run: Run, at: Place) -> Any:
        """Complete what is selected of it."""
        if value is not None:
            value = opened(source, self.name, value)
        if value is None or isinstance(value, Exception):
            return self.null(value, run, at)
        return self.selection.complete(value, run, at)


class ProfileStep(Step):
    """`Member.profile`: a look-up of its own, which is begun here and ends in `finish`."""

    __slots__ = ("key", "selection")

    def __init__(self, nodes: list[FieldNode], path: tuple[str, ...], *, selection: Selection) -> None:
        super().__init__(nodes, path, nullable=True)
        self.key = path[-1]
        self.selection = selection

    def begin(self, member: Any, data: dict[str, Any], run: Run, at: Place) -> None:
        """Begin the look-up; the member of `data` stays null until it ends."""
        card_no = member.card_no
        try:
            looking_up = run.context.start_profile(member.user_id, card_no)
        except Exception as error:  # noqa: BLE001 - the error of this field, whatever it is
            self.null(error, run, at)
        else:
            run.waiting.append(Waiting(looking_up, self, data, card_no, at))

    def finish(self, record: UserInfo, waiting: Waiting, run: Run) -> None:
        """Fill the member in."""
        view = run.context.profile_view(waiting.card_no, record)
        waiting.data[self.key] = self.selection.complete(view, run, waiting.at)


class Member(NamedTuple):
    """What `Selection` needs of a step at every object; a value of exactly the class `clean` is the answer's."""

    key: str
    read: Callable[[Any], Any]
    clean: type | None
    step: Step


class Selection:
    """What is selected of an object, in the order of the answer.

    Args:
        members: one for each key.
        profiles: those that begin another look-up; among the members they are null.
    """

    __slots__ = ("looks_up", "members", "profiles")

    def __init__(self, members: Sequence[Member], profiles: Sequence[ProfileStep]) -> None:
        self.members = tuple(members)
        self.profiles = tuple(profiles)
        below = [member.step for member in members if isinstance(member.step, ObjectStep)]
        self.looks_up: bool = bool(profiles) or any(step.selection.looks_up for step in below)
        """Whether it begins another look-up, here or further down."""

    def complete(self, source: Any, run: Run, at: Place) -> dict[str, Any]:
        """The object of the answer."""
        data = {}
        for key, read, clean, step in self.members:
            value = read(source)
            data[key] = value if value.__class__ is clean else step.complete(source, value, run, at)
        for profile in self.profiles:
            profile.begin(source, data, run, at)
        return data
