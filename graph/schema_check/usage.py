"""Which recorded uses of the schema a change is about."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from graphql import (
    build_schema,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
)

from graph.schema_check.changes import ARG_BECAME_REQUIRED, Level
from graph.schema_check.effects import owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from graphql import GraphQLNamedType, GraphQLSchema

    from graph.schema_check.changes import Change
    from graph.telemetry.usage_lines import Used

_HARMLESS: Final = frozenset({"OPTIONAL_ARG_ADDED", "OPTIONAL_INPUT_FIELD_ADDED"})
# These concern also requests without the argument.
_BY_FIELD: Final = frozenset(
    {
        "REQUIRED_ARG_ADDED",
        "ARG_CHANGED_KIND",
        "ARG_DEFAULT_VALUE_CHANGE",
        ARG_BECAME_REQUIRED,
        "REQUIRED_DIRECTIVE_ARG_ADDED",
    }
)


class Usage:
    """Recorded uses of a schema.

    Args:
        used: what was used.
        old: the schema that was used.
    """

    def __init__(self, used: Iterable[Used], old: GraphQLSchema) -> None:
        self._used = list(used)
        self._inputs = {
            kind.name for kind in old.type_map.values() if is_enum_type(kind) or is_input_object_type(kind)
        }
        self._of_type: defaultdict[str, set[str]] = defaultdict(set)
        for kind in old.type_map.values():
            for coordinate, of_type in _members(kind):
                self._of_type[of_type].add(coordinate)
                self._of_type[kind.name].add(coordinate)

    def of(self, change: Change) -> list[Used]:
        """Return the recorded uses that a change may concern; of what variables held, nothing is recorded."""
        if change.level is Level.SAFE or change.kind in _HARMLESS:
            return []
        wanted = self._concerned(change)
        return [one for one in self._used if one.coordinate in wanted]

    def _concerned(self, change: Change) -> set[str]:
        name = change.coordinate
        owner = owner_of(name)
        wanted = {name, owner} if change.kind in _BY_FIELD else {name}
        is_type = not owner and not name.startswith("@")
        # Values and input fields are used wherever their type is: they may come in variables.
        types = {name, change.part or name} if is_type else self._inputs & {owner}
        return wanted.union(*(self._of_type.get(one, ()) for one in types))


def unused_of(sdl: str, used: Iterable[Used]) -> list[str]:
    """Return the fields of a schema's objects and interfaces that nobody has used, in order.

    A field of an interface counts as used for each of its objects.
    """
    schema, seen = build_schema(sdl), {one.coordinate for one in used}
    kinds = [kind for kind in schema.type_map.values() if is_object_type(kind) or is_interface_type(kind)]
    return sorted(
        f"{kind.name}.{name}"
        for kind in kinds
        if not kind.name.startswith("__")
        for name in kind.fields
        if seen.isdisjoint(f"{each.name}.{name}" for each in (kind, *kind.interfaces))
    )


def _members(kind: GraphQLNamedType) -> Iterator[tuple[str, str]]:
    """Yield the fields, arguments and values of a type, each with the name of its own type."""
    if kind.name.startswith("__"):
        return
    if is_enum_type(kind):
        yield from ((f"{kind.name}.{value}", kind.name) for value in kind.values)
    elif is_input_object_type(kind):
        yield from ((f"{kind.name}.{name}", get_named_type(part.type).name) for name, part in kind.fields.items())
    elif is_object_type(kind) or is_interface_type(kind):
        for name, field in kind.fields.items():
            yield f"{kind.name}.{name}", get_named_type(field.type).name
            for argument, given in field.args.items():
                yield f"{kind.name}.{name}({argument}:)", get_named_type(given.type).name
