"""Binds the schema's fields to Konaplate's records and endpoints: from declarations to resolvers.

graphql-core calls the resolvers, and plans look into them (`graph.graphql.fields`). A type that is made of
several records is bound for each.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError, is_abstract_type, is_introspection_type, is_object_type
from strawberry.exceptions import StrawberryException

from graph.graphql.binding_checks import BindingError, spec_of
from graph.graphql.cost import COST, ORIGINS, FieldCost
from graph.graphql.error_catalog import catalog_view
from graph.graphql.field_bindings import DeclaredField, FieldBinder
from graph.graphql.fields import ByOrigin, TypeOf
from graph.graphql.origins import Origin
from graph.graphql.source_checks import check_source
from graph.graphql.subgraph import subgraph_view
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.view import with_views
from graph.konaplate.views import VIEWS
from graph.security.authorization import Viewer
from schema.fields import also_of
from schema.query import Query, build_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema

    from graph.graphql.field_bindings import BoundField
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.view import LookedUp, View

ROOT: Final = Origin(Viewer, None)


def executable_schema(
    endpoints: Iterable[Endpoint[Any, Any]] = ENDPOINTS,
    query: type = Query,
    views: Iterable[View[Any, Any]] = VIEWS,
) -> GraphQLSchema:
    """Build the schema, bound to the endpoints and views that its edges name.

    Args:
        endpoints: the APIs of Konaplate.
        query: the type of the root.
        views: what is made of several of them.

    Raises:
        BindingError: when a declaration cannot be bound.
    """
    endpoints, views = tuple(endpoints), tuple(views)
    sources: tuple[LookedUp, ...] = (*endpoints, *views)
    for source in sources:
        check_source(source)
    schema, named = _built(query), with_views(endpoints, (*views, catalog_view(endpoints), subgraph_view()))
    for kind in schema.type_map.values():
        if is_abstract_type(kind):
            kind.resolve_type = TypeOf(attrgetter("kind"), attrgetter("record.__class__"))
        elif is_object_type(kind) and not is_introspection_type(kind):
            # Strawberry checks for instances of its own types, and sources are none.
            kind.is_type_of = None
    if schema.query_type is not None:
        _bind(schema.query_type, FieldBinder(schema, named))
    return schema


def _built(query: type) -> GraphQLSchema:
    try:
        return build_schema(query)
    except (StrawberryException, GraphQLError, TypeError, ValueError) as error:
        where = getattr(getattr(error, "type_definition", None), "name", "the schema")
        raise BindingError(f"{where}: {' '.join(str(error).split())}") from error


def _bind(root: GraphQLObjectType, binder: FieldBinder) -> None:
    """Bind every type that the root leads to, with every origin that it has.

    Raises:
        BindingError: when a record lacks what is shown of it, or has it in another type.
    """
    every: dict[tuple[str, str], dict[type[Any], BoundField]] = {}
    pending = [(root.name, ROOT)]
    seen = set(pending)
    while pending:
        type_name, origin = pending.pop()
        kind = binder.object_type(type_name)
        for name, field in kind.fields.items():
            if (declared := spec_of(field)) is None:
                continue
            bound = binder.bind(
                DeclaredField(f"{type_name}.{name}", name, field, *declared), origin, also_of(kind)
            )
            every.setdefault((type_name, name), {})[origin.record] = bound
            fresh = dict.fromkeys(shown for shown in bound.shown if shown not in seen)
            seen.update(fresh)
            pending += fresh
    for (type_name, name), by_record in every.items():
        _attach(binder.object_type(type_name).fields[name], by_record)


def _attach(field: GraphQLField, by_record: Mapping[type[Any], BoundField]) -> None:
    """Give a field its resolver and its costs."""
    every = list(by_record.values())
    resolve: Any = every[0].resolve
    cost: Any = every[0].cost
    if len(every) > 1:
        by_origin = {record: bound.resolve for record, bound in by_record.items()}
        resolve = ByOrigin(attrgetter("record.__class__"), by_origin)
        if len({bound.cost for bound in every}) > 1:
            # A leaf costs nothing where it came with the record.
            cost = {record: bound.cost or FieldCost() for record, bound in by_record.items()}
    field.resolve = resolve
    if cost:
        field.extensions[COST] = cost
    field.extensions[ORIGINS] = {record: bound.resolve.origins for record, bound in by_record.items()}
