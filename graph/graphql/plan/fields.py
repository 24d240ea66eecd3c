"""The resolvers of a schema's fields, which graphql-core calls and plans look into.

A type may be made of several kinds of sources, here called origins, each with resolvers of its own. Which one an
object has, follows from the field that leads to it: so plans know it beforehand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Origins: TypeAlias = Mapping[str, tuple[Any, ...]]
"""The origins of the objects that a field leads to, by the names of their types."""


class FallbackToGraphQLCore(Exception):  # noqa: N818 - a signal, not an error
    """Only graphql-core can do or judge this."""


@dataclass(frozen=True, slots=True)
class Read:
    """A field whose value came with its object."""

    read: Callable[[Any], Any]
    """Returns the raw value of a source."""
    show: Callable[[Any, Any], Any]
    """Returns the field's value, None, or its error, given a source and the raw value."""
    plain: bool = False
    """Whether raw texts, numbers and booleans are shown as they are."""
    words: Mapping[Any, Any] | None = None
    """For an enum that every viewer may see: its members by raw texts, and by None the one for any other text."""
    origins: Origins = field(default_factory=dict)

    def __call__(self, source: Any, _info: Any) -> Any:
        """Resolve the field for graphql-core."""
        return self.show(source, self.read(source))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Known:
    """In place of a key: the value that would be looked up."""

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
    origins: Origins = field(default_factory=dict)

    def __call__(self, source: Any, _info: Any, **arguments: Any) -> Any:
        """Resolve the field for graphql-core."""
        asked = self.keys(source, arguments)
        if isinstance(asked, Known):
            return asked.value
        if asked is None or isinstance(asked, Exception):
            return asked
        if not isinstance(asked, list):
            self.begin(source, asked)
            return self.load(source, asked)
        # Now, so that look-ups begin in the order of the document.
        for key in asked:
            if key is not None and not isinstance(key, Exception):
                self.begin(source, key)
        return self._items(source, asked)

    async def _items(self, source: Any, keys: list[Any]) -> list[Any]:
        # graphql-core reports an exception in a list as the error of its place.
        return await asyncio.gather(*(self._item(source, key) for key in keys), return_exceptions=True)

    async def _item(self, source: Any, key: Any) -> Any:
        return key if key is None or isinstance(key, Exception) else await self.load(source, key)


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
