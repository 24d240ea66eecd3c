"""The root fields of a schema, and the documents that ask them for everything, or for all but secrets."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import (
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
)

from schema.fields import ById, Handle, Outcome, declaration, members_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLField, GraphQLSchema


class RootField(NamedTuple):
    """A field of the query type, with one of its arguments or without any."""

    name: str
    argument: str | None
    type: str
    """The argument's type, as in a variable's declaration."""
    lists: bool
    """Whether the argument is a list."""
    masked: str
    """A selection of everything that does not show secrets."""
    clear: str
    """A selection of everything."""
    endpoint: str | None
    """The name of the endpoint that answers, if the field declares one."""
    alone: bool
    """Whether the field takes no other argument."""
    by_id: bool
    """Whether it gives objects of any type, which only ids of earlier answers name."""
    member: str | None = None
    """The member of the argument that holds the value, if the argument is an input object."""

    @property
    def selections(self) -> tuple[tuple[str, bool], ...]:
        """The selections, and whether the answer may contain what was requested."""
        return ((self.masked, False), (self.clear, True)) if self.clear != self.masked else ((self.masked, False),)

    def with_literal(self, value: Any, selection: str = "__typename") -> str:
        """A document with the value as a literal."""
        literal = json.dumps(value, ensure_ascii=False)
        return f"{{ {self.name}({self._given(literal)}) {{ {selection} }} }}"

    def with_variable(self, selection: str = "__typename") -> str:
        """A document with the value in variable `n`."""
        return f"query ($n: {self.type}) {{ {self.name}({self._given('$n')}) {{ {selection} }} }}"

    def _given(self, value: str) -> str:
        return f"{self.argument}: {value if self.member is None else f'{{{self.member}: {value}}}'}"


def root_fields(schema: GraphQLSchema, secret: frozenset[str]) -> Iterator[RootField]:
    """The fields of the query type that give objects: one for each argument, and one without if none is required.

    Args:
        schema: whose query type it is.
        secret: the names of secret keys and attributes.
    """
    for name, field in schema.query_type.fields.items() if schema.query_type else ():
        kind = get_named_type(field.type)
        if is_leaf_type(kind):
            continue
        declared = declaration(field)
        made = partial(
            RootField,
            name,
            masked=_selection(schema, kind, secret),
            clear=_selection(schema, kind, frozenset()),
            alone=len(field.args) == 1,
        )
        spec = declared[1] if declared else None
        endpoint = getattr(spec, "endpoint", None)
        if not any(map(is_required_argument, field.args.values())):
            yield made(None, "", lists=False, endpoint=endpoint, by_id=is_abstract_type(kind))
        for argument, given in field.args.items():
            taken = get_named_type(given.type)
            if isinstance(spec, Outcome) and is_input_object_type(taken):
                for python_name, member in members_of(taken).items():
                    type_name, way = f"{taken.fields[member].type}!", spec.ways[python_name]
                    by_id, endpoint = isinstance(way, ById), getattr(way, "endpoint", None)
                    yield made(argument, type_name, lists=False, endpoint=endpoint, by_id=by_id, member=member)
                continue
            lists = is_list_type(get_nullable_type(given.type))
            yield made(argument, str(given.type), lists=lists, endpoint=endpoint, by_id=is_abstract_type(kind))


def _selection(schema: GraphQLSchema, kind: Any, left_out: frozenset[str], above: tuple[object, ...] = ()) -> str:
    """A selection of everything but what shows these attributes, and but what leads back to a type above."""
    if is_abstract_type(kind):
        kinds = schema.get_possible_types(kind)
        parts = [f"... on {each.name} {{ {_selection(schema, each, left_out, above)} }}" for each in kinds]
        return " ".join(["__typename", *parts])
    parts = ["__typename"]
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if _shows(name, field, left_out) or any(map(is_required_argument, field.args.values())):
            continue
        if is_leaf_type(inner):
            parts.append(name)
        elif inner not in above:
            parts.append(f"{name} {{ {_selection(schema, inner, left_out, (*above, kind))} }}")
    return " ".join(parts)


def _shows(name: str, built: GraphQLField, secret: frozenset[str]) -> bool:
    """Whether a field shows one of these attributes unmasked."""
    declared = declaration(built)
    if declared is None:
        return name in secret
    attribute, spec, _ = declared
    if isinstance(spec, Handle | ById | Outcome):
        return False
    shown = (None if spec is None else spec.of) or attribute
    return shown in secret and getattr(spec, "show", None) is None
