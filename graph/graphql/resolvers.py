"""Resolvers of declared fields: what they read of a source, and what they look up for it."""

from __future__ import annotations

from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from graph.graphql.plan.fields import LookUp, Read
from graph.graphql.sources import Source, opened
from schema.fields import KEY, Argument, Edge, Part, Value
from schema.secrets import CardNo, MemberId

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graph.konaplate.endpoint import Endpoint
    from schema.fields import KeyPart


def value_of(name: str, spec: Value, kind: Any) -> Read:
    """The resolver of a value of the record.

    Args:
        name: the field's name.
        spec: what is declared of it.
        kind: its type in the schema, without lists.
    """
    read = attrgetter("key" if spec.of == KEY else f"record.{spec.of}")
    words, show, scope = _words_of(kind), spec.show, spec.scope

    def shown(source: Source, value: Any) -> Any:
        if scope is not None and not source.context.may(scope):
            return source.context.refuse(source.subject, name)
        if show is not None and not isinstance(value, Exception):
            value = show(value)
        return opened(source, name, value if words is None else _word(words, value))

    def plainly_shown(source: Source, value: Any) -> Any:
        return opened(source, name, value)

    if show is not None or scope is not None:
        return Read(read, shown)
    return Read(read, plainly_shown, plain=True) if words is None else Read(read, shown, words=words)


def _words_of(kind: Any) -> Mapping[Any, Enum] | None:
    """An enum's members by the vendor's words, and by None the member for a word that is not documented."""
    members = getattr(kind, "wrapped_cls", None)
    if not (isinstance(members, type) and issubclass(members, Enum)):
        return None
    # `UNKNOWN` is a name of ours: as a word of the vendor's it is as unknown as any other.
    return {member.value: member for member in members} | {None: members["UNKNOWN"]}


def _word(words: Mapping[Any, Enum], value: Any) -> Any:
    if isinstance(value, list):
        return [_word(words, item) for item in value]
    return value if value is None or isinstance(value, Exception) else words.get(value, words[None])


def part_of(spec: Part) -> Read:
    """The resolver of an object that came with the record."""
    if spec.of is None:
        read = attrgetter("record" if spec.present is None else f"record.{spec.present}")

        def same(source: Source, value: Any) -> Any:
            if value is None or isinstance(value, Exception):
                return value
            return source if spec.type_of is None else _made(source, source.record, spec.type_of)

        return Read(read, same)

    def inner(source: Source, value: Any) -> Any:
        return _made(source, value, spec.type_of)

    return Read(attrgetter(f"record.{spec.of}"), inner)


def _made(source: Source, record: Any, type_of: Callable[[Any], str] | None) -> Any:
    """The source of a record that came with another, or of each of a list; null and a fault as they are."""
    if record is None or isinstance(record, Exception):
        return record
    if isinstance(record, list):
        return [_made(source, item, type_of) for item in record]
    kind = None if type_of is None else type_of(record)
    return Source(record, source.key, source.subject, source.context, kind)


def edge_to(name: str, spec: Edge, endpoint: Endpoint[Any, Any], arguments: Mapping[str, str]) -> LookUp:
    """The resolver of what another call answers.

    Args:
        name: the field's name.
        spec: what is declared of it.
        endpoint: the API that is called.
        arguments: the names of the field's arguments in the schema, by those in Python.
    """
    key_of = _key_of(spec, endpoint, arguments)
    # What cannot be said of a card that the caller names cannot be said of one that some record leads to, either.
    named = endpoint.key is CardNo or any(isinstance(part, Argument) for part in spec.keys)
    scope, of = spec.scope, None if spec.of is None else attrgetter(spec.of)

    def keys(source: Source, given: Mapping[str, Any]) -> Any:
        if scope is not None and not source.context.may(scope):
            return source.context.refuse(source.subject, name)
        asked = key_of(source, given)
        if isinstance(asked, list):
            source.context.check_length(endpoint, asked)
        return asked

    def begin(source: Source, key: Any) -> None:
        source.context.begin(endpoint, key)

    async def load(source: Source, key: Any) -> Any:
        # A card is whose data is read; what a card leads to is the card's.
        own = isinstance(key, CardNo) or (source.subject is None and isinstance(key, MemberId))
        subject = key if own else source.subject
        record = await source.context.load(endpoint, key, subject, named=named)
        kind = None if spec.type_of is None or of is not None else spec.type_of(record)
        answered = Source(record, key, subject, source.context, kind)
        return answered if of is None else _made(answered, of(record), spec.type_of)

    return LookUp(keys, begin, load)


def _key_of(
    spec: Edge, endpoint: Endpoint[Any, Any], arguments: Mapping[str, str]
) -> Callable[[Source, Mapping[str, Any]], Any]:
    parts = [_key_part(part, arguments) for part in spec.keys]
    if not isinstance(spec.key, tuple):
        return parts[0] if isinstance(spec.key, str) else _typed(endpoint.key, parts[0])
    of_record = [not isinstance(part, Argument) for part in spec.keys]

    def composed(source: Source, given: Mapping[str, Any]) -> Any:
        values = [part(source, given) for part in parts]
        for value, held in zip(values, of_record, strict=True):
            # Without a part there is nothing to ask for; one that cannot be read is the fault of the field.
            if held and (value is None or isinstance(value, Exception)):
                return value
        return endpoint.key(*values)

    return composed


def _typed(
    kind: type, part: Callable[[Source, Mapping[str, Any]], Any]
) -> Callable[[Source, Mapping[str, Any]], Any]:
    """A key, or a list of keys, that an argument gives as another type: an `ID` is a text."""

    def typed(source: Source, given: Mapping[str, Any]) -> Any:
        value = part(source, given)
        return [made(item) for item in value] if isinstance(value, list) else made(value)

    def made(value: Any) -> Any:
        return value if value is None or isinstance(value, kind) else kind(value)

    return typed


def _key_part(part: KeyPart, arguments: Mapping[str, str]) -> Callable[[Source, Mapping[str, Any]], Any]:
    if isinstance(part, Argument):
        name = arguments[part.name]
        return lambda _source, given: given.get(name)
    read = attrgetter("key" if part == KEY else f"record.{part}")
    return lambda source, _given: read(source)
