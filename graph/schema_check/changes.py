"""The changes between two schemas: breaking, dangerous and safe, each with the coordinate that it is about.

They are graphql-core's, and four that it does not look for: an argument or input field that loses its default may
become required, a field that loses `@semanticNonNull` may be null without an error from now on, an input type can
become `@oneOf`, and a field or value can be deprecated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    BreakingChangeType,
    DangerousChangeType,
    find_schema_changes,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.utilities.find_schema_changes import SafeChangeType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLNamedType, GraphQLSchema
    from graphql.utilities.find_schema_changes import SchemaChange

SEMANTIC_NON_NULL_REMOVED: Final = "SEMANTIC_NON_NULL_REMOVED"
SEMANTIC_NON_NULL_ADDED: Final = "SEMANTIC_NON_NULL_ADDED"
ARG_BECAME_REQUIRED: Final = "ARG_BECAME_REQUIRED"
INPUT_FIELD_BECAME_REQUIRED: Final = "INPUT_FIELD_BECAME_REQUIRED"
ONE_OF_ADDED: Final = "ONE_OF_ADDED"
DEPRECATED: Final = "DEPRECATED"

_DIRECTIVE: Final = "semanticNonNull"
# graphql-core names what a change is about only in its description, after some of these words.
_WORDS: Final = (
    r"(?:Field|Argument|Enum value|Directive|Standard scalar|(?:A required|An optional) (?:field|argument)|"
    r"Description of(?: (?:field|argument|input-field|enum value))?|Repeatable flag was (?:removed from|added to)|"
    r"[A-Z_]+ was (?:removed from|added to)(?= @)) "
)
_ABOUT: Final = re.compile(rf"(?:{_WORDS})?(@?\w+(?:\.\w+)?(?:\(\w+:?\))?)", re.ASCII)
# Those that are about two types: the type, and the one that it has or had.
_OF_TWO: Final[Mapping[object, re.Pattern[str]]] = {
    BreakingChangeType.TYPE_REMOVED_FROM_UNION: re.compile(
        r"(?P<part>\w+) was removed from union type (?P<of>\w+)"
    ),
    DangerousChangeType.TYPE_ADDED_TO_UNION: re.compile(r"(?P<part>\w+) was added to union type (?P<of>\w+)"),
    BreakingChangeType.IMPLEMENTED_INTERFACE_REMOVED: re.compile(
        r"(?P<of>\w+) no longer implements interface (?P<part>\w+)"
    ),
    DangerousChangeType.IMPLEMENTED_INTERFACE_ADDED: re.compile(
        r"(?P<part>\w+) added to interfaces implemented by (?P<of>\w+)"
    ),
}
# What loses its default becomes required if it must not be null.
_DEFAULTS: Final[Mapping[object, str]] = {
    DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE: ARG_BECAME_REQUIRED,
    DangerousChangeType.INPUT_FIELD_DEFAULT_VALUE_CHANGE: INPUT_FIELD_BECAME_REQUIRED,
}


class Level(StrEnum):
    """How much harm a change may do to clients."""

    BREAKING = "breaking"
    DANGEROUS = "dangerous"
    SAFE = "safe"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the schema."""

    level: Level
    kind: str
    """graphql-core's name of its kind, or one of this module's."""
    coordinate: str
    """What it is about: a type, field, argument, enum value or directive."""
    description: str
    part: str | None = None
    """The member of a union, or the interface of a type, that was added or removed."""


def find_changes(old: GraphQLSchema, new: GraphQLSchema) -> list[Change]:
    """Return every change from one schema to another, the most harmful first."""
    found = [_change(change, new) for change in find_schema_changes(old, new)]
    found += [*_nullability(old, new), *_one_ofs(old, new), *_deprecations(old, new)]
    levels = list(Level)
    return sorted(found, key=lambda change: levels.index(change.level))


def is_required(coordinate: str, schema: GraphQLSchema) -> bool:
    """Whether an argument or input field must be given."""
    owner, _, argument = coordinate.removesuffix(":)").partition("(")
    if owner.startswith("@"):
        directive = schema.get_directive(owner[1:])
        return directive is not None and is_required_argument(directive.args[argument])
    kind, _, name = owner.partition(".")
    field: Any = schema.type_map[kind].fields[name]  # type: ignore[attr-defined] # it has fields
    return is_required_argument(field.args[argument]) if argument else is_required_input_field(field)


def _change(change: SchemaChange, new: GraphQLSchema) -> Change:
    kind, text = change.type, change.description
    if isinstance(kind, BreakingChangeType):
        level = Level.BREAKING
    else:
        level = Level.DANGEROUS if isinstance(kind, DangerousChangeType) else Level.SAFE
    two = _OF_TWO.get(kind)
    if two is not None and (both := two.match(text)):
        return Change(level, kind.name, both["of"], text, both["part"])
    about = _ABOUT.match(text)
    coordinate = about[1] if about else ""
    if kind in _DEFAULTS and is_required(coordinate, new):
        return Change(
            Level.BREAKING, _DEFAULTS[kind], coordinate, f"{coordinate} lost its default and is required."
        )
    if kind is SafeChangeType.DESCRIPTION_CHANGED:
        # The new text is long, and the schema has it.
        text = f"The description of {coordinate} has changed."
    return Change(level, kind.name, coordinate, text)


def _nullability(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    before, after = _semantic(old), _semantic(new)
    for name in before.keys() & after.keys():
        lost, gained = before[name] - after[name], after[name] - before[name]
        if lost:
            text = f"Field {name} lost @{_DIRECTIVE}: it may be null without an error."
            yield Change(Level.DANGEROUS, SEMANTIC_NON_NULL_REMOVED, name, text)
        elif gained:
            text = f"Field {name} got @{_DIRECTIVE}: it is null only with an error."
            yield Change(Level.SAFE, SEMANTIC_NON_NULL_ADDED, name, text)


def _semantic(schema: GraphQLSchema) -> dict[str, frozenset[str]]:
    """The levels of each output field that are semantically not null."""
    return {name: _levels(field) for name, field in _members(schema, with_values=False)}


def _levels(field: Any) -> frozenset[str]:
    for directive in (field.ast_node and field.ast_node.directives) or ():
        if directive.name.value == _DIRECTIVE:
            lists = [argument.value.values for argument in directive.arguments or ()]
            return frozenset(level.value for levels in lists for level in levels) or frozenset("0")
    return frozenset()


def _one_ofs(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    for name, kind in new.type_map.items():
        before = old.type_map.get(name)
        if is_input_object_type(kind) and is_input_object_type(before) and kind.is_one_of > before.is_one_of:
            text = f"{name} became @oneOf: it takes exactly one field."
            yield Change(Level.BREAKING, ONE_OF_ADDED, name, text)


def _deprecations(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    before = dict(_members(old, with_values=True))
    for name, member in _members(new, with_values=True):
        if member.deprecation_reason is not None and name in before and before[name].deprecation_reason is None:
            yield Change(Level.SAFE, DEPRECATED, name, f"{name} was deprecated: {member.deprecation_reason}")


def _members(schema: GraphQLSchema, *, with_values: bool) -> Iterator[tuple[str, Any]]:
    """Yield the output fields of a schema, and its enum values, with their coordinates."""
    kind: GraphQLNamedType
    for kind in schema.type_map.values():
        if kind.name.startswith("__"):
            continue
        members: Mapping[str, Any] = {}
        if is_object_type(kind) or is_interface_type(kind):
            members = kind.fields
        elif with_values and is_enum_type(kind):
            members = kind.values
        for name, member in members.items():
            yield f"{kind.name}.{name}", member
