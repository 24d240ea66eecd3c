"""What a plan knows of a schema's fields: their resolvers, which graphql-core calls and plans look into."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping


class FallbackToGraphQLCore(Exception):  # noqa: N818 - it is no error: it says who goes on
    """Something that only graphql-core shall do, or judge."""


@dataclass(frozen=True, slots=True)
class Read:
    """A field whose value came with its object."""

    read: Callable[[Any], Any]
    """The raw value, of a source."""
    show: Callable[[Any, Any], Any]
    """What the field gives, of a source and its raw value: a value, None, or an exception as the field's error."""
    plain: bool = False
    """Whether a raw text, number or truth value is given as it is."""
    words: Mapping[Any, Any] | None = None
    """Of an enum that is given to everybody: its members by raw texts, and by None the one for any other text."""

    def __call__(self, source: Any, _info: Any) -> Any:
        """Resolve the field for graphql-core."""
        return self.show(source, self.read(source))


@dataclass(frozen=True, slots=True)
class LookUp:
    """A field whose value must be looked up."""

    keys: Callable[[Any, Mapping[str, Any]], Any]
    """What is asked for, of a source and the field's arguments: a key, or a list of keys, which gives a list. None
    and an exception need no look-up: they are the field's value."""
    begin: Callable[[Any, Any], None]
    """Begins a look-up for a source and a key, or shares what has begun."""
    load: Callable[[Any, Any], Awaitable[Any]]
    """What the field gives, or an item of it, for a source and a key."""

    def __call__(self, source: Any, _info: Any, **arguments: Any) -> Any:
        """Resolve the field for graphql-core."""
        asked = self.keys(source, arguments)
        if asked is None or isinstance(asked, Exception):
            return asked
        if not isinstance(asked, list):
            self.begin(source, asked)
            return self.load(source, asked)
        # Now, so that the order in which the document asks is the order in which look-ups begin.
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
class TypeOf:
    """Tells which type an object of an interface or a union has."""

    name: Callable[[Any], str]
    """The type's name, of a source."""

    def __call__(self, source: Any, _info: Any, _kind: Any) -> str:
        """Resolve the type for graphql-core."""
        return self.name(source)
