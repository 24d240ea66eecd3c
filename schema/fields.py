"""Where the value of a field comes from, declared as data; `graph` binds it to Konaplate's records.

A field is a value of the record, a part (an object made of the same record, or of one within it), or an edge (the
answer of another call). Values and parts that have the record's name are plain `strawberry.field`s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryContainer
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import GraphQLField

    from schema.secrets import Secret

KEY: Final = "(key)"
"""In place of an attribute: the key that the record was looked up by."""

_SPEC: Final = "konagraph"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the record."""

    of: str
    """The record's attribute, or `KEY`."""
    show: Callable[[Any], Any] | None = None
    """Converts the attribute's value, which may be None, to what clients see."""
    scope: str | None = None
    """The scope that a viewer needs to read it."""


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
    """The length of a list, for pricing; None assumes a usual one."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of an edge."""

    name: str
    """In snake case."""
    kind: Any
    """Its type, as in an annotation."""
    description: str
    default: Any = UNSET


KeyPart: TypeAlias = "str | Argument"


@dataclass(frozen=True, slots=True)
class Edge:
    """The answer of another upstream call."""

    endpoint: str
    """The endpoint's name."""
    key: KeyPart | tuple[KeyPart, ...]
    """An attribute of the record, an argument, or several of these, which compose the endpoint's key. A list of
    keys gives a list."""
    of: str | None = None
    """The attribute of the answer to show; None for all of it."""
    scope: str | None = None
    """The scope that a viewer needs to follow it."""
    type_of: Callable[[Any], str] | None = None
    """As in `Part`."""
    size: int | str | None = None
    """The number of objects it leads to, for pricing: a number, or the argument that holds it."""

    @property
    def keys(self) -> tuple[KeyPart, ...]:
        """The parts of the key."""
        return self.key if isinstance(self.key, tuple) else (self.key,)


Spec: TypeAlias = "Value | Part | Edge"


def field(*, description: str, directives: Sequence[object] = (), **spec: Any) -> Any:
    """Declare a value of the record; `spec` are the attributes of a `Value`."""
    return _declare(Value(**spec), description, directives)


def part(*, description: str, directives: Sequence[object] = (), **spec: Any) -> Any:
    """Declare an object that came with the record; `spec` are the attributes of a `Part`."""
    return _declare(Part(**spec), description, directives)


def edge(endpoint: str, *, description: str, directives: Sequence[object] = (), **spec: Any) -> Any:
    """Declare the answer of another call; `spec` are the attributes of an `Edge`."""
    declared = Edge(endpoint, **spec)
    strawberry_field = _declare(declared, description, directives)
    strawberry_field.arguments = [
        StrawberryArgument(
            each.name, None, StrawberryAnnotation(each.kind), description=each.description, default=each.default
        )
        for each in declared.keys
        if isinstance(each, Argument)
    ]
    return strawberry_field


def argument(name: str, kind: Any, *, description: str, default: Any = UNSET) -> Argument:
    """Declare an argument that is an edge's key, or a part of it."""
    return Argument(name, kind, description, default)


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
    """
    declared = built.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(declared, StrawberryField) or declared.base_resolver is not None:
        return None
    arguments = {given.python_name: name for given, name in zip(declared.arguments, built.args, strict=True)}
    return declared.python_name, declared.metadata.get(_SPEC), arguments


def python_type(built: GraphQLField) -> Any:
    """Return the Python type that a field of the executable schema was declared with, without its lists."""
    kind = built.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].type
    while isinstance(kind, StrawberryContainer):
        kind = kind.of_type
    # Strawberry keeps a definition in place of an enum.
    return getattr(kind, "wrapped_cls", kind)


def _declare(spec: Spec, description: str, directives: Sequence[object]) -> Any:
    return strawberry.field(description=description, directives=directives, metadata={_SPEC: spec})
