"""Checks that records have what the schema shows of them, in types that fit."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, get_origin, get_type_hints

from graphql import (
    GRAPHQL_MAX_INT,
    GraphQLInt,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from graph import DeclarationError
from graph.graphql.origins import attribute_of, name_of, plain, required
from graph.konaplate.endpoint import Endpoint
from graph.konaplate.record import Record, record_fields
from graph.security.authorization import EVERY_SCOPE
from schema.directives import SEMANTIC_NON_NULL
from schema.fields import (
    Argument,
    Edge,
    MisdeclaredError,
    Part,
    Value,
    declaration,
    did_you_mean,
    has_directive,
    masked,
    present,
    python_type,
)
from schema.secrets import CardNo, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from graphql import GraphQLArgument, GraphQLField

    from graph.graphql.origins import Attribute, Origin
    from graph.konaplate.view import LookedUp
    from schema.fields import Spec


class BindingError(DeclarationError):
    """A declaration of the schema does not fit the endpoints. The message says where, and why."""


def spec_of(field: GraphQLField) -> tuple[Spec, Mapping[str, str]] | None:
    """Return how a field is declared, and its arguments' names; None for a field with a resolver of its own.

    Raises:
        BindingError: it cannot be declared so.
    """
    try:
        declared = declaration(field)
    except MisdeclaredError as error:
        raise BindingError(str(error)) from error
    if declared is None:
        return None
    attribute, spec, arguments = declared
    if spec is None:
        spec = Value(attribute) if is_leaf_type(get_named_type(field.type)) else Part(attribute)
    return spec, arguments


def is_list(field: GraphQLField | GraphQLArgument) -> bool:
    """Whether a field or an argument is of a list type."""
    return is_list_type(get_nullable_type(field.type))


def check_field(where: str, field: GraphQLField, spec: Spec) -> None:
    """Check what does not depend on the origin."""
    scope, kind = getattr(spec, "scope", None), get_named_type(field.type)
    if isinstance(spec, Value | Part | Edge) and is_abstract_type(kind) != (
        getattr(spec, "type_of", None) is not None
    ):
        raise BindingError(f"{where}: `type_of` is needed for interfaces and unions, and for nothing else")
    check_scopes(where, () if scope is None else (scope,))


def check_size(where: str, field: GraphQLField, spec: Part | Edge, arguments: Mapping[str, str]) -> None:
    """Check that `size` is a whole number, or the name of an int argument."""
    numbers = [name for name, given in arguments.items() if get_named_type(field.args[given].type) is GraphQLInt]
    if not (spec.size is None or spec.size in numbers or is_whole(spec.size, 0)):
        hint = did_you_mean(str(spec.size), numbers)
        raise BindingError(
            f"{where}: `size` is a whole number, or the name of an int argument, not {spec.size!r}{hint}"
        )


def is_whole(value: object, least: int) -> bool:
    """Whether a value is a whole number from `least`."""
    return type(value) is int and value >= least


def check_scopes(where: str, scopes: Iterable[str]) -> None:
    """Check that there are these scopes."""
    for scope in scopes:
        if scope not in EVERY_SCOPE:
            raise BindingError(f"{where}: there is no scope {scope!r}; known are {', '.join(sorted(EVERY_SCOPE))}")


def attribute(where: str, origin: Origin, name: str) -> Attribute:
    """Return an attribute of an origin.

    Raises:
        BindingError: it has none of that name.
    """
    found = attribute_of(origin, name)
    if found is None:
        raise BindingError(f"{where}: {name_of(origin.record)} has no {name!r}{_suggestion(name, [origin])}")
    return found


def missing(where: str, origins: Sequence[Origin], names: Iterable[str]) -> BindingError:
    """Return the error of a field that none of several origins has all attributes for."""
    records = list(dict.fromkeys(name_of(origin.record) for origin in origins))
    absent = [name for name in names if all(attribute_of(origin, name) is None for origin in origins)]
    hints = "".join(_suggestion(name, origins) for name in absent)
    have = f"neither {' nor '.join(records)} has" if len(records) > 1 else f"{records[0]} has no"
    return BindingError(f"{where}: {have} {', '.join(map(repr, absent))}{hints}")


def _suggestion(name: str, origins: Iterable[Origin]) -> str:
    known = [
        each.name
        for origin in origins
        if issubclass(origin.record, Record)
        for each in record_fields(origin.record)
    ]
    return did_you_mean(name, known)


def check_value(where: str, field: GraphQLField, show: Any, held: Attribute) -> None:
    """Check that a value of a record can be shown as a field's type."""
    shown = plain(python_type(field))
    is_of_words = isinstance(shown, type) and issubclass(shown, Enum) and held.kind is not shown
    if is_of_words and "UNKNOWN" not in shown.__members__:
        raise BindingError(f"{where}: the enum {get_named_type(field.type)} has no member UNKNOWN")
    if show is masked and (held.is_list or not issubclass(held.kind, Secret)):
        raise BindingError(f"{where}: {held.name} is {held.text}, no secret that `masked` could show")
    made = str if show is masked else bool if show is present else None
    if made is not None and (shown is not made or is_list(field)):
        raise BindingError(f"{where}: `{name_of(show)}` makes {made.__name__}, shown as {field.type}")
    if show is None and not (_is_shown_as(held.kind, shown) and held.is_list == is_list(field)):
        of_list = f"list[{name_of(shown)}]" if is_list(field) else name_of(shown)
        hint = "; a secret is shown as its own type, or through `show`" if issubclass(held.kind, Secret) else ""
        raise BindingError(f"{where}: {held.name} is {held.text}, and is shown as {of_list}{hint}")
    if show is None and get_named_type(field.type) is GraphQLInt and held.bound > GRAPHQL_MAX_INT:
        raise BindingError(
            f"{where}: {held.name} may be {held.bound:,}; Int ends at {GRAPHQL_MAX_INT:,}: show it as `Won`, "
            "or as `str` with `show=str`"
        )
    # Another `show` may make a value of nothing.
    if show in (None, masked):
        if held.may_be_missing and is_non_null_type(field.type):
            raise BindingError(f"{where}: {held.name} may be missing, and the type {field.type} has no null")
        _check_promise(where, field, held)


def check_record(where: str, field: GraphQLField, held: Attribute, *, is_part: bool) -> None:
    """Check that an attribute is a record, or a list of records, as the field is."""
    of_list = held.is_list if is_part else is_list(field)
    if not issubclass(held.kind, Record) or of_list != is_list(field):
        raise BindingError(f"{where}: {held.name} is {held.text}, and is shown as {field.type}")
    _check_promise(where, field, held)


def _check_promise(where: str, field: GraphQLField, held: Attribute) -> None:
    """Check that a field that is null only with an error is always in the record."""
    if held.may_be_missing and has_directive(field, *SEMANTIC_NON_NULL):
        raise BindingError(f"{where}: {held.name} may be missing without an error; leave SEMANTIC_NON_NULL out")


def check_lists(where: str, field: GraphQLField, spec: Edge, key: Origin, of: Attribute | None) -> None:
    """Check that an edge gives a list for a list of keys, and for a list that an answer holds, and else none.

    Args:
        where: the field, for messages.
        field: of the schema.
        spec: its declaration.
        key: what the object is made of, whose attributes the key has.
        of: the attribute of the answer that it shows; None for all of it.
    """
    lists = [
        get_origin(required(part.kind)) is list
        if isinstance(part, Argument)
        else attribute(where, key, part).is_list
        for part in spec.keys
    ]
    if isinstance(spec.key, tuple) and any(lists):
        raise BindingError(f"{where}: no part of a key may be a list")
    deep, shown = sum(lists) + (of is not None and of.is_list), get_nullable_type(field.type)
    depth = 0
    while is_list_type(shown):
        depth, shown = depth + 1, get_nullable_type(shown.of_type)
    if depth != deep:
        raise BindingError(
            f"{where}: a list of keys gives a list, and so does an `of` that is one: declare {deep} of them, not "
            f"{depth} as in {field.type}"
        )


def check_key(where: str, spec: Edge, source: LookedUp, origin: Origin) -> None:
    """Check that an edge's key has the type that is asked for, and that to try keys shows nobody else's data."""
    for part in spec.keys:
        if not isinstance(part, str | Argument):
            raise BindingError(f"{where}: a key is the name of an attribute or an Argument, not {name_of(part)}")
    wanted = [plain(source.key)]
    held = {part: attribute(where, origin, part) for part in spec.keys if isinstance(part, str)}
    if isinstance(spec.key, tuple):
        try:
            # A `NamedTuple` declares the parts of a composed key.
            wanted = [plain(hint) for hint in get_type_hints(source.key).values()]
        except NameError as error:
            raise BindingError(f"{where}: the types of {name_of(source.key)} cannot be read: {error}") from error
        optional = len(getattr(source.key, "_field_defaults", ()))
        if not len(wanted) - optional <= len(spec.keys) <= len(wanted):
            parts = f"{len(spec.keys)} parts; {name_of(source.key)}, the key of {source.name},"
            raise BindingError(f"{where}: the edge's key has {parts} has {len(wanted)}")
    for part, key in zip(spec.keys, wanted, strict=False):
        if isinstance(part, Argument):
            name, kind = f"the argument {part.name!r}", plain(part.kind)
            fits = _arrives_as(kind) is key or (
                _arrives_as(kind) is str and len(wanted) == 1 and _is_secret_text(key)
            )
        else:
            name, kind = held[part].name, held[part].kind
            fits = kind is key
        if not fits:
            raise BindingError(
                f"{where}: {source.name} is asked for by {name_of(key)}, and {name} is {name_of(kind)}"
            )
        # A view's look-ups are authorized one by one.
        is_everybodys = isinstance(source, Endpoint) and source.owner is None
        if is_everybodys and isinstance(part, Argument) and _is_secret(key):
            raise BindingError(
                f"{where}: {source.name} has no `owner`, so {name} would show everybody's data to anybody; "
                f"declare an `owner`, or take the {name_of(key)} from a record"
            )


def _arrives_as(kind: Any) -> Any:
    """The type that an argument's value has: secrets other than card numbers, and words, arrive as strings."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        kinds = {type(member.value) for member in kind}
        return kinds.pop() if len(kinds) == 1 else kind
    return str if _is_secret_text(kind) else kind


def _is_secret(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Secret)


def _is_secret_text(kind: Any) -> bool:
    return _is_secret(kind) and kind is not CardNo


def _is_shown_as(held: type, shown: Any) -> bool:
    """Whether a value can be shown unchanged: a secret only as its own type, which the audit log knows."""
    if held is not shown and isinstance(shown, type) and issubclass(shown, Enum):
        return all(type(member.value) is held for member in shown if member.name != "UNKNOWN")
    return shown is held or (held is int and shown is float)
