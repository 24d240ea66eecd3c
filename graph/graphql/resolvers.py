"""Resolvers of declared fields: what they read of a source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from graph.graphql.fields import Read
from graph.graphql.origins import attribute_of
from schema.fields import present
from schema.secrets import MemberId, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graph.context import RequestContext
    from graph.graphql.fields import Origins, SecretForm
    from graph.graphql.origins import Attribute, Origin
    from graph.security.audit import Access
    from graph.security.card_refs import Subject
    from schema.fields import Part, Value


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
    access: Access | None = None
    """The event of the audit log that tells of it; None without a subject."""
    kind: str | None = None
    """The name of its type, if its field is of an interface or a union."""
    named: bool = False
    """Whether the client named the card that it is made of by its number."""


def opened(value: Any) -> Any:
    """Reveal a secret for the answer: the only place where an answer's clear text leaves its type."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, list):
        return [opened(item) for item in value]
    return value


def form_of(held: type) -> SecretForm | None:
    """Return how a value is shown that is not masked."""
    return "clear" if issubclass(held, Secret) else None


def value_of(
    name: str, spec: Value, kind: Any, held: Attribute, own: Callable[[Source], Any] | None = None
) -> Read:
    """Make the resolver of a value of the record.

    Args:
        name: of the field.
        spec: its declaration.
        kind: its type in the schema, without lists.
        held: the attribute.
        own: returns whose the object is, if its owner needs no scope.
    """
    words, show, scope, fail = _words_of(kind), spec.show, spec.scope, spec.fail

    def shown(source: Source, value: Any) -> Any:
        if scope is not None and not (source.named and own is not None) and not may_read(source, scope, own):
            return source.context.refuse(source.subject, name, scope)
        if show is not None:
            if not isinstance(value, Exception):
                value = show(value)
            elif not fail:
                value = show(None)
        return opened(value if words is None else _word(words, value))

    read = attrgetter(held.path)
    if show is not None or scope is not None:
        return Read(read, shown, form=_form(held.kind, show))
    return Read(read, shown, plain=words is None, words=words, form=_form(held.kind, show))


def _form(kind: type, show: Callable[[Any], Any] | None) -> SecretForm | None:
    if show is present:
        return None
    return form_of(kind) if show is None or not issubclass(kind, Secret) else "masked"


def may_read(source: Source, scope: str, own: Callable[[Source], Any] | None) -> bool:
    """Whether the viewer has a scope, or owns what takes one of others."""
    if own is None:
        return source.context.may(scope)
    return source.context.may_read(scope, own(source))


def _words_of(kind: Any) -> Mapping[Any, Enum] | None:
    """Return an enum's members by Konaplate's words, and by None the member for any other word.

    None for other types, and for enums of our own, whose members the record holds.
    """
    members = getattr(kind, "wrapped_cls", None)
    if not (isinstance(members, type) and issubclass(members, Enum)) or "UNKNOWN" not in members.__members__:
        return None
    # `UNKNOWN` is our name: as a word of Konaplate's it is as unknown as any other.
    return {member.value: member for member in members} | {None: members["UNKNOWN"]}


def _word(words: Mapping[Any, Enum], value: Any) -> Any:
    if isinstance(value, list):
        return [_word(words, item) for item in value]
    return value if value is None or isinstance(value, Exception) else words.get(value, words[None])


def part_of(spec: Part, origin: Origin, origins: Origins) -> Read:
    """Make the resolver of an object that came with the record."""
    if spec.of is not None:
        return Read(
            path_of(origin, spec.of),
            lambda source, value: sources_of(source, value, spec.type_of),
            origins=origins,
        )

    def same(source: Source, value: Any) -> Any:
        if value is None or isinstance(value, Exception):
            return value
        if source.subject is None and isinstance(value, MemberId):
            access = source.context.access(value, None, "member")
            return replace(source, subject=value, access=access)
        return source if spec.type_of is None else sources_of(source, source.record, spec.type_of)

    read = attrgetter("record") if spec.present is None else path_of(origin, spec.present)
    return Read(read, same, origins=origins)


def path_of(origin: Origin, name: str) -> Callable[[Source], Any]:
    """Return a function that reads an attribute of a source."""
    held = attribute_of(origin, name)
    return attrgetter(f"record.{name}" if held is None else held.path)


def sources_of(source: Source, record: Any, type_of: Callable[[Any], str] | None) -> Any:
    """Make the source of a record within another, or of each of a list; null and errors pass."""
    if record is None or isinstance(record, Exception):
        return record
    if isinstance(record, list):
        return [sources_of(source, item, type_of) for item in record]
    kind = None if type_of is None else type_of(record)
    subject = getattr(record, "subject", None) or source.subject
    access = source.access
    # What is about the same subject belongs to the same event: rows of a list need not ask for it.
    if subject is not source.subject:
        access = source.context.access(subject, access, "member")
    return Source(record, source.key, subject, source.context, access, kind, source.named)
