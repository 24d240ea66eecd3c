"""Binds one field of the schema to what one origin holds or what an endpoint looks up."""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from graphql import (
    GraphQLArgument,
    GraphQLField,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
)

from graph.graphql import binding_checks as checks
from graph.graphql.binding_checks import BindingError
from graph.graphql.cost import FieldCost
from graph.graphql.edges import by_way_of, edge_to
from graph.graphql.field_costs import edge_cost, handle_cost, part_cost
from graph.graphql.fields import LookUp
from graph.graphql.handles import by_id, handle_of, openings_of
from graph.graphql.origins import Origin, attribute_of, origin_of
from graph.graphql.outcomes import FAILED, outcome_of
from graph.graphql.resolvers import part_of, value_of
from graph.graphql.source_checks import source_of
from schema.fields import ById, Edge, Handle, Outcome, Part, Value, members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from graphql import GraphQLObjectType, GraphQLSchema

    from graph.graphql.fields import Origins, Read
    from graph.konaplate.view import LookedUp
    from schema.fields import Spec


class DeclaredField(NamedTuple):
    """A field, and how it is declared."""

    where: str
    name: str
    field: GraphQLField
    spec: Spec
    arguments: Mapping[str, str]


class BoundField(NamedTuple):
    """A field of one origin."""

    resolve: Read | LookUp
    cost: FieldCost | None
    shown: tuple[tuple[str, Origin], ...]
    """The types that it leads to, and what their objects are made of."""


class FieldBinder:
    """Binds the fields of a schema one by one.

    Args:
        schema: of whose types the fields are.
        sources: the endpoints and views that edges and handles name.

    Raises:
        BindingError: when a handle cannot be opened.
    """

    def __init__(self, schema: GraphQLSchema, sources: Mapping[str, LookedUp]) -> None:
        self._schema = schema
        self._sources = sources
        self._openings = openings_of(schema, sources)

    def bind(self, place: DeclaredField, origin: Origin, also: Sequence[Edge]) -> BoundField:
        """Bind a field, or its value in another answer if the record has no such attribute.

        Args:
            place: the field.
            origin: what the object is made of.
            also: the edges to other answers about the object.

        Raises:
            BindingError: when the record lacks what is shown of it, or has it in another type.
        """
        checks.check_field(place.where, place.field, place.spec)
        needed = _needed(place.spec)
        if all(attribute_of(origin, name) is not None for name in needed):
            return self._direct(place, origin)
        origins = [origin]
        for via in also:
            source = self._source(place, via.endpoint)
            found = origin_of(source)
            origins.append(found)
            has_key = all(isinstance(part, str) and attribute_of(origin, part) is not None for part in via.keys)
            if has_key and all(attribute_of(found, name) is not None for name in needed):
                checks.check_key(place.where, via, source, origin)
                inner = self._direct(place, found)
                way = self._way(place, via, source, origin)
                cost = dataclasses.replace(inner.cost or FieldCost(), by_way_of=(source.name, source.cost))
                return inner._replace(resolve=by_way_of(way, inner.resolve), cost=cost)
        if also and not all(any(attribute_of(each, name) for each in origins) for name in needed):
            raise checks.missing(place.where, origins, needed)
        return self._direct(place, origin)

    def _way(self, place: DeclaredField, via: Edge, source: LookedUp, origin: Origin) -> LookUp:
        """Bind the look-up of another answer, which nobody makes for what they may not see of it."""
        spec, own = place.spec, None
        if isinstance(spec, Value | Edge) and (
            spec.or_own is None or attribute_of(origin, spec.or_own) is not None
        ):
            via, own = dataclasses.replace(via, scope=spec.scope), self._own(place, spec, origin)
        return edge_to(place.name, via, source, {}, origin, own=own)

    def _direct(self, place: DeclaredField, origin: Origin) -> BoundField:
        where, _, field, spec, arguments = place
        match spec:
            case Value():
                return BoundField(self._value(place, spec, origin), None, ())
            case Handle():
                return BoundField(self._handle(place, spec, origin), None, ())
            case Part():
                checks.check_size(where, field, spec, arguments)
                if spec.present is not None:
                    checks.attribute(where, origin, spec.present)
                shown = origin._replace(present=spec.present)
                if spec.of is not None:
                    held = checks.attribute(where, origin, spec.of)
                    checks.check_record(where, field, held, is_part=True)
                    shown = Origin(held.kind, origin.key, origin.key_name)
                targets = self._targets(field, shown)
                resolve = part_of(spec, origin, _origins(targets))
                return BoundField(resolve, part_cost(spec, field), targets)
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
                return BoundField(look_up, handle_cost(openings.values(), field, argument), targets)
            case Outcome():
                return self._outcome(place, spec, origin)

    def _value(self, place: DeclaredField, spec: Value, origin: Origin) -> Read:
        held = checks.attribute(place.where, origin, spec.of)
        checks.check_value(place.where, place.field, spec.show, held)
        return value_of(place.name, spec, get_named_type(place.field.type), held, self._own(place, spec, origin))

    def _own(self, place: DeclaredField, spec: Value | Edge, origin: Origin) -> Callable[[Any], Any] | None:
        return None if spec.or_own is None else attrgetter(checks.attribute(place.where, origin, spec.or_own).path)

    def _handle(self, place: DeclaredField, spec: Handle, origin: Origin) -> Read:
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

    def _edge(self, place: DeclaredField, spec: Edge, origin: Origin) -> BoundField:
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
        checks.check_size(where, field, spec, arguments)
        checks.check_lists(where, field, spec, origin, of)
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
        return BoundField(resolve, edge_cost(spec, source, field, arguments, of), targets)

    def _outcome(self, place: DeclaredField, spec: Outcome, origin: Origin) -> BoundField:
        argument = place.arguments[spec.by.name]
        by: Any = get_named_type(place.field.args[argument].type)
        arguments = members_of(by)
        # Each member is bound like the argument of a field.
        given = {name: GraphQLArgument(member.type) for name, member in by.fields.items()}
        field = GraphQLField(self.object_type(spec.found), given)
        bound = {
            arguments[name]: self._direct(place._replace(field=field, spec=way, arguments=arguments), origin)
            for name, way in spec.ways.items()
        }
        failed = [(kind.name, FAILED) for kind in self._possible(place.field) if kind.name != spec.found]
        targets = tuple(dict.fromkeys([*(each for way in bound.values() for each in way.shown), *failed]))
        ways = {name: way.resolve for name, way in bound.items() if isinstance(way.resolve, LookUp)}
        cost = max((way.cost for way in bound.values() if way.cost is not None), key=lambda each: each.once)
        return BoundField(outcome_of(spec, argument, ways, _origins(targets)), cost, targets)

    def _source(self, place: DeclaredField, name: str) -> LookedUp:
        return source_of(place.where, name, self._sources)

    def object_type(self, name: str) -> GraphQLObjectType:
        """Return a type of the schema."""
        kind: Any = self._schema.type_map[name]
        return cast("GraphQLObjectType", kind)

    def _possible(self, field: GraphQLField) -> list[GraphQLObjectType]:
        target = get_named_type(field.type)
        kinds = self._schema.get_possible_types(target) if is_abstract_type(target) else [target]
        return [kind for kind in kinds if is_object_type(kind)]

    def _targets(self, field: GraphQLField, shown: Origin) -> tuple[tuple[str, Origin], ...]:
        return tuple((kind.name, shown) for kind in self._possible(field))


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
