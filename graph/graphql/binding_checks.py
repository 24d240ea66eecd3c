"""Checks that records have what the schema shows of them, in types that fit."""

from __future__ import annotations

from enum import Enum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from graphql import get_named_type, get_nullable_type, is_abstract_type, is_leaf_type, is_list_type, is_object_type

from graph import DeclarationError
from graph.konaplate.record import Record, record_fields
from schema.fields import KEY, Argument, Edge, Part, Value, declaration, masked, present, python_type
from schema.secrets import CardNo, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLArgument, GraphQLField, GraphQLObjectType, GraphQLSchema

    from graph.konaplate.endpoint import Endpoint
    from schema.fields import Spec


class BindingError(DeclarationError):
    """A declaration of the schema does not fit the endpoints. The message says where, and why."""


class Origin(NamedTuple):
    """What an object of the schema is made of."""

    record: type[Record]
    key: type
    """The type of the key that the record was looked up by."""


class _Attribute(NamedTuple):
    """An attribute of a record, or its key."""

    name: str
    kind: type
    """Of each item, if it is a list."""
    is_list: bool

    @property
    def text(self) -> str:
        return f"list[{_name(self.kind)}]" if self.is_list else _name(self.kind)


def spec_of(field: GraphQLField) -> tuple[Spec, Mapping[str, str]] | None:
    """Return how a field is declared, and its arguments' names; None for a field with a resolver of its own."""
    declared = declaration(field)
    if declared is None:
        return None
    attribute, spec, arguments = declared
    if spec is None:
        spec = Value(attribute) if is_leaf_type(get_named_type(field.type)) else Part(attribute)
    return spec, arguments


def is_list(field: GraphQLField | GraphQLArgument) -> bool:
    """Whether a field or an argument is of a list type."""
    return is_list_type(get_nullable_type(field.type))


class Checker:
    """Checks types with every record that they are made of."""

    def __init__(self, schema: GraphQLSchema, endpoints: Mapping[str, Endpoint[Any, Any]]) -> None:
        self._schema = schema
        self._endpoints = endpoints
        self._seen: set[tuple[str, Origin | None]] = set()

    def check(self, kind: GraphQLObjectType, origin: Origin | None) -> None:
        """Check a type, and all types that it leads to.

        Raises:
            BindingError: when a record lacks what is shown of it, or has it in another type.
        """
        if (kind.name, origin) in self._seen:
            return
        self._seen.add((kind.name, origin))
        for name, field in kind.fields.items():
            declared = spec_of(field)
            if declared is not None:
                self._check_field(f"{kind.name}.{name}", field, declared[0], origin)

    def _check_field(self, where: str, field: GraphQLField, spec: Spec, origin: Origin | None) -> None:
        if isinstance(spec, Value):
            _check_value(where, field, spec, _attribute(where, origin, spec.of))
            return
        shown = origin
        if isinstance(spec, Edge):
            endpoint = self._endpoints[spec.endpoint]
            _check_key(where, spec, endpoint, origin)
            shown = Origin(endpoint.record, endpoint.key)
        elif spec.present is not None:
            _attribute(where, origin, spec.present)
        if spec.of is not None:
            held = _attribute(where, shown, spec.of)
            of_list = held.is_list if isinstance(spec, Part) else is_list(field)
            if shown is None or not issubclass(held.kind, Record) or of_list != is_list(field):
                raise BindingError(f"{where}: {held.name} is {held.text}, and is shown as {field.type}")
            shown = Origin(held.kind, shown.key)
        target = get_named_type(field.type)
        for kind in self._schema.get_possible_types(target) if is_abstract_type(target) else [target]:
            if is_object_type(kind):
                self.check(kind, shown)


def _attribute(where: str, origin: Origin | None, attribute: str) -> _Attribute:
    if origin is None:
        raise BindingError(f"{where}: the root has no record")
    if attribute == KEY:
        return _Attribute("the key", _plain(origin.key), is_list=False)
    name = origin.record.__name__
    for each in record_fields(origin.record):
        if each.name == attribute:
            return _Attribute(f"{name}.{attribute}", (each.item or each).kind, is_list=each.item is not None)
    raise BindingError(f"{where}: {name} has no {attribute!r}")


def _check_value(where: str, field: GraphQLField, spec: Value, held: _Attribute) -> None:
    shown = _plain(python_type(field))
    if spec.show is masked and (held.is_list or not issubclass(held.kind, Secret)):
        raise BindingError(f"{where}: {held.name} is {held.text}, no secret that `masked` could show")
    made = str if spec.show is masked else bool if spec.show is present else None
    if made is not None and (shown is not made or is_list(field)):
        raise BindingError(f"{where}: `{_name(spec.show)}` makes {made.__name__}, shown as {field.type}")
    if spec.show is None and not (_is_shown_as(held.kind, shown) and held.is_list == is_list(field)):
        of_list = f"list[{_name(shown)}]" if is_list(field) else _name(shown)
        hint = "; a secret is shown as its own type, or through `show`" if issubclass(held.kind, Secret) else ""
        raise BindingError(f"{where}: {held.name} is {held.text}, and is shown as {of_list}{hint}")


def _check_key(where: str, spec: Edge, endpoint: Endpoint[Any, Any], origin: Origin | None) -> None:
    wanted = [_plain(endpoint.key)]
    held = {part: _attribute(where, origin, part) for part in spec.keys if isinstance(part, str)}
    if isinstance(spec.key, tuple):
        try:
            # A `NamedTuple` declares the parts of a composed key.
            wanted = [_plain(hint) for hint in get_type_hints(endpoint.key).values()]
        except NameError as error:
            raise BindingError(f"{where}: the types of {_name(endpoint.key)} cannot be read: {error}") from error
        if len(wanted) != len(spec.keys):
            parts = f"{len(spec.keys)} parts; {_name(endpoint.key)}, the key of {endpoint.name},"
            raise BindingError(f"{where}: the edge's key has {parts} has {len(wanted)}")
    for part, key in zip(spec.keys, wanted, strict=True):
        if isinstance(part, Argument):
            name, kind = f"the argument {part.name!r}", _plain(part.kind)
            # Secrets other than card numbers arrive as texts, of which keys are made.
            arrives_as = str if _is_secret_text(kind) else kind
            fits = arrives_as is key or (arrives_as is str and len(wanted) == 1 and _is_secret_text(key))
        else:
            name, kind = held[part].name, held[part].kind
            fits = kind is key
        if not fits:
            raise BindingError(
                f"{where}: {endpoint.name} is asked for by {_name(key)}, and {name} is {_name(kind)}"
            )


def _is_secret_text(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Secret) and kind is not CardNo


def _is_shown_as(held: type, shown: Any) -> bool:
    """Whether a value can be shown unchanged: a secret only as its own type, which the audit log knows."""
    if isinstance(shown, type) and issubclass(shown, Enum):
        return all(type(member.value) is held for member in shown if member.name != "UNKNOWN")
    return shown is held or (held is int and shown is float)


def _plain(hint: Any) -> Any:
    """Strip a type of `| None`, lists, annotations and `NewType`."""
    while True:
        origin = get_origin(hint)
        if origin in (Union, UnionType):
            (hint,) = (each for each in get_args(hint) if each is not NoneType)
        elif origin in (Annotated, list):
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        else:
            return hint


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))
