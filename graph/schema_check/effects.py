"""How a change of the schema affects a stored document."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from graphql import (
    ListValueNode,
    ObjectValueNode,
    is_input_object_type,
    is_scalar_type,
    specified_scalar_types,
    validate,
)

from graph.schema_check.changes import (
    ARG_BECAME_REQUIRED,
    INPUT_FIELD_BECAME_REQUIRED,
    ONE_OF_ADDED,
    SEMANTIC_NON_NULL_REMOVED,
    is_required,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import DocumentNode, GraphQLSchema, Node

    from graph.schema_check.changes import Change
    from graph.schema_check.uses import Uses


class Effect(StrEnum):
    """What happens to a document, the worst first."""

    INVALID = "no longer valid"
    VARIABLES = "valid, but variables that it takes may be refused"
    ANSWERS = "valid, but its answers may change"


class Fit:
    """A document, and how it fits the new schema.

    Args:
        document: valid against the old schema.
        uses: what it uses of that.
        new: the new schema.
    """

    def __init__(self, document: DocumentNode, uses: Uses, new: GraphQLSchema) -> None:
        self.uses = uses
        self.new = new
        errors = validate(new, document, max_errors=None)
        self.is_valid: Final = not errors
        """Whether it is valid against the new schema."""
        places = [_place_of(node) for error in errors for node in error.nodes or ()]
        self._wrong = [place for place in places if place is not None]

    def names(self, coordinate: str) -> bool:
        """Whether it names a coordinate."""
        return coordinate in self.uses.nodes

    def is_wrong_at(self, coordinate: str, *, itself: bool = False) -> bool:
        """Whether an error against the new schema is where it names a coordinate, or within unless at `itself`."""
        nodes = self.uses.nodes.get(coordinate, ())
        return any(_holds(node, place, itself=itself) for node in nodes for place in self._wrong)


def _place_of(node: Node) -> tuple[int, int] | None:
    if node.loc is not None:
        return node.loc.start, node.loc.end
    # graphql-core names a copy of an object or list in the place of a scalar; only what is in it has its place.
    parts: list[Node] = []
    if isinstance(node, ObjectValueNode):
        parts += [field.name for field in node.fields]
    elif isinstance(node, ListValueNode):
        parts += node.values
    return next((place for part in parts if (place := _place_of(part)) is not None), None)


def effect_of(change: Change, fit: Fit) -> Effect | None:
    """Return how a change affects a document; None if it does not."""
    rule = _RULES.get(change.kind)
    return None if rule is None else rule(change, fit)


def _holds(node: Node, place: tuple[int, int], *, itself: bool) -> bool:
    if node.loc is None:
        return False
    own = node.loc.start, node.loc.end
    return own == place if itself else own[0] <= place[0] and place[1] <= own[1]


def owner_of(coordinate: str) -> str:
    """Return the type of a field or value, the field of an argument, the directive of an argument."""
    return coordinate.partition("(")[0] if "(" in coordinate else coordinate.rpartition(".")[0]


def _named(change: Change, fit: Fit) -> Effect | None:
    return Effect.INVALID if fit.names(change.coordinate) else None


def _owner_named(change: Change, fit: Fit) -> Effect | None:
    return Effect.INVALID if fit.names(owner_of(change.coordinate)) else None


def _wrong(change: Change, fit: Fit) -> Effect | None:
    return Effect.INVALID if fit.is_wrong_at(change.coordinate) else None


def _answers(change: Change, fit: Fit) -> Effect | None:
    return Effect.ANSWERS if fit.names(change.coordinate) else None


def _type_gone(change: Change, fit: Fit) -> Effect | None:
    if change.coordinate not in fit.uses.types:
        return None
    return Effect.ANSWERS if fit.is_valid else Effect.INVALID


def _field_removed(change: Change, fit: Fit) -> Effect | None:
    if fit.names(change.coordinate):
        return Effect.INVALID
    # A field of an input type may come in a variable.
    return Effect.VARIABLES if owner_of(change.coordinate) in fit.uses.sent else None


def _field_changed(change: Change, fit: Fit) -> Effect | None:
    if is_input_object_type(fit.new.type_map.get(owner_of(change.coordinate))):
        return _input_field_changed(change, fit)
    if fit.is_wrong_at(change.coordinate, itself=_keeps_named_type(change)):
        return Effect.INVALID
    return _answers(change, fit)


def _input_field_changed(change: Change, fit: Fit) -> Effect | None:
    name = change.coordinate
    is_missing = is_required(name, fit.new) and _is_written_without(fit, name)
    if is_missing or fit.is_wrong_at(name):
        return Effect.INVALID
    if owner_of(name) in fit.uses.sent:
        return Effect.VARIABLES
    return _literal_changed(change, fit) if fit.names(name) else None


def _keeps_named_type(change: Change) -> bool:
    """Whether a field only became a list or nullable, so that what is selected of it is as before."""
    before, after = _named_types(change)
    return before == after


def _named_types(change: Change) -> tuple[str, str]:
    """The named types before and after a change of a type; empty if it is none."""
    before, _, after = change.description.partition(" from ")[2].partition(" to ")
    return before.strip("[]!"), after.strip("[]!.")


def _argument_changed(change: Change, fit: Fit) -> Effect | None:
    if fit.is_wrong_at(change.coordinate):
        return Effect.INVALID
    if fit.names(change.coordinate):
        return _literal_changed(change, fit)
    is_left_out = fit.names(owner_of(change.coordinate))
    return Effect.INVALID if is_left_out and is_required(change.coordinate, fit.new) else None


def _literal_changed(change: Change, fit: Fit) -> Effect | None:
    """Nobody knows here what a custom scalar takes: what a document writes out may be refused."""
    before, after = _named_types(change)
    is_known = (
        before == after or after in specified_scalar_types or not is_scalar_type(fit.new.type_map.get(after))
    )
    return None if is_known else Effect.ANSWERS


def _required_field_added(change: Change, fit: Fit) -> Effect | None:
    if _is_written_without(fit, change.coordinate):
        return Effect.INVALID
    return Effect.VARIABLES if owner_of(change.coordinate) in fit.uses.sent else None


def _is_written_without(fit: Fit, field: str) -> bool:
    owner, _, name = field.rpartition(".")
    return any(kind == owner and name not in given for kind, given in fit.uses.written)


def _value_removed(change: Change, fit: Fit) -> Effect | None:
    owner = owner_of(change.coordinate)
    if fit.names(change.coordinate):
        return Effect.INVALID
    if owner in fit.uses.sent:
        return Effect.VARIABLES
    return Effect.ANSWERS if owner in fit.uses.returned else None


def _value_added(change: Change, fit: Fit) -> Effect | None:
    return Effect.ANSWERS if owner_of(change.coordinate) in fit.uses.returned else None


def _member_removed(change: Change, fit: Fit) -> Effect | None:
    return Effect.INVALID if (change.coordinate, change.part) in fit.uses.conditions else None


def _member_added(change: Change, fit: Fit) -> Effect | None:
    return Effect.ANSWERS if change.coordinate in fit.uses.returned else None


def _interface_removed(change: Change, fit: Fit) -> Effect | None:
    either = {(change.coordinate, change.part), (change.part, change.coordinate)}
    return None if either.isdisjoint(fit.uses.conditions) else Effect.INVALID


def _interface_added(change: Change, fit: Fit) -> Effect | None:
    return Effect.ANSWERS if change.part in fit.uses.returned else None


def _default_changed(change: Change, fit: Fit) -> Effect | None:
    return Effect.ANSWERS if change.coordinate in fit.uses.omitted else None


def _input_default_changed(change: Change, fit: Fit) -> Effect | None:
    is_sent = owner_of(change.coordinate) in fit.uses.sent
    return Effect.ANSWERS if is_sent or _is_written_without(fit, change.coordinate) else None


def _one_of_added(change: Change, fit: Fit) -> Effect | None:
    if any(kind == change.coordinate and len(given) != 1 for kind, given in fit.uses.written):
        return Effect.INVALID
    return Effect.VARIABLES if change.coordinate in fit.uses.sent else None


_RULES: Final[Mapping[str, Callable[[Change, Fit], Effect | None]]] = {
    "TYPE_REMOVED": _type_gone,
    "TYPE_CHANGED_KIND": _type_gone,
    "TYPE_REMOVED_FROM_UNION": _member_removed,
    "VALUE_REMOVED_FROM_ENUM": _value_removed,
    "REQUIRED_INPUT_FIELD_ADDED": _required_field_added,
    "IMPLEMENTED_INTERFACE_REMOVED": _interface_removed,
    "FIELD_REMOVED": _field_removed,
    "FIELD_CHANGED_KIND": _field_changed,
    "REQUIRED_ARG_ADDED": _owner_named,
    "ARG_REMOVED": _named,
    "ARG_CHANGED_KIND": _argument_changed,
    "DIRECTIVE_REMOVED": _named,
    "DIRECTIVE_ARG_REMOVED": _named,
    "REQUIRED_DIRECTIVE_ARG_ADDED": _owner_named,
    "DIRECTIVE_REPEATABLE_REMOVED": _wrong,
    "DIRECTIVE_LOCATION_REMOVED": _wrong,
    "VALUE_ADDED_TO_ENUM": _value_added,
    "TYPE_ADDED_TO_UNION": _member_added,
    "IMPLEMENTED_INTERFACE_ADDED": _interface_added,
    "ARG_DEFAULT_VALUE_CHANGE": _default_changed,
    "INPUT_FIELD_DEFAULT_VALUE_CHANGE": _input_default_changed,
    ARG_BECAME_REQUIRED: _argument_changed,
    INPUT_FIELD_BECAME_REQUIRED: _input_field_changed,
    SEMANTIC_NON_NULL_REMOVED: _answers,
    ONE_OF_ADDED: _one_of_added,
}
"""By the kinds of changes. Other kinds affect no document that exists."""
