"""Where the value of a field comes from, declared as data; `graph` binds it to Konaplate's records.

A field of a type is one of three:

- A value of the record. `strawberry.field` is enough for one that has the record's name, `field` says the rest.
- A part: an object made of the same record or of a record within it. One that has the record's name needs no
  more than `strawberry.field`, either.
- An edge: what another call answers.
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
"""In place of a record's attribute: what the record was asked for by."""

_SPEC: Final = "konagraph"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the record."""

    of: str
    """The record's attribute, or `KEY`."""
    show: Callable[[Any], Any] | None = None
    """Makes what is shown of the attribute's value, which may be None; None shows the value itself."""
    scope: str | None = None
    """What the viewer needs to see it."""


@dataclass(frozen=True, slots=True)
class Part:
    """An object, or a list of them, that came with the record."""

    of: str | None = None
    """The attribute that holds it; None for an object that is made of the record itself."""
    present: str | None = None
    """The attribute without which there is no such object."""
    type_of: Callable[[Any], str] | None = None
    """The name of the object's type by its record, where the field's type is an interface or a union."""
    size: int | None = None
    """How many objects a list has, as far as its price is concerned; None assumes a usual number."""


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
    """What another call answers."""

    endpoint: str
    """The name of the API."""
    key: KeyPart | tuple[KeyPart, ...]
    """What is asked for: an attribute of the record, an argument, or several of these, of which the endpoint's key
    is made. A list of keys gives a list."""
    of: str | None = None
    """The attribute of what is answered that is shown; None for all of it."""
    scope: str | None = None
    """What the viewer needs to follow it."""
    type_of: Callable[[Any], str] | None = None
    """As of a part."""
    size: int | str | None = None
    """How many objects it leads to, as far as the price is concerned: a number, or the argument that says so."""

    @property
    def keys(self) -> tuple[KeyPart, ...]:
        """The parts of the key."""
        return self.key if isinstance(self.key, tuple) else (self.key,)


Spec: TypeAlias = "Value | Part | Edge"


def field(*, description: str, directives: Sequence[object] = (), **spec: Any) -> Any:
    """Declare a value of the record; `spec` is that of a `Value`."""
    return _declare(Value(**spec), description, directives)


def part(*, description: str, directives: Sequence[object] = (), **spec: Any) -> Any:
    """Declare an object that came with the record; `spec` is that of a `Part`."""
    return _declare(Part(**spec), description, directives)


def edge(endpoint: str, *, description: str, directives: Sequence[object] = (), **spec: Any) -> Any:
    """Declare what another call answers; `spec` is that of an `Edge`."""
    declared = Edge(endpoint, **spec)
    made = _declare(declared, description, directives)
    made.arguments = [
        StrawberryArgument(
            each.name, None, StrawberryAnnotation(each.kind), description=each.description, default=each.default
        )
        for each in declared.keys
        if isinstance(each, Argument)
    ]
    return made


def argument(name: str, kind: Any, *, description: str, default: Any = UNSET) -> Argument:
    """Declare an argument that is an edge's key, or a part of it."""
    return Argument(name, kind, description, default)


def masked(value: Secret | None) -> str | None:
    """Show of a secret what everybody may see."""
    return None if value is None else value.masked


def present(value: object) -> bool:
    """Show whether there is a value."""
    return value is not None


def declaration(built: GraphQLField) -> tuple[str, Spec | None, dict[str, str]] | None:
    """What is declared of a field of the executable schema.

    Returns:
        The field's name in Python, its specification, None where the name says it all, and the names of its
        arguments in Python with those in GraphQL. None for a field with a resolver of its own.
    """
    # Strawberry's own field, behind the one that it made for graphql-core.
    declared = built.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(declared, StrawberryField) or declared.base_resolver is not None:
        return None
    arguments = {given.python_name: name for given, name in zip(declared.arguments, built.args, strict=True)}
    return declared.python_name, declared.metadata.get(_SPEC), arguments


def python_type(built: GraphQLField) -> Any:
    """The type that a field of the executable schema is declared as, in Python and without its lists."""
    kind = built.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].type
    while isinstance(kind, StrawberryContainer):
        kind = kind.of_type
    # Of an enum, Strawberry keeps a definition.
    return getattr(kind, "wrapped_cls", kind)


def _declare(spec: Spec, description: str, directives: Sequence[object]) -> Any:
    return strawberry.field(description=description, directives=directives, metadata={_SPEC: spec})
