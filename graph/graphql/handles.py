"""Resolvers of handles: the ids of objects, and the objects that ids stand for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from graphql import is_object_type

from graph.errors import GatewayError, code_of
from graph.graphql.binding_checks import BindingError, spec_of
from graph.graphql.fields import LookUp, Read
from graph.graphql.origins import plain
from graph.graphql.resolvers import Source
from graph.graphql.source_checks import source_of
from graph.konaplate.endpoint import Endpoint
from graph.konaplate.view import Answer, View
from graph.security.handles import MAX_KEY_BYTES
from graph.view_loader import load_view
from schema.errors import ErrorCode
from schema.fields import Handle
from schema.scalars import Representation
from schema.secrets import CardNo, MemberId, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graphql import GraphQLSchema

    from graph.context import RequestContext
    from graph.graphql.fields import Origins
    from graph.konaplate.view import LookedUp

_NOT_FOUND: Final = (ErrorCode.CARD_NOT_FOUND, ErrorCode.MEMBER_NOT_FOUND)


def handle_of(choices: Sequence[tuple[int | None, Sequence[Callable[[Source], Any]]]]) -> Read:
    """Make the resolver of a handle.

    Args:
        choices: kinds of handles, and the parts of their keys; the first whose parts are all there is taken.
    """

    def shown(source: Source, _value: Any) -> Any:
        fault = None
        for kind, parts in choices:
            key = [part(source) for part in parts]
            if kind is not None and all(isinstance(part, Secret) for part in key):
                return source.context.handle(kind, _text(key))
            fault = next((part for part in key if isinstance(part, Exception)), fault)
        return fault

    return Read(attrgetter("record"), shown)


def _text(key: Sequence[Secret]) -> str:
    """Return the text of a key in a handle.

    A part that is longer than documented may not fit. Its digest makes an id like any other, but one that leads
    nowhere.
    """
    *first, last = (part.reveal() for part in key)
    text = ":".join([*first, last])
    if len(text.encode("utf-8", "surrogatepass")) <= MAX_KEY_BYTES and "\0" not in text:
        return text
    return ":".join([*first, blake2b(last.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()])


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
        hints = get_type_hints(kind).values()
        # Only the last part may have colons.
        parts = text.split(":", len(hints) - 1)
        return kind(*(plain(hint)(part) for hint, part in zip(hints, parts, strict=True)))


def openings_of(schema: GraphQLSchema, sources: Mapping[str, LookedUp]) -> dict[int, Opening]:
    """Return what each kind of handle in a schema leads to.

    Args:
        schema: whose fields declare handles.
        sources: the endpoints and views that they name.

    Raises:
        BindingError: one of these has no number of its own.
    """
    openings = {}
    for kind in schema.type_map.values():
        for field in kind.fields.values() if is_object_type(kind) else ():
            declared = spec_of(field)
            if declared is None or not isinstance(declared[0], Handle):
                continue
            for name in declared[0].of:
                source = source_of(kind.name, name, sources)
                if source.handle is None or source.handle in openings:
                    raise BindingError(f"{kind.name}: {name} has no number of its own for handles")
                openings[source.handle] = Opening(kind.name, source)
    return openings


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
            # The same for a string that is no handle, and for what is somebody else's.
            raise GatewayError(ErrorCode.NODE_NOT_FOUND)
        return answer

    return LookUp(keys, begin, load, chained=True, origins=origins)


def _opened(openings: Mapping[int, Opening], source: Source, handle: str) -> tuple[Opening, Any] | None:
    """Return what a handle leads to, and its key; None for a string that is no handle of the viewer's."""
    target = source.context.open_handle(handle)
    opening = None if target is None else openings.get(target.kind)
    if target is None or opening is None:
        return None
    key = opening.key(target.key)
    if isinstance(handle, Representation) and handle.type_name != opening.type_name:
        return None
    if isinstance(key, CardNo):
        # The handle was given out with the card: nobody tries card numbers out by it.
        source.context.loader.vouch(key)
    return opening, key


async def _found(context: RequestContext, opening: Opening, key: Any) -> Source | None:
    """Look up what a handle leads to; None if there is nothing that the viewer may see."""
    subject = _subject(key)
    looked_up = opening.source
    try:
        if isinstance(looked_up, View):
            found = await load_view(context, looked_up, key, subject)
            if found is None:
                return None
            key, answer = found.key, Answer.of_view(looked_up, found)
        else:
            answer = Answer(looked_up, await context.load(looked_up, key, subject), key)
    except Exception as error:
        if code_of(error) not in _NOT_FOUND:
            raise
        return None
    subject = answer.record.subject or subject
    # A card without a number is told by its member.
    shown_as = "card" if isinstance(subject, MemberId) and looked_up.key is not MemberId else None
    access = context.access(subject, None, "id", answer, shown_as)
    return Source(answer.record, key, subject, context, access, opening.type_name)


def _subject(key: Any) -> CardNo | MemberId | None:
    """Return whose data a handle's key leads to: a card, or else the member."""
    parts = key if isinstance(key, tuple) else (key,)
    return next((part for kind in (CardNo, MemberId) for part in parts if isinstance(part, kind)), None)
