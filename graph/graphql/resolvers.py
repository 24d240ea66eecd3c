"""Resolvers of declared fields: what they read of a source, and what they look up for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from graph.errors import GatewayError, code_of
from graph.graphql.origins import attribute_of, plain
from graph.graphql.plan.fields import Known, LookUp, Read
from graph.konaplate.endpoint import Endpoint
from graph.konaplate.view import Found, View
from schema.errors import ErrorCode
from schema.fields import Argument, Edge, Part, Value
from schema.secrets import CardNo, IdentityNo, MemberId, PersonalText, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graph.context import RequestContext
    from graph.graphql.origins import LookedUp, Origin
    from graph.graphql.plan.fields import Origins
    from graph.security.card_refs import Subject

_PERSONAL: Final = (PersonalText, IdentityNo)
_NOT_FOUND: Final = (ErrorCode.CARD_NOT_FOUND, ErrorCode.MEMBER_NOT_FOUND)


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
    named: bool = False
    """Whether the client named the card that it is made of by its number."""


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


def value_of(name: str, spec: Value, kind: Any, path: str, own: Callable[[Source], Any] | None = None) -> Read:
    """Make the resolver of a value of the record.

    Args:
        name: of the field.
        spec: its declaration.
        kind: its type in the schema, without lists.
        path: of the attribute, from a source.
        own: returns whose the object is, if its owner needs no scope.
    """
    words, show, scope = _words_of(kind), spec.show, spec.scope

    def shown(source: Source, value: Any) -> Any:
        if scope is not None and not (source.named and own is not None) and not _may(source, scope, own):
            return source.context.refuse(source.subject, name)
        if show is not None and not isinstance(value, Exception):
            value = show(value)
        return opened(source, name, value if words is None else _word(words, value))

    if show is not None or scope is not None:
        return Read(attrgetter(path), shown)
    return Read(attrgetter(path), shown, plain=words is None, words=words)


def _may(source: Source, scope: str, own: Callable[[Source], Any] | None) -> bool:
    """Whether the viewer has a scope, or owns what takes one of others."""
    if own is None:
        return source.context.may(scope)
    return source.context.may_read(scope, own(source))


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


def handle_of(choices: Sequence[tuple[int | None, Sequence[Callable[[Source], Any]]]]) -> Read:
    """Make the resolver of a handle.

    Args:
        choices: kinds of handles, and the parts of their keys; the first whose parts are all there is taken.
    """

    def shown(source: Source, _value: Any) -> Any:
        for kind, parts in choices:
            key = [part(source) for part in parts]
            if kind is not None and all(isinstance(part, Secret) for part in key):
                return source.context.handle(kind, ":".join(part.reveal() for part in key))
        return None

    return Read(attrgetter("record"), shown)


def part_of(spec: Part, origin: Origin, origins: Origins) -> Read:
    """Make the resolver of an object that came with the record."""
    if spec.of is not None:
        return Read(
            _path(origin, spec.of), lambda source, value: _sources(source, value, spec.type_of), origins=origins
        )

    def same(source: Source, value: Any) -> Any:
        if value is None or isinstance(value, Exception):
            return value
        return source if spec.type_of is None else _sources(source, source.record, spec.type_of)

    read = attrgetter("record") if spec.present is None else _path(origin, spec.present)
    return Read(read, same, origins=origins)


def _path(origin: Origin, name: str) -> Callable[[Source], Any]:
    held = attribute_of(origin, name)
    return attrgetter(f"record.{name}" if held is None else held.path)


def _sources(source: Source, record: Any, type_of: Callable[[Any], str] | None) -> Any:
    """Make the source of a record within another, or of each of a list; null and errors pass."""
    if record is None or isinstance(record, Exception):
        return record
    if isinstance(record, list):
        return [_sources(source, item, type_of) for item in record]
    kind = None if type_of is None else type_of(record)
    subject = getattr(record, "subject", None) or source.subject
    return Source(record, source.key, subject, source.context, kind, source.named)


def edge_to(
    name: str,
    spec: Edge,
    looked_up: LookedUp,
    arguments: Mapping[str, str],
    origin: Origin,
    *,
    own: Callable[[Source], Any] | None = None,
    unless: Callable[[Source], Any] | None = None,
    origins: Origins = MappingProxyType({}),
) -> LookUp:
    """Make the resolver of an edge.

    Args:
        name: of the field.
        spec: its declaration.
        looked_up: the endpoint or view that it leads to.
        arguments: the names of the field's arguments in the schema, by those in Python.
        origin: what the object is made of.
        own: returns whose the object is, if its owner needs no scope.
        unless: returns the value, if the record may have it already.
        origins: see `LookUp`.
    """
    by_argument = any(isinstance(part, Argument) for part in spec.keys)
    # Cards are protected in the same way if a record, rather than the client, names them.
    named = looked_up.key is CardNo or by_argument
    of = None if spec.of is None else attrgetter(spec.of)
    keys = _asked_by(name, spec, _key_of(spec, looked_up, arguments, origin), looked_up, own=own, unless=unless)

    def answered(source: Source, record: Any, key: Any, subject: Subject | None) -> Any:
        kind = None if spec.type_of is None or of is not None else spec.type_of(record)
        made = Source(record, key, subject, source.context, kind, by_argument and looked_up.key is CardNo)
        if of is None:
            return made
        value = of(record)
        return _sources(made, value, spec.type_of) if origins else opened(made, name, value)

    if isinstance(looked_up, View):
        view = looked_up

        async def found(source: Source, key: Any) -> Any:
            answer = await source.context.find(view, key, source.subject, named=by_argument)
            if answer is None:
                return None
            subject = getattr(answer.record, "subject", None) or source.subject
            return answered(source, answer.record, answer.key, subject)

        return LookUp(keys, _begin_nothing, found, chained=True, origins=origins)
    endpoint = looked_up

    def begin(source: Source, key: Any) -> None:
        source.context.begin(endpoint, key)

    async def load(source: Source, key: Any) -> Any:
        # Data that is reached through a card is the card's.
        own = isinstance(key, CardNo) or (source.subject is None and isinstance(key, MemberId))
        subject = key if own else source.subject
        record = await source.context.load(endpoint, key, subject, named=named)
        # A batch may have no row for a key.
        return None if record is None else answered(source, record, key, subject)

    return LookUp(keys, begin, load, origins=origins)


def _asked_by(
    name: str,
    spec: Edge,
    key_of: Callable[[Source, Mapping[str, Any]], Any],
    looked_up: LookedUp,
    *,
    own: Callable[[Source], Any] | None,
    unless: Callable[[Source], Any] | None,
) -> Callable[[Source, Mapping[str, Any]], Any]:
    """Return `keys` of an edge's `LookUp`."""
    scope = spec.scope

    def keys(source: Source, given: Mapping[str, Any]) -> Any:
        if scope is not None and not _may(source, scope, own):
            return source.context.refuse(source.subject, name)
        if unless is not None and (known := unless(source)) is not None:
            return Known(known)
        asked = key_of(source, given)
        if isinstance(asked, list):
            source.context.check_length(looked_up.key, asked)
        return asked

    return keys


def _begin_nothing(_source: Source, _key: Any) -> None:
    """A view's look-ups begin one after the other."""


def by_way_of(way: LookUp, inner: Read | LookUp) -> LookUp:
    """Make the resolver of a field that another answer has.

    Args:
        way: looks that answer up.
        inner: the field's resolver there.
    """

    def keys(source: Source, given: Mapping[str, Any]) -> Any:
        key = way.keys(source, {})
        return key if key is None or isinstance(key, Exception) else _Way(key, given)

    async def load(source: Source, asked: _Way) -> Any:
        found = await way.load(source, asked.key)
        if found is None:
            return None
        if isinstance(inner, Read):
            return inner.show(found, inner.read(found))
        key = inner.keys(found, asked.given)
        if isinstance(key, Known):
            return key.value
        return key if key is None or isinstance(key, Exception) else await inner.load(found, key)

    return LookUp(
        keys, lambda source, asked: way.begin(source, asked.key), load, chained=True, origins=inner.origins
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Way:
    key: Any
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """What handles of one kind lead to."""

    type_name: str
    source: LookedUp

    def key(self, text: str) -> Any:
        """Return the source's key, from a handle's text."""
        kind: Any = self.source.key
        if not hasattr(kind, "_fields"):
            return kind(text)
        return kind(
            *(plain(hint)(part) for hint, part in zip(get_type_hints(kind).values(), text.split(":"), strict=True))
        )


def by_id(argument: str, openings: Mapping[int, Opening], origins: Origins) -> LookUp:
    """Make the resolver of what handles lead to.

    Args:
        argument: the name of the field's argument, a handle or a list of handles.
        openings: by their kinds.
        origins: see `LookUp`.
    """

    def keys(source: Source, given: Mapping[str, Any]) -> Any:
        asked = given[argument]
        if isinstance(asked, list):
            source.context.check_length(None, asked)
        return asked

    def begin(source: Source, handle: str) -> None:
        found = _opened(openings, source, handle)
        if found is not None and isinstance(found[0].source, Endpoint):
            source.context.begin(found[0].source, found[1])

    async def load(source: Source, handle: str) -> Any:
        found = _opened(openings, source, handle)
        answer = None if found is None else await _found(source.context, *found)
        if answer is None:
            # The same for a text that is no handle, and for what is somebody else's.
            raise GatewayError(ErrorCode.NODE_NOT_FOUND)
        return answer

    return LookUp(keys, begin, load, chained=True, origins=origins)


def _opened(openings: Mapping[int, Opening], source: Source, handle: str) -> tuple[Opening, Any] | None:
    """Return what a handle leads to, and its key; None for a text that is no handle of the viewer's."""
    target = source.context.open_handle(handle)
    opening = None if target is None else openings.get(target.kind)
    if target is None or opening is None:
        return None
    key = opening.key(target.key)
    # The handle was given out with the card: nobody tries card numbers out by it.
    source.context.vouch(key)
    return opening, key


async def _found(context: RequestContext, opening: Opening, key: Any) -> Source | None:
    """Look up what a handle leads to; None if there is nothing that the viewer may see."""
    subject = key if isinstance(key, CardNo | MemberId) else None
    looked_up = opening.source
    answer: Found | None
    try:
        if isinstance(looked_up, View):
            answer = await context.find(looked_up, key, subject)
        else:
            answer = Found(await context.load(looked_up, key, subject), key)
    except Exception as error:
        if code_of(error) not in _NOT_FOUND:
            raise
        answer = None
    if answer is None:
        return None
    subject = getattr(answer.record, "subject", None) or subject
    return Source(answer.record, answer.key, subject, context, opening.type_name)


def _key_of(
    spec: Edge, looked_up: LookedUp, arguments: Mapping[str, str], origin: Origin
) -> Callable[[Source, Mapping[str, Any]], Any]:
    """Return a function that reads an edge's key, or list of keys, from a source and the arguments."""
    kind: Any = looked_up.key
    if isinstance(spec.key, str):
        read = _path(origin, spec.key)
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
    parts = [arguments[part.name] if isinstance(part, Argument) else _path(origin, part) for part in spec.key]

    def composed(source: Source, given: Mapping[str, Any]) -> Any:
        values = []
        for part in parts:
            if isinstance(part, str):
                value = given.get(part)
                values.append(value.value if isinstance(value, Enum) else value)
                continue
            value = part(source)
            # Without it there is no key; if it cannot be read, that is the field's error.
            if value is None or isinstance(value, Exception):
                return value
            values.append(value)
        return kind(*values)

    return composed
