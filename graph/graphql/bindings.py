"""Binds the fields of the schema to Konaplate's records and APIs: from what `schema` declares to resolvers.

Graphql-core calls the resolvers, and plans look into them (`graph.graphql.plan.fields`).
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import (
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)

from graph.graphql.cost import ASSUMED_SIZE, COST, FieldCost
from graph.graphql.plan.fields import TypeOf
from graph.graphql.resolvers import edge_to, part_of, value_of
from graph.konaplate.endpoint import by_name
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.record import Record, record_fields
from graph.security.viewer import EVERY_SCOPE
from schema.fields import KEY, Argument, Edge, Part, Value, declaration
from schema.query import Query, build_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from graphql import GraphQLArgument, GraphQLField, GraphQLObjectType, GraphQLSchema

    from graph.konaplate.endpoint import Endpoint

    Endpoints: TypeAlias = Iterable[Endpoint[Any, Any]]


class BindingError(ValueError):
    """A declaration of the schema names something that does not exist. The message says which, and where."""


def executable_schema(endpoints: Endpoints = ENDPOINTS, query: type = Query) -> GraphQLSchema:
    """The schema, bound to the APIs that its edges name.

    Args:
        endpoints: the APIs of Konaplate.
        query: the type of the root.

    Raises:
        BindingError: when a declaration cannot be bound.
    """
    schema, named = build_schema(query), by_name(endpoints)
    for kind in schema.type_map.values():
        if is_abstract_type(kind):
            kind.resolve_type = TypeOf(attrgetter("kind"))
        elif is_object_type(kind) and not is_introspection_type(kind):
            # Sources are no instances of Strawberry's types, and know which type they are of.
            kind.is_type_of = None
            for name, field in kind.fields.items():
                _bind(f"{kind.name}.{name}", name, field, named)
    if schema.query_type is not None:
        _Checker(schema, named).check(schema.query_type, None)
    return schema


def _bind(where: str, name: str, field: GraphQLField, endpoints: Mapping[str, Endpoint[Any, Any]]) -> None:
    """Bind one field, unless it has a resolver of its own."""
    declared = _spec_of(field)
    if declared is None:
        return
    spec, arguments = declared
    scope, kind = getattr(spec, "scope", None), get_named_type(field.type)
    if is_abstract_type(kind) != (getattr(spec, "type_of", None) is not None):
        raise BindingError(f"{where}: `type_of` is needed for interfaces and unions, and for nothing else")
    if scope is not None and scope not in EVERY_SCOPE:
        raise BindingError(f"{where}: there is no scope {scope!r}")
    match spec:
        case Value():
            field.resolve = value_of(name, spec, kind)
        case Part():
            field.resolve = part_of(spec)
            size = (spec.size or ASSUMED_SIZE) if _is_list(field) else 1
            field.extensions[COST] = FieldCost(each=1, size=size)
        case Edge():
            endpoint = endpoints.get(spec.endpoint)
            if endpoint is None:
                raise BindingError(f"{where}: there is no endpoint {spec.endpoint!r}")
            field.resolve = edge_to(name, spec, endpoint, arguments)
            field.extensions[COST] = _edge_cost(spec, endpoint, field, arguments)


def _spec_of(field: GraphQLField) -> tuple[Value | Part | Edge, Mapping[str, str]] | None:
    """How a field is declared, and its arguments' names; None for a field with a resolver of its own."""
    declared = declaration(field)
    if declared is None:
        return None
    attribute, spec, arguments = declared
    if spec is None:
        spec = Value(attribute) if is_leaf_type(get_named_type(field.type)) else Part(attribute)
    return spec, arguments


def _edge_cost(
    spec: Edge, endpoint: Endpoint[Any, Any], field: GraphQLField, arguments: Mapping[str, str]
) -> FieldCost:
    if isinstance(spec.size, str):
        return FieldCost(once=endpoint.cost, amount=arguments[spec.size])
    for part in spec.keys:
        name = arguments[part.name] if isinstance(part, Argument) else None
        if name is not None and _is_list(field.args[name]):
            return FieldCost(each=endpoint.cost, items=name)
    if not _is_list(field):
        return FieldCost(once=endpoint.cost, size=spec.size or 1)
    if spec.of is not None:
        return FieldCost(once=endpoint.cost, size=spec.size or ASSUMED_SIZE)
    # A list of keys that the record holds: a call for each.
    return FieldCost(each=endpoint.cost, size=spec.size or ASSUMED_SIZE)


def _is_list(field: GraphQLField | GraphQLArgument) -> bool:
    return is_list_type(get_nullable_type(field.type))


class _Checker:
    """Checks that every type has what it shows, whichever record it is made of."""

    def __init__(self, schema: GraphQLSchema, endpoints: Mapping[str, Endpoint[Any, Any]]) -> None:
        self._schema = schema
        self._endpoints = endpoints
        self._seen: set[tuple[str, type[Record] | None]] = set()

    def check(self, kind: GraphQLObjectType, record: type[Record] | None) -> None:
        """Check a type that is made of a record, and all that it leads to.

        Raises:
            BindingError: when a record lacks what is shown of it.
        """
        if (kind.name, record) in self._seen:
            return
        self._seen.add((kind.name, record))
        for name, field in kind.fields.items():
            declared = _spec_of(field)
            if declared is not None:
                self._check_field(f"{kind.name}.{name}", field, declared[0], record)

    def _check_field(
        self, where: str, field: GraphQLField, spec: Value | Part | Edge, record: type[Record] | None
    ) -> None:
        shown = record
        if isinstance(spec, Edge):
            for part in spec.keys:
                if not isinstance(part, Argument):
                    self._held(where, record, part)
            shown = self._endpoints[spec.endpoint].record
        elif isinstance(spec, Part) and spec.present is not None:
            self._held(where, record, spec.present)
        if spec.of is not None:
            shown = self._held(where, shown, spec.of)
        target = get_named_type(field.type)
        possible = self._schema.get_possible_types(target) if is_abstract_type(target) else [target]
        for kind in possible:
            if is_object_type(kind):
                self.check(kind, shown)

    def _held(self, where: str, record: type[Record] | None, attribute: str) -> type[Record] | None:
        """What a record's attribute holds, if that is another record."""
        if attribute == KEY and record is not None:
            return None
        held = {} if record is None else {each.name: (each.item or each).kind for each in record_fields(record)}
        if attribute not in held:
            what = "the root has no record" if record is None else f"{record.__name__} has no {attribute!r}"
            raise BindingError(f"{where}: {what}")
        kind = held[attribute]
        return kind if issubclass(kind, Record) else None
