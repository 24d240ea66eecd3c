"""Binds the schema's fields to Konaplate's records and endpoints: from declarations to resolvers.

graphql-core calls the resolvers, and plans look into them (`graph.graphql.plan.fields`).
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from graphql import get_named_type, is_abstract_type, is_enum_type, is_introspection_type, is_object_type

from graph.graphql.binding_checks import BindingError, Checker, is_list, spec_of
from graph.graphql.cost import ASSUMED_SIZE, COST, FieldCost
from graph.graphql.plan.fields import TypeOf
from graph.graphql.resolvers import edge_to, part_of, value_of
from graph.konaplate.endpoint import by_name
from graph.konaplate.endpoints import ENDPOINTS
from graph.security.authorization import EVERY_SCOPE
from schema.fields import Argument, Edge, Part, Value
from schema.query import Query, build_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from graphql import GraphQLField, GraphQLSchema

    from graph.konaplate.endpoint import Endpoint


def executable_schema(endpoints: Iterable[Endpoint[Any, Any]] = ENDPOINTS, query: type = Query) -> GraphQLSchema:
    """Build the schema, bound to the endpoints that its edges name.

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
            # Strawberry checks for instances of its own types, and sources are none.
            kind.is_type_of = None
            for name, field in kind.fields.items():
                _bind(f"{kind.name}.{name}", name, field, named)
    if schema.query_type is not None:
        Checker(schema, named).check(schema.query_type, None)
    return schema


def _bind(where: str, name: str, field: GraphQLField, endpoints: Mapping[str, Endpoint[Any, Any]]) -> None:
    declared = spec_of(field)
    if declared is None:
        return
    spec, arguments = declared
    scope, kind = getattr(spec, "scope", None), get_named_type(field.type)
    if is_abstract_type(kind) != (getattr(spec, "type_of", None) is not None):
        raise BindingError(f"{where}: `type_of` is needed for interfaces and unions, and for nothing else")
    if scope is not None and scope not in EVERY_SCOPE:
        raise BindingError(f"{where}: there is no scope {scope!r}; known are {', '.join(sorted(EVERY_SCOPE))}")
    match spec:
        case Value():
            members = getattr(kind, "wrapped_cls", None)
            if is_enum_type(kind) and members is not None and "UNKNOWN" not in members.__members__:
                raise BindingError(f"{where}: the enum {kind.name} has no member UNKNOWN")
            field.resolve = value_of(name, spec, kind)
        case Part():
            field.resolve = part_of(spec)
            size = (spec.size or ASSUMED_SIZE) if is_list(field) else 1
            field.extensions[COST] = FieldCost(each=1, size=size)
        case Edge():
            endpoint = endpoints.get(spec.endpoint)
            if endpoint is None:
                raise BindingError(f"{where}: there is no endpoint {spec.endpoint!r}")
            field.resolve = edge_to(name, spec, endpoint, arguments)
            field.extensions[COST] = _edge_cost(spec, endpoint, field, arguments)


def _edge_cost(
    spec: Edge, endpoint: Endpoint[Any, Any], field: GraphQLField, arguments: Mapping[str, str]
) -> FieldCost:
    if isinstance(spec.size, str):
        return FieldCost(once=endpoint.cost, amount=arguments[spec.size])
    for part in spec.keys:
        if isinstance(part, Argument) and is_list(field.args[arguments[part.name]]):
            return FieldCost(each=endpoint.cost, items=arguments[part.name])
    if not is_list(field):
        return FieldCost(once=endpoint.cost, size=spec.size or 1)
    size = spec.size or ASSUMED_SIZE
    # A list within an answer takes one call; a list of keys takes one call for each.
    return FieldCost(once=endpoint.cost, size=size) if spec.of else FieldCost(each=endpoint.cost, size=size)
