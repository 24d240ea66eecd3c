"""The resolvers of a schema's fields, which graphql-core calls and plans look into."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping


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

    def __call__(self, source: Any, _info: Any) -> Any:
        """Resolve the field for graphql-core."""
        return self.show(source, self.read(source))


@dataclass(frozen=True, slots=True)
class LookUp:
    """A field whose value must be looked up."""

    keys: Callable[[Any, Mapping[str, Any]], Any]
    """Returns the key, or a list of keys, given a source and the field's arguments. None and exceptions are not
    looked up: they are the field's value."""
    begin: Callable[[Any, Any], None]
    """Begins a look-up, or joins one, given a source and a key."""
    load: Callable[[Any, Any], Awaitable[Any]]
    """Returns the field's value, or an item of it, given a source and a key."""

    def __call__(self, source: Any, _info: Any, **arguments: Any) -> Any:
        """Resolve the field for graphql-core."""
        asked = self.keys(source, arguments)
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
class TypeOf:
    """Resolves the type of an object of an interface or a union."""

    name: Callable[[Any], str]
    """Returns the name of a source's type."""

    def __call__(self, source: Any, _info: Any, _kind: Any) -> str:
        """Resolve the type for graphql-core."""
        return self.name(source)
