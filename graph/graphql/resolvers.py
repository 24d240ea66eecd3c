"""Resolvers of declared fields: what they read of a source, and what they look up for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from graph.graphql.plan.fields import LookUp, Read
from schema.fields import KEY, Argument, Edge, Part, Value
from schema.secrets import CardNo, IdentityNo, MemberId, PersonalText, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graph.context import RequestContext
    from graph.konaplate.endpoint import Endpoint
    from graph.security.card_refs import Subject

_PERSONAL: Final = (PersonalText, IdentityNo)


@dataclass(slots=True, eq=False, repr=False)
class Source:
    """What an object of the answer is made of."""

    record: Any
    """Its data; None at the root."""
    key: Any
    """What the record was looked up by."""
    subject: Subject | None
    """Whose data it is, for the audit log."""
    context: RequestContext
    kind: str | None = None
    """The name of its type, if its field is of an interface or a union."""


def opened(source: Source, name: str, value: Any) -> Any:
    """Reveal a secret for the answer: the only place where an answer's clear text leaves its type.

    Personal data is recorded as read here, so that skipped fields are not.
    """
    if isinstance(value, Secret):
        if isinstance(value, _PERSONAL):
            refusal = source.context.note(source.subject, name)
            if refusal is not None:
                return refusal
        return value.reveal()
    if isinstance(value, list):
        return [opened(source, name, item) for item in value]
    return value


def value_of(name: str, spec: Value, kind: Any) -> Read:
    """Make the resolver of a value of the record.

    Args:
        name: of the field.
        spec: its declaration.
        kind: its type in the schema, without lists.
    """
    words, show, scope = _words_of(kind), spec.show, spec.scope

    def shown(source: Source, value: Any) -> Any:
        if scope is not None and not source.context.may(scope):
            return source.context.refuse(source.subject, name)
        if show is not None and not isinstance(value, Exception):
            value = show(value)
        return opened(source, name, value if words is None else _word(words, value))

    if show is not None or scope is not None:
        return Read(_attribute(spec.of), shown)
    return Read(_attribute(spec.of), shown, plain=words is None, words=words)


def _attribute(of: str) -> Callable[[Source], Any]:
    return attrgetter("key" if of == KEY else f"record.{of}")


def _words_of(kind: Any) -> Mapping[Any, Enum] | None:
    """Return an enum's members by Konaplate's words, and by None the member for any other word."""
    members = getattr(kind, "wrapped_cls", None)
    if not (isinstance(members, type) and issubclass(members, Enum)):
        return None
    # `UNKNOWN` is our name: as a word of Konaplate's it is as unknown as any other.
    return {member.value: member for member in members} | {None: members["UNKNOWN"]}


def _word(words: Mapping[Any, Enum], value: Any) -> Any:
    if isinstance(value, list):
        return [_word(words, item) for item in value]
    return value if value is None or isinstance(value, Exception) else words.get(value, words[None])


def part_of(spec: Part) -> Read:
    """Make the resolver of an object that came with the record."""
    if spec.of is not None:
        return Read(_attribute(spec.of), lambda source, value: _sources(source, value, spec.type_of))

    def same(source: Source, value: Any) -> Any:
        if value is None or isinstance(value, Exception):
            return value
        return source if spec.type_of is None else _sources(source, source.record, spec.type_of)

    return Read(attrgetter("record" if spec.present is None else f"record.{spec.present}"), same)


def _sources(source: Source, record: Any, type_of: Callable[[Any], str] | None) -> Any:
    """Make the source of a record within another, or of each of a list; null and errors pass."""
    if record is None or isinstance(record, Exception):
        return record
    if isinstance(record, list):
        return [_sources(source, item, type_of) for item in record]
    kind = None if type_of is None else type_of(record)
    return Source(record, source.key, source.subject, source.context, kind)


def edge_to(name: str, spec: Edge, endpoint: Endpoint[Any, Any], arguments: Mapping[str, str]) -> LookUp:
    """Make the resolver of an edge.

    Args:
        name: of the field.
        spec: its declaration.
        endpoint: to call.
        arguments: the names of the field's arguments in the schema, by those in Python.
    """
    key_of = _key_of(spec, endpoint, arguments)
    # Cards are protected in the same way if a record, rather than the client, names them.
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
        # Data that is reached through a card is the card's.
        own = isinstance(key, CardNo) or (source.subject is None and isinstance(key, MemberId))
        subject = key if own else source.subject
        record = await source.context.load(endpoint, key, subject, named=named)
        kind = None if spec.type_of is None or of is not None else spec.type_of(record)
        answered = Source(record, key, subject, source.context, kind)
        return answered if of is None else _sources(answered, of(record), spec.type_of)

    return LookUp(keys, begin, load)


def _key_of(
    spec: Edge, endpoint: Endpoint[Any, Any], arguments: Mapping[str, str]
) -> Callable[[Source, Mapping[str, Any]], Any]:
    """Return a function that reads an edge's key, or list of keys, from a source and the arguments."""
    kind: Any = endpoint.key
    if isinstance(spec.key, str):
        read = _attribute(spec.key)
        return lambda source, _given: read(source)
    if isinstance(spec.key, Argument):
        name = arguments[spec.key.name]

        def typed(value: Any) -> Any:
            # An `ID` comes as a text.
            return value if value is None or isinstance(value, kind) else kind(value)

        def from_argument(_source: Source, given: Mapping[str, Any]) -> Any:
            value = given.get(name)
            return [typed(item) for item in value] if isinstance(value, list) else typed(value)

        return from_argument
    parts = [arguments[part.name] if isinstance(part, Argument) else _attribute(part) for part in spec.key]

    def composed(source: Source, given: Mapping[str, Any]) -> Any:
        values = []
        for part in parts:
            if isinstance(part, str):
                values.append(given.get(part))
                continue
            value = part(source)
            # Without it there is no key; if it cannot be read, that is the field's error.
            if value is None or isinstance(value, Exception):
                return value
            values.append(value)
        return kind(*values)

    return composed
