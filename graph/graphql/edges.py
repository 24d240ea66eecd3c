"""Resolvers of edges: what they look up for a source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from graph.errors import GatewayError
from graph.graphql.fields import Known, LookUp, Read
from graph.graphql.resolvers import Source, form_of, may_read, opened, path_of, sources_of
from graph.konaplate.view import Answer, View
from graph.view_loader import check_arguments, load_view
from schema.errors import ErrorCode
from schema.fields import Argument, Edge
from schema.secrets import CardNo, MemberId

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graph.graphql.fields import Origins
    from graph.graphql.origins import Attribute, Origin
    from graph.konaplate.view import LookedUp
    from graph.security.audit import AccessOrigin
    from graph.security.card_refs import Subject


def edge_to(
    name: str,
    spec: Edge,
    looked_up: LookedUp,
    arguments: Mapping[str, str],
    origin: Origin,
    *,
    own: Callable[[Source], Any] | None = None,
    unless: Callable[[Source], Any] | None = None,
    held: Attribute | None = None,
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
        held: the attribute that it shows of the answer; None for all of it.
        origins: see `LookUp`.
    """
    by_argument = any(isinstance(part, Argument) for part in spec.keys)
    # Cards are protected in the same way if a record, rather than the client, names them.
    named = looked_up.key is CardNo or by_argument
    of = None if held is None else attrgetter(held.path)
    form = None if held is None else form_of(held.kind)
    found_by: AccessOrigin = "number" if by_argument and looked_up.key is CardNo else "member"
    keys = _asked_by(name, spec, _key_of(spec, looked_up, arguments, origin), looked_up, own=own, unless=unless)

    def answered(source: Source, answer: Answer, key: Any, subject: Subject | None) -> Any:
        record = answer.record
        kind = None if spec.type_of is None or of is not None else spec.type_of(record)
        access = source.context.access(subject, source.access, found_by, answer, spec.shown_as)
        made = Source(record, key, subject, source.context, access, kind, found_by == "number")
        if of is None:
            return made
        value = of(made)
        if access is not None and spec.shown_as is not None and isinstance(value, list):
            # Its objects are about something else, or there are none.
            access.is_shown = True
        return sources_of(made, value, spec.type_of) if origins else opened(value)

    if isinstance(looked_up, View):
        view = looked_up

        async def found(source: Source, key: Any) -> Any:
            answer = await load_view(source.context, view, key, _subject(source, key), named=by_argument)
            if answer is None:
                return None
            subject = answer.record.subject or _subject(source, answer.key)
            return answered(source, Answer.of_view(view, answer), answer.key, subject)

        parts = [arguments[part.name] if isinstance(part, Argument) else None for part in spec.keys]

        def check(source: Source, given: Mapping[str, Any]) -> None:
            values = [None if part is None else _given(part, given) for part in parts]
            check_arguments(source.context, view, view.key(*values))

        checked = None if view.check is None else check
        return LookUp(keys, _begin_nothing, found, chained=True, check=checked, origins=origins, form=form)
    endpoint = looked_up

    def begin(source: Source, key: Any) -> None:
        source.context.begin(endpoint, key)

    async def load(source: Source, key: Any) -> Any:
        subject = _subject(source, key)
        record = await source.context.load(endpoint, key, subject, named=named)
        # A batch may have no row for a key.
        return None if record is None else answered(source, Answer(endpoint, record, key), key, subject)

    return LookUp(keys, begin, load, origins=origins, form=form)


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
        if scope is not None and not may_read(source, scope, own):
            return source.context.refuse(source.subject, name, scope)
        if unless is not None and (known := unless(source)) is not None:
            return Known(known)
        asked = key_of(source, given)
        if isinstance(asked, list):
            source.context.check_length(looked_up.key, asked)
        return asked

    return keys


def _subject(source: Source, key: Any) -> Subject | None:
    """Return whose data a key leads to: what is reached through a card is the card's."""
    if isinstance(key, CardNo) or (source.subject is None and isinstance(key, MemberId)):
        return key
    return source.subject


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
        if key is None or isinstance(key, Exception):
            return key
        if isinstance(inner, LookUp) and inner.check is not None:
            inner.check(source, given)
        return _Way(key, given)

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
        keys,
        lambda source, asked: way.begin(source, asked.key),
        load,
        chained=True,
        origins=inner.origins,
        form=inner.form,
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Way:
    key: Any
    given: Mapping[str, Any]


def _key_of(
    spec: Edge, looked_up: LookedUp, arguments: Mapping[str, str], origin: Origin
) -> Callable[[Source, Mapping[str, Any]], Any]:
    """Return a function that reads an edge's key, or list of keys, from a source and the arguments."""
    kind: Any = looked_up.key
    if isinstance(spec.key, str):
        read = path_of(origin, spec.key)
        return lambda source, _given: read(source)
    if isinstance(spec.key, Argument):
        name = arguments[spec.key.name]

        def typed(value: Any) -> Any:
            value = _word(name, value)
            # An `ID` comes as a string.
            return value if value is None or isinstance(value, kind) else kind(value)

        def from_argument(_source: Source, given: Mapping[str, Any]) -> Any:
            value = given.get(name)
            return [typed(item) for item in value] if isinstance(value, list) else typed(value)

        return from_argument
    parts = [arguments[part.name] if isinstance(part, Argument) else path_of(origin, part) for part in spec.key]

    def composed(source: Source, given: Mapping[str, Any]) -> Any:
        values = []
        for part in parts:
            if isinstance(part, str):
                values.append(_given(part, given))
                continue
            value = part(source)
            # Without it there is no key; if it cannot be read, that is the field's error.
            if value is None or isinstance(value, Exception):
                return value
            values.append(value)
        return kind(*values)

    return composed


def _given(name: str, given: Mapping[str, Any]) -> Any:
    return _word(name, given.get(name))


def _word(name: str, value: Any) -> Any:
    """Return Konaplate's word for an enum's member, and any other value as it is.

    Raises:
        GatewayError: it is the member for words that are not known.
    """
    if not isinstance(value, Enum):
        return value
    if value.name == "UNKNOWN":
        raise GatewayError(ErrorCode.BAD_USER_INPUT, f"`{name}` must not be UNKNOWN")
    return value.value
