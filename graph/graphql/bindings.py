"""Binds the schema's fields to Konaplate's records and endpoints: from declarations to resolvers.

graphql-core calls the resolvers, and plans look into them (`graph.graphql.plan.fields`). A type that is made of
several records is bound for each.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from graphql import (
    GraphQLArgument,
    GraphQLField,
    get_named_type,
    is_abstract_type,
    is_introspection_type,
    is_leaf_type,
    is_object_type,
)

from graph.graphql import binding_checks as checks
from graph.graphql.binding_checks import BindingError, spec_of
from graph.graphql.cost import COST, ORIGINS, FieldCost
from graph.graphql.edges import by_way_of, edge_to
from graph.graphql.error_catalog import catalog_view
from graph.graphql.field_costs import edge_cost, handle_cost, part_cost
from graph.graphql.handles import Opening, by_id, handle_of
from graph.graphql.origins import Origin, attribute_of, origin_of
from graph.graphql.outcomes import FAILED, outcome_of
from graph.graphql.plan.fields import ByOrigin, LookUp, TypeOf
from graph.graphql.resolvers import part_of, value_of
from graph.graphql.subgraph import subgraph_view
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.view import with_views
from graph.konaplate.views import VIEWS
from graph.security.authorization import Viewer
from schema.fields import ById, Edge, Handle, Outcome, Part, Value, also_of, members_of
from schema.query import Query, build_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from graphql import GraphQLObjectType, GraphQLSchema

    from graph.graphql.origins import LookedUp
    from graph.graphql.plan.fields import Origins, Read
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.view import View
    from schema.fields import Spec

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
    endpoints = tuple(endpoints)
    schema, named = build_schema(query), with_views(endpoints, (*views, catalog_view(endpoints), subgraph_view()))
    for kind in schema.type_map.values():
        if is_abstract_type(kind):
            kind.resolve_type = TypeOf(attrgetter("kind"), attrgetter("record.__class__"))
        elif is_object_type(kind) and not is_introspection_type(kind):
            # Strawberry checks for instances of its own types, and sources are none.
            kind.is_type_of = None
    if schema.query_type is not None:
        _Binder(schema, named).bind(schema.query_type)
    return schema


class _Bound(NamedTuple):
    """A field of one origin."""

    resolve: Read | LookUp
    cost: FieldCost | None
    shown: tuple[tuple[str, Origin], ...]
    """The types that it leads to, and what their objects are made of."""


class _Binder:
    """Binds every type that the root leads to, with every origin that it has."""

    def __init__(self, schema: GraphQLSchema, sources: Mapping[str, LookedUp]) -> None:
        self._schema = schema
        self._sources = sources
        self._bound: dict[tuple[str, str], dict[type[Any], _Bound]] = {}
        self._openings = self._handles()

    def bind(self, root: GraphQLObjectType) -> None:
        """Bind the types below the root.

        Raises:
            BindingError: when a record lacks what is shown of it, or has it in another type.
        """
        pending = [(root.name, ROOT)]
        seen = set(pending)
        while pending:
            type_name, origin = pending.pop()
            kind = self._object(type_name)
            for name, field in kind.fields.items():
                if (declared := spec_of(field)) is None:
                    continue
                bound = self._field(_Place(f"{type_name}.{name}", name, field, *declared), origin, also_of(kind))
                self._bound.setdefault((type_name, name), {})[origin.record] = bound
                fresh = dict.fromkeys(shown for shown in bound.shown if shown not in seen)
                seen.update(fresh)
                pending += fresh
        for (type_name, name), by_record in self._bound.items():
            _attach(self._object(type_name).fields[name], by_record)

    def _field(self, place: _Place, origin: Origin, also: Sequence[Edge]) -> _Bound:
        """Bind a field, or its value in another answer if the record has no such attribute."""
        checks.check_field(place.where, place.field, place.spec)
        needed = _needed(place.spec)
        if all(attribute_of(origin, name) is not None for name in needed):
            return self._direct(place, origin)
        for via in also:
            source = self._source(place, via.endpoint)
            found = origin_of(source)
            has_key = all(isinstance(part, str) and attribute_of(origin, part) is not None for part in via.keys)
            if has_key and all(attribute_of(found, name) is not None for name in needed):
                checks.check_key(place.where, via, source, origin)
                inner = self._direct(place, found)
                way = self._way(place, via, source, origin)
                cost = dataclasses.replace(inner.cost or FieldCost(), by_way_of=(source.name, source.cost))
                return inner._replace(resolve=by_way_of(way, inner.resolve), cost=cost)
        return self._direct(place, origin)

    def _way(self, place: _Place, via: Edge, source: LookedUp, origin: Origin) -> LookUp:
        """Bind the look-up of another answer, which nobody makes for what they may not see of it."""
        spec, own = place.spec, None
        if isinstance(spec, Value | Edge) and (
            spec.or_own is None or attribute_of(origin, spec.or_own) is not None
        ):
            via, own = dataclasses.replace(via, scope=spec.scope), self._own(place, spec, origin)
        return edge_to(place.name, via, source, {}, origin, own=own)

    def _direct(self, place: _Place, origin: Origin) -> _Bound:
        where, _, field, spec, _ = place
        match spec:
            case Value():
                return _Bound(self._value(place, spec, origin), None, ())
            case Handle():
                return _Bound(self._handle(place, spec, origin), None, ())
            case Part():
                if spec.present is not None:
                    checks.attribute(where, origin, spec.present)
                shown = origin
                if spec.of is not None:
                    held = checks.attribute(where, origin, spec.of)
                    checks.check_record(where, field, held, is_part=True)
                    shown = Origin(held.kind, origin.key, origin.key_name)
                targets = self._targets(field, shown)
                resolve = part_of(spec, origin, _origins(targets))
                return _Bound(resolve, part_cost(spec, field), targets)
            case Edge():
                return self._edge(place, spec, origin)
            case ById():
                possible = {kind.name for kind in self._possible(field)}
                openings = {
                    kind: opening for kind, opening in self._openings.items() if opening.type_name in possible
                }
                targets = tuple((each.type_name, origin_of(each.source)) for each in openings.values())
                argument = place.arguments[spec.key.name]
                look_up = by_id(argument, openings, _origins(targets))
                return _Bound(look_up, handle_cost(openings.values(), field, argument), targets)
            case Outcome():
                return self._outcome(place, spec, origin)

    def _value(self, place: _Place, spec: Value, origin: Origin) -> Read:
        held = checks.attribute(place.where, origin, spec.of)
        checks.check_value(place.where, place.field, spec.show, held)
        return value_of(place.name, spec, get_named_type(place.field.type), held, self._own(place, spec, origin))

    def _own(self, place: _Place, spec: Value | Edge, origin: Origin) -> Callable[[Any], Any] | None:
        return None if spec.or_own is None else attrgetter(checks.attribute(place.where, origin, spec.or_own).path)

    def _handle(self, place: _Place, spec: Handle, origin: Origin) -> Read:
        choices = []
        for name, of in spec.of.items():
            held = [attribute_of(origin, part) for part in ((of,) if isinstance(of, str) else of)]
            if None not in held:
                paths = [attrgetter(each.path) for each in held if each is not None]
                choices.append((self._source(place, name).handle, paths))
        if not choices:
            raise BindingError(
                f"{place.where}: {origin.record.__name__} has nothing that a handle could be made of"
            )
        return handle_of(choices)

    def _edge(self, place: _Place, spec: Edge, origin: Origin) -> _Bound:
        where, name, field, _, arguments = place
        source = self._source(place, spec.endpoint)
        checks.check_key(where, spec, source, origin)
        shown, of = origin_of(source), None
        if spec.of is not None:
            of = checks.attribute(where, shown, spec.of)
            if is_leaf_type(get_named_type(field.type)):
                checks.check_value(where, field, None, of)
            else:
                checks.check_record(where, field, of, is_part=False)
                shown = Origin(of.kind, shown.key, shown.key_name)
        unless = None if spec.unless is None else attribute_of(origin, spec.unless)
        own = self._own(place, spec, origin)
        targets = self._targets(field, shown)
        resolve = edge_to(
            name,
            spec,
            source,
            arguments,
            origin,
            own=own,
            unless=None if unless is None else attrgetter(unless.path),
            held=of,
            origins=_origins(targets),
        )
        return _Bound(resolve, edge_cost(spec, source, field, arguments, of), targets)

    def _outcome(self, place: _Place, spec: Outcome, origin: Origin) -> _Bound:
        argument = place.arguments[spec.by.name]
        by: Any = get_named_type(place.field.args[argument].type)
        arguments = members_of(by)
        # Each member is bound like the argument of a field.
        given = {name: GraphQLArgument(member.type) for name, member in by.fields.items()}
        field = GraphQLField(self._object(spec.found), given)
        bound = {
            arguments[name]: self._direct(place._replace(field=field, spec=way, arguments=arguments), origin)
            for name, way in spec.ways.items()
        }
        failed = [(kind.name, FAILED) for kind in self._possible(place.field) if kind.name != spec.found]
        targets = tuple(dict.fromkeys([*(each for way in bound.values() for each in way.shown), *failed]))
        ways = {name: way.resolve for name, way in bound.items() if isinstance(way.resolve, LookUp)}
        cost = max((way.cost for way in bound.values() if way.cost is not None), key=lambda each: each.once)
        return _Bound(outcome_of(spec, argument, ways, _origins(targets)), cost, targets)

    def _source(self, place: _Place, name: str) -> LookedUp:
        try:
            return self._sources[name]
        except KeyError:
            raise BindingError(f"{place.where}: there is no endpoint {name!r}") from None

    def _object(self, name: str) -> GraphQLObjectType:
        kind: Any = self._schema.type_map[name]
        return cast("GraphQLObjectType", kind)

    def _possible(self, field: GraphQLField) -> list[GraphQLObjectType]:
        target = get_named_type(field.type)
        kinds = self._schema.get_possible_types(target) if is_abstract_type(target) else [target]
        return [kind for kind in kinds if is_object_type(kind)]

    def _targets(self, field: GraphQLField, shown: Origin) -> tuple[tuple[str, Origin], ...]:
        return tuple((kind.name, shown) for kind in self._possible(field))

    def _handles(self) -> dict[int, Opening]:
        """Return what each kind of handle leads to."""
        openings = {}
        for kind in self._schema.type_map.values():
            for field in kind.fields.values() if is_object_type(kind) else ():
                declared = spec_of(field)
                if declared is None or not isinstance(declared[0], Handle):
                    continue
                for name in declared[0].of:
                    source = self._sources[name]
                    if source.handle is None or source.handle in openings:
                        raise BindingError(f"{kind.name}: {name} has no number of its own for handles")
                    openings[source.handle] = Opening(kind.name, source)
        return openings


class _Place(NamedTuple):
    """A field, and how it is declared."""

    where: str
    name: str
    field: GraphQLField
    spec: Spec
    arguments: Mapping[str, str]


def _needed(spec: Spec) -> list[str]:
    """Return the attributes that a field is made of."""
    match spec:
        case Value():
            return [spec.of]
        case Part():
            return [name for name in (spec.of, spec.present) if name is not None]
        case Edge():
            return [part for part in spec.keys if isinstance(part, str)]
        case _:
            return []


def _origins(targets: Iterable[tuple[str, Origin]]) -> Origins:
    origins: dict[str, tuple[Any, ...]] = {}
    for name, origin in targets:
        origins[name] = (*origins.get(name, ()), origin.record)
    return origins


def _attach(field: GraphQLField, by_record: Mapping[type[Any], _Bound]) -> None:
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
