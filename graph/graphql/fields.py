"""The resolvers of a schema's fields, which graphql-core calls and plans look into.

A type may be made of several kinds of sources, here called origins, each with resolvers of its own. Which one an
object has follows from the field that leads to it, so a plan knows it beforehand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

from graphql import get_named_type, is_leaf_type

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from graphql import FieldNode

Origins: TypeAlias = Mapping[str, tuple[Any, ...]]
"""The origins of the objects that a field leads to, by the names of their types."""
SecretForm: TypeAlias = Literal["clear", "masked"]
"""How a secret is shown."""


class Leaf(NamedTuple):
    """A scalar or an enum that is selected of an object."""

    key: str
    """Its key in the answer."""
    name: str
    """The field's name."""
    form: SecretForm | None
    """None for what is no secret."""


class ShownObject(NamedTuple):
    """An object of the answer."""

    source: Any
    leaves: Sequence[Leaf]
    """What is selected of it, apart from `__typename`, objects, and lists of objects."""
    data: Mapping[str, Any]
    """Its members in the answer."""


class CountList(Protocol):
    """Learns the lengths of lists, before anything below them is looked up."""

    def __call__(self, nodes: Sequence[FieldNode], length: int, *, of_keys: bool = False) -> None:
        """Learn the length of a list.

        Args:
            nodes: every place where the document selects the list.
            length: 0 if there is no list.
            of_keys: whether its items are keys that are looked up next.
        """
        ...


@dataclass(frozen=True, slots=True)
class Read:
    """A field whose value came with its object."""

    read: Callable[[Any], Any]
    """Returns the raw value of a source."""
    show: Callable[[Any, Any], Any]
    """Returns the field's value, None, or its error, given a source and the raw value."""
    plain: bool = False
    """Whether raw strings, numbers and booleans are shown as they are."""
    words: Mapping[Any, Any] | None = None
    """For an enum that every viewer may see: its members by raw strings, and by None that for any other string."""
    origins: Origins = field(default_factory=dict)
    form: SecretForm | None = None

    def __call__(self, source: Any, info: Any) -> Any:
        """Resolve the field for graphql-core, whose context is a `CoreRun`."""
        value = self.show(source, self.read(source))
        info.context.on_value(source, info, value, self.form)
        return value


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Known:
    """The value that a key would lead to, in place of the key."""

    value: Any


@dataclass(frozen=True, slots=True)
class LookUp:
    """A field whose value must be looked up."""

    keys: Callable[[Any, Mapping[str, Any]], Any]
    """Returns the key, or a list of keys, given a source and the field's arguments. None, exceptions and `Known`
    are not looked up: they are the field's value."""
    begin: Callable[[Any, Any], None]
    """Begins a look-up, or joins one, given a source and a key."""
    load: Callable[[Any, Any], Awaitable[Any]]
    """Returns the field's value, or an item of it, given a source and a key."""
    chained: bool = False
    """Whether `load` takes several steps, of which `begin` cannot begin all."""
    check: Callable[[Any, Mapping[str, Any]], None] | None = None
    """Checks the field's arguments before another answer is looked up for a source; raises the field's error."""
    origins: Origins = field(default_factory=dict)
    form: SecretForm | None = None

    def __call__(self, source: Any, info: Any, **arguments: Any) -> Any:
        """Resolve the field for graphql-core, whose context is a `CoreRun`."""
        asked = self.keys(source, arguments)
        if isinstance(asked, Known):
            info.context.on_value(source, info, asked.value, self.form)
            return asked.value
        if asked is None or isinstance(asked, Exception):
            return asked
        if not isinstance(asked, list):
            self.begin(source, asked)
            return self._load(source, asked, info)
        info.context.on_list(info, asked, of_keys=True)
        # Now, so that look-ups begin in the order of the document.
        for key in asked:
            if key is not None and not isinstance(key, Exception):
                self.begin(source, key)
        return self._items(source, asked, info)

    async def _items(self, source: Any, keys: list[Any], info: Any) -> list[Any]:
        # graphql-core reports an exception in a list as the error of its place.
        return await asyncio.gather(*(self._item(source, key, info) for key in keys), return_exceptions=True)

    async def _item(self, source: Any, key: Any, info: Any) -> Any:
        return key if key is None or isinstance(key, Exception) else await self._load(source, key, info)

    async def _load(self, source: Any, key: Any, info: Any) -> Any:
        try:
            value = await self.load(source, key)
        except Exception:
            info.context.on_list(info, None)
            raise
        info.context.on_value(source, info, value, self.form)
        return value


class CoreRun:
    """What resolvers report while graphql-core executes an operation.

    Args:
        count: learns the lengths of lists.
    """

    def __init__(self, count: CountList | None) -> None:
        self._count = count
        self._leaves: list[tuple[Any, Leaf, Sequence[str | int]]] = []
        self._objects: list[Any] = []

    def on_list(self, info: Any, value: Any, *, of_keys: bool = False) -> None:
        """A field has a value: 0 is the length of what is no list."""
        if self._count is not None:
            self._count(info.field_nodes, len(value) if isinstance(value, list) else 0, of_keys=of_keys)

    def on_value(self, source: Any, info: Any, value: Any, form: SecretForm | None) -> None:
        """A field of a source has a value."""
        self.on_list(info, value)
        if is_leaf_type(get_named_type(info.return_type)):
            at = info.path.as_list()
            self._leaves.append((source, Leaf(at[-1], info.field_name, form), at[:-1]))
        else:
            self._objects += _objects_in(value)

    def shown(self, data: Any) -> list[ShownObject]:
        """Return the objects of the answer; an object that has become null by an error below it may be one."""
        shown = [ShownObject(source, (), {}) for source in self._objects]
        for source, leaf, path in self._leaves:
            holder = data
            for step in path:
                holder = None if holder is None else holder[step]
            if holder is not None:
                shown.append(ShownObject(source, (leaf,), holder))
        return shown


def _objects_in(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [source for item in value for source in _objects_in(item)]
    return [] if value is None or isinstance(value, Exception) else [value]


@dataclass(frozen=True, slots=True)
class ByOrigin:
    """A field of a type with several origins."""

    origin: Callable[[Any], Hashable]
    """Returns the origin of a source."""
    resolvers: Mapping[Any, Read | LookUp]

    def __call__(self, source: Any, info: Any, **arguments: Any) -> Any:
        """Resolve the field for graphql-core."""
        return self.resolvers[self.origin(source)](source, info, **arguments)


@dataclass(frozen=True, slots=True)
class TypeOf:
    """Resolves the type of an object of an interface or a union."""

    name: Callable[[Any], str]
    """Returns the name of a source's type."""
    origin: Callable[[Any], Hashable]
    """Returns the origin of a source."""

    def __call__(self, source: Any, _info: Any, _kind: Any) -> str:
        """Resolve the type for graphql-core."""
        return self.name(source)
