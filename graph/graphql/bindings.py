"""Binds the fields of the schema to Konaplate's records and APIs: from what `schema` declares to resolvers.

Graphql-core calls the resolvers, and plans look into them (`graph.graphql.plan.fields`).
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from graphql import (
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_enum_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)

from graph import DeclarationError
from graph.graphql.cost import ASSUMED_SIZE, COST, FieldCost
from graph.graphql.fitting import given_type, is_key, is_shown_as, key_parts, plain_type, type_name
from graph.graphql.plan.fields import TypeOf
from graph.graphql.resolvers import edge_to, part_of, value_of
from graph.konaplate.endpoint import by_name
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.record import Record, record_fields
from graph.security.viewer import EVERY_SCOPE
from schema.fields import KEY, Argument, Edge, Part, Value, declaration, masked, present, python_type
from schema.query import Query, build_schema
from schema.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from graphql import GraphQLArgument, GraphQLField, GraphQLObjectType, GraphQLSchema

    from graph.konaplate.endpoint import Endpoint

    Endpoints: TypeAlias = Iterable[Endpoint[Any, Any]]


class BindingError(DeclarationError):
    """A declaration of the schema names what does not exist or does not fit. The message says what, and where."""


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
        raise BindingError(f"{where}: there is no scope {scope!r}; known are {', '.join(sorted(EVERY_SCOPE))}")
    match spec:
        case Value():
            members = getattr(kind, "wrapped_cls", None)
            if is_enum_type(kind) and members is not None and "UNKNOWN" not in members.__members__:
                raise BindingError(f"{where}: the enum {kind.name} has no member UNKNOWN")
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
    """Checks that every type has what it shows, in a type that fits, whichever record it is made of."""

    def __init__(self, schema: GraphQLSchema, endpoints: Mapping[str, Endpoint[Any, Any]]) -> None:
        self._schema = schema
        self._endpoints = endpoints
        self._seen: set[tuple[str, _Origin | None]] = set()

    def check(self, kind: GraphQLObjectType, origin: _Origin | None) -> None:
        """Check a type that is made of a record, and all that it leads to.

        Raises:
            BindingError: when a record lacks what is shown of it, or has it in another type.
        """
        if (kind.name, origin) in self._seen:
            return
        self._seen.add((kind.name, origin))
        for name, field in kind.fields.items():
            declared = _spec_of(field)
            if declared is not None:
                self._check_field(f"{kind.name}.{name}", field, declared[0], origin)

    def _check_field(
        self, where: str, field: GraphQLField, spec: Value | Part | Edge, origin: _Origin | None
    ) -> None:
        if isinstance(spec, Value):
            _check_value(where, field, spec, _held(where, origin, spec.of))
            return
        shown = origin
        if isinstance(spec, Edge):
            endpoint = self._endpoints[spec.endpoint]
            _check_key(where, spec, endpoint, origin)
            shown = _Origin(endpoint.record, endpoint.key)
        elif spec.present is not None:
            _held(where, origin, spec.present)
        target = get_named_type(field.type)
        if spec.of is not None:
            held = _held(where, shown, spec.of)
            of_list = held.is_list if isinstance(spec, Part) else _is_list(field)
            if shown is None or not issubclass(held.kind, Record) or of_list != _is_list(field):
                raise BindingError(f"{where}: {held.name} is {held.text}, and is shown as {field.type}")
            shown = _Origin(held.kind, shown.key)
        possible = self._schema.get_possible_types(target) if is_abstract_type(target) else [target]
        for kind in possible:
            if is_object_type(kind):
                self.check(kind, shown)


class _Origin(NamedTuple):
    """What an object of the schema is made of."""

    record: type[Record]
    key: type
    """The type of what the record was asked for by."""


class _Held(NamedTuple):
    """What an attribute of a record, or its key, holds."""

    name: str
    kind: type
    """Of each item, if it is a list."""
    is_list: bool

    @property
    def text(self) -> str:
        """Its type, for messages."""
        return f"list[{type_name(self.kind)}]" if self.is_list else type_name(self.kind)


def _held(where: str, origin: _Origin | None, attribute: str) -> _Held:
    if origin is None:
        raise BindingError(f"{where}: the root has no record")
    if attribute == KEY:
        return _Held("the key", plain_type(origin.key), is_list=False)
    name = origin.record.__name__
    for each in record_fields(origin.record):
        if each.name == attribute:
            return _Held(f"{name}.{attribute}", (each.item or each).kind, is_list=each.item is not None)
    raise BindingError(f"{where}: {name} has no {attribute!r}")


def _check_value(where: str, field: GraphQLField, spec: Value, held: _Held) -> None:
    """Check that an attribute can be shown as a field's type.

    Raises:
        BindingError: when it cannot.
    """
    shown = plain_type(python_type(field))
    if spec.show is masked and (held.is_list or not issubclass(held.kind, Secret)):
        raise BindingError(f"{where}: {held.name} is {held.text}, no secret that `masked` could show")
    made = str if spec.show is masked else bool if spec.show is present else None
    if made is not None and (shown is not made or _is_list(field)):
        raise BindingError(f"{where}: `{type_name(spec.show)}` makes {made.__name__}, shown as {field.type}")
    if spec.show is not None:
        return
    if not is_shown_as(held.kind, shown) or held.is_list != _is_list(field):
        of_list = f"list[{type_name(shown)}]" if _is_list(field) else type_name(shown)
        way = "; a secret is shown as its own type, or through `show`" if issubclass(held.kind, Secret) else ""
        raise BindingError(f"{where}: {held.name} is {held.text}, and is shown as {of_list}{way}")


def _check_key(where: str, spec: Edge, endpoint: Endpoint[Any, Any], origin: _Origin | None) -> None:
    """Check that what an edge asks for is of the type of the endpoint's key.

    Raises:
        BindingError: when it is not, or there is no such thing.
    """
    wanted = [plain_type(endpoint.key)]
    held = {part: _held(where, origin, part) for part in spec.keys if not isinstance(part, Argument)}
    if isinstance(spec.key, tuple):
        try:
            wanted = key_parts(endpoint.key)
        except NameError as error:
            raise BindingError(
                f"{where}: the types of {type_name(endpoint.key)} cannot be read: {error}"
            ) from error
        if len(wanted) != len(spec.keys):
            parts = f"{len(spec.keys)} parts; {type_name(endpoint.key)}, the key of {endpoint.name},"
            raise BindingError(f"{where}: the edge's key has {parts} has {len(wanted)}")
    for part, key in zip(spec.keys, wanted, strict=True):
        if isinstance(part, Argument):
            given, kind = f"the argument {part.name!r}", plain_type(part.kind)
            fits = is_key(given_type(part.kind), key) if len(wanted) == 1 else given_type(part.kind) is key
        else:
            given, kind = held[part].name, held[part].kind
            fits = kind is key
        if not fits:
            raise BindingError(
                f"{where}: {endpoint.name} is asked for by {type_name(key)}, and {given} is {type_name(kind)}"
            )
