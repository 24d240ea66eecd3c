"""Where the value of a field comes from, declared as data; `graph` binds it to Konaplate's records.

A field is a value of the record, a part (an object made of the same record, or of one within it), or an edge (the
answer of another call). Values and parts that have the record's name are plain `strawberry.field`s.

A type can be made of several records: `Card` is an inquiry's answer, or a row in a member's list. A record's
attributes are its fields and properties, and its key under the key's name. If it lacks an attribute that a field
needs, `also` says which other answer has it.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from difflib import get_close_matches
from inspect import signature
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryContainer
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType

    from schema.secrets import Secret

_SPEC: Final = "konagraph"
_ALSO: Final = "__also__"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the record."""

    of: str
    """The record's attribute, or the key's name."""
    show: Callable[[Any], Any] | None = None
    """Converts the attribute's value, which may be None, to what clients see."""
    fail: bool = True
    """Whether a value that cannot be read is an error; otherwise `show` gets None."""
    scope: str | None = None
    """The scope that a viewer needs to read it."""
    or_own: str | None = None
    """The attribute that holds the owner, who needs no scope; nor does a viewer who asked by the card's number."""


@dataclass(frozen=True, slots=True)
class Handle:
    """An opaque id, by which a viewer can ask for the object again."""

    of: Mapping[str, str | tuple[str, ...]]
    """For each source, the attributes that compose its key. The first that are present are used."""


@dataclass(frozen=True, slots=True)
class Part:
    """An object, or a list of objects, that came with the record."""

    of: str | None = None
    """The attribute that holds it; None for an object made of the record itself."""
    present: str | None = None
    """The object is null if this attribute is."""
    type_of: Callable[[Any], str] | None = None
    """Maps a record to its type's name; needed where the field's type is an interface or a union."""
    size: int | None = None
    """How many objects there are, for pricing; None assumes one, or the usual length of a list."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument that is an edge's key, or a part of it."""

    name: str
    """In snake case."""
    kind: Any
    """Its type, as in an annotation."""
    _: KW_ONLY
    description: str
    default: Any = UNSET


KeyPart: TypeAlias = "str | Argument"


@dataclass(frozen=True, slots=True)
class Edge:
    """The answer of another upstream call."""

    endpoint: str
    """The name of the endpoint, or of a view of several."""
    key: KeyPart | tuple[KeyPart, ...]
    """An attribute of the record, an argument, or several of these, which compose the endpoint's key. A list of
    keys gives a list."""
    of: str | None = None
    """The attribute of the answer to show; None for all of it."""
    scope: str | None = None
    """The scope that a viewer needs to follow it."""
    or_own: str | None = None
    """The attribute that holds the owner, who needs no scope."""
    unless: str | None = None
    """The attribute that may hold the value already, so that nothing is looked up."""
    type_of: Callable[[Any], str] | None = None
    """As in `Part`."""
    shown_as: str | None = None
    """Its name in the audit log, if each answer is an event of its own rather than a part of another."""
    size: int | str | None = None
    """The number of objects it leads to, for pricing: a number, or the argument that holds it."""

    @property
    def keys(self) -> tuple[KeyPart, ...]:
        """The parts of the key."""
        return self.key if isinstance(self.key, tuple) else (self.key,)


@dataclass(frozen=True, slots=True)
class ById:
    """The object that a handle leads to, or a list of them."""

    key: Argument


@dataclass(frozen=True, slots=True)
class Outcome:
    """The object that one of several keys leads to, or an object in place of the field's error."""

    by: Argument
    """An input object with exactly one member."""
    ways: Mapping[str, Edge | ById]
    """By the names of its members, in snake case, which are also the arguments of their keys."""
    found: str
    """The name of the type that they lead to."""
    failed_as: Callable[..., str]
    """Maps an error's code and `retryable` to the name of the type that it is shown as."""


class MisdeclaredError(ValueError):
    """A field cannot be declared so. The message says where, and why."""


@dataclass(frozen=True, slots=True)
class _Misdeclared:
    """Stands for a declaration that cannot be made, until the name of its field is known."""

    problem: str


Spec: TypeAlias = "Value | Handle | Part | Edge | ById | Outcome"


def field(*, description: str, directives: Sequence[object] = (), **spec: Any) -> Any:
    """Declare a value of the record; `spec` are the attributes of a `Value`."""
    return _declare(_made(Value, **spec), description, directives)


def part(*, description: str, directives: Sequence[object] = (), **spec: Any) -> Any:
    """Declare an object that came with the record; `spec` are the attributes of a `Part`."""
    return _declare(_made(Part, **spec), description, directives)


def edge(
    endpoint: str, *, description: str, directives: Sequence[object] = (), name: str | None = None, **spec: Any
) -> Any:
    """Declare the answer of another call; `spec` are the attributes of an `Edge`."""
    declared = _made(Edge, endpoint=endpoint, **spec)
    keys = declared.keys if isinstance(declared, Edge) else ()
    given = [each for each in keys if isinstance(each, Argument)]
    return _declare(declared, description, directives, given, name)


def handle(*, of: Mapping[str, str | tuple[str, ...]], description: str) -> Any:
    """Declare an opaque id; `of` is as in `Handle`."""
    return _declare(Handle(of), description, ())


def by_id(key: Argument, *, description: str, name: str | None = None) -> Any:
    """Declare the object that a handle leads to, or the objects that a list of handles leads to."""
    return _declare(ById(key), description, (), [key], name)


def outcome(*, description: str, **spec: Any) -> Any:
    """Declare an object, or its error as an object; `spec` are the attributes of an `Outcome`."""
    declared = _made(Outcome, **spec)
    return _declare(declared, description, (), [declared.by] if isinstance(declared, Outcome) else [])


def also(*edges: Edge) -> Callable[[type[T]], type[T]]:
    """Declare where to find attributes that a type's record lacks: in the first of these answers that has them."""

    def declared(kind: type[T]) -> type[T]:
        setattr(kind, _ALSO, edges)
        return kind

    return declared


def masked(value: Secret | None) -> str | None:
    """Show the mask of a secret."""
    return None if value is None else value.masked


def present(value: object) -> bool:
    """Show whether there is a value."""
    return value is not None


def declaration(built: GraphQLField) -> tuple[str, Spec | None, dict[str, str]] | None:
    """Return how a field of the executable schema was declared; None for a field with a resolver of its own.

    Returns:
        Its Python name, its specification (None for a plain `strawberry.field`), and the GraphQL names of its
        arguments by their Python names.

    Raises:
        MisdeclaredError: it cannot be declared so.
    """
    declared = built.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(declared, StrawberryField) or declared.base_resolver is not None:
        return None
    arguments = {given.python_name: name for given, name in zip(declared.arguments, built.args, strict=True)}
    spec = declared.metadata.get(_SPEC)
    if isinstance(spec, _Misdeclared):
        raise MisdeclaredError(
            f"{getattr(declared.origin, '__name__', '')}.{declared.python_name}: {spec.problem}"
        )
    return declared.python_name, spec, arguments


def members_of(built: GraphQLInputObjectType) -> dict[str, str]:
    """Return the GraphQL names of an input object's members by their Python names."""
    fields = built.fields.items()
    return {each.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].python_name: name for name, each in fields}


def python_type(built: GraphQLField) -> Any:
    """Return the Python type that a field of the executable schema was declared with, without its lists."""
    kind = built.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].type
    while isinstance(kind, StrawberryContainer):
        kind = kind.of_type
    # Strawberry keeps a definition in place of an enum.
    return getattr(kind, "wrapped_cls", kind)


def has_directive(built: GraphQLField, directive: object) -> bool:
    """Whether a field of the executable schema was declared with a directive."""
    return directive in built.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].directives


def also_of(kind: GraphQLObjectType) -> tuple[Edge, ...]:
    """Return the edges that `also` declared for a type of the executable schema."""
    declared = kind.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    edges: tuple[Edge, ...] = getattr(getattr(declared, "origin", None), _ALSO, ())
    return edges


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the known one that it resembles, if there is any."""
    close = get_close_matches(name, known, 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _made(kind: type[T], **spec: Any) -> T | _Misdeclared:
    names = list(signature(kind).parameters)
    for name in spec:
        if name not in names:
            return _Misdeclared(f"{kind.__name__} has no {name!r}{did_you_mean(name, names)}")
    try:
        return kind(**spec)
    except TypeError as error:
        return _Misdeclared(str(error))


def _declare(
    spec: Spec | _Misdeclared,
    description: str,
    directives: Sequence[object],
    arguments: Iterable[Argument] = (),
    name: str | None = None,
) -> Any:
    declared: Any = strawberry.field(
        name=name, description=f"{description}{_needs(spec)}", directives=directives, metadata={_SPEC: spec}
    )
    declared.arguments = [
        StrawberryArgument(
            each.name, None, StrawberryAnnotation(each.kind), description=each.description, default=each.default
        )
        for each in arguments
    ]
    return declared


def _needs(spec: object) -> str:
    """Return the sentence about a field's scope, for its description."""
    scope, own = getattr(spec, "scope", None), getattr(spec, "or_own", None)
    if scope is None:
        return ""
    without = "" if own is None else ", except for the owner"
    if isinstance(spec, Value) and own is not None:
        without += " and whoever asked by the card's number"
    return f" Needs the scope `{scope}`{without}."
