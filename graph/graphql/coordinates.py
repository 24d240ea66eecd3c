"""The schema coordinates that an operation names: `Card.balance`, `Query.card(cardNo:)`, `TermsLocale.KO`.

Source: https://spec.graphql.org/draft/#sec-Schema-Coordinates
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import TypeInfo, Visitor, get_named_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import (
        ArgumentNode,
        DirectiveNode,
        EnumValueNode,
        FieldNode,
        FragmentDefinitionNode,
        FragmentSpreadNode,
        Node,
        ObjectFieldNode,
        OperationDefinitionNode,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """The schema coordinates that an operation names; compared by identity, so that it is a quick key."""

    coordinates: tuple[str, ...] = ()


class Coordinates(Visitor):
    """Collects the coordinates that each definition names, in a visit shared with other visitors.

    Introspection is left out: it is the same in every schema.

    Args:
        types: the type information of that visit.
    """

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types: Final = types
        self._field: str | None = None
        self._named: set[str] = set()
        self._spread: set[str] = set()
        self._operations: list[tuple[set[str], set[str]]] = []
        self._fragments: dict[str, tuple[set[str], set[str]]] = {}

    def of_operations(self) -> list[Named]:
        """Return what each operation names, with its fragments, in the order of the document."""
        return [Named(tuple(sorted(_with_fragments(each, self._fragments)))) for each in self._operations]

    def note(self, coordinate: str, _node: Node) -> None:
        """A node names a coordinate."""
        self._named.add(coordinate)

    def enter_operation_definition(self, _node: OperationDefinitionNode, *_: object) -> None:
        """An operation begins."""
        self._named, self._spread = set(), set()
        self._operations.append((self._named, self._spread))

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> None:
        """A fragment begins."""
        self._named, self._spread = set(), set()
        self._fragments[node.name.value] = self._named, self._spread

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        """A fragment is part of the definition."""
        self._spread.add(node.name.value)

    def enter_field(self, node: FieldNode, *_: object) -> None:
        """A field names itself."""
        parent, name = self.types.get_parent_type(), node.name.value
        is_known = parent is not None and not name.startswith("__") and not parent.name.startswith("__")
        # Its arguments are visited next, before any other field.
        self._field = f"{parent.name}.{name}" if parent is not None and is_known else None
        if self._field is not None:
            self.note(self._field, node)

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        """A directive names itself."""
        self.note(f"@{node.name.value}", node)

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        """An argument names itself."""
        directive = self.types.get_directive()
        owner = self._field if directive is None else f"@{directive.name}"
        if owner is not None:
            self.note(f"{owner}({node.name.value}:)", node)

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
        """A written input object names each field."""
        owner = get_named_type(self.types.get_parent_input_type())
        if owner is not None:
            self.note(f"{owner.name}.{node.name.value}", node)

    def enter_enum_value(self, node: EnumValueNode, *_: object) -> None:
        """A written enum value names itself."""
        owner = get_named_type(self.types.get_input_type())
        if owner is not None:
            self.note(f"{owner.name}.{node.value}", node)


def _with_fragments(
    definition: tuple[set[str], set[str]], fragments: Mapping[str, tuple[set[str], set[str]]]
) -> set[str]:
    """What a definition names, and the fragments that it spreads, each visited once."""
    named, spread = set(definition[0]), set(definition[1])
    left = [*spread]
    while left:
        more, further = fragments.get(left.pop(), (set(), set()))
        named |= more
        left += further - spread
        spread |= further
    return named
