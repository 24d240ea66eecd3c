"""What a stored document uses of the schema that it was written for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    NonNullTypeNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    get_named_type,
    is_input_object_type,
    visit,
)

from graph.graphql.coordinates import Coordinates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import (
        ArgumentNode,
        DirectiveNode,
        DocumentNode,
        FragmentSpreadNode,
        GraphQLNamedType,
        GraphQLSchema,
        GraphQLType,
        InlineFragmentNode,
        Node,
        ObjectValueNode,
        VariableDefinitionNode,
    )


@dataclass(slots=True)
class Uses:
    """What a document uses."""

    nodes: dict[str, list[Node]] = field(default_factory=dict)
    """Where it names each coordinate."""
    types: set[str] = field(default_factory=set)
    """The types that it depends on: of its fields, arguments, variables and type conditions."""
    returned: set[str] = field(default_factory=set)
    """The types that its answers hold."""
    conditions: set[tuple[str, str]] = field(default_factory=set)
    """The type conditions, as the type that they narrow and the type that they narrow it to."""
    sent: set[str] = field(default_factory=set)
    """The input types that its variables have, and those within them: their values are not known here."""
    written: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    """The input objects that it writes out: their types, and the fields that they give."""
    omitted: set[str] = field(default_factory=set)
    """The arguments of fields and directives that it leaves out, or gives by a variable that may be left out."""


def uses_of(document: DocumentNode, schema: GraphQLSchema) -> Uses:
    """Return what a document uses; it must be valid."""
    types = TypeInfo(schema)
    visitor = _UsesVisitor(types, document)
    visit(document, TypeInfoVisitor(types, visitor))
    return visitor.uses


class _UsesVisitor(Coordinates):
    def __init__(self, types: TypeInfo, document: DocumentNode) -> None:
        super().__init__(types)
        self.uses = Uses()
        self._conditions = {
            one.name.value: one.type_condition.name.value
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        self._optional: set[str] = set()

    def note(self, coordinate: str, node: Node) -> None:
        self.uses.nodes.setdefault(coordinate, []).append(node)
        if isinstance(node, FieldNode):
            self._note_field(coordinate, node)

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: object) -> None:
        if not isinstance(node.type, NonNullTypeNode) and node.default_value is None:
            self._optional.add(node.variable.name.value)
        for kind in _with_parts(self.types.get_input_type()):
            self.uses.sent.add(kind.name)
            self.uses.types.add(kind.name)

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        super().enter_directive(node)
        definition = self.types.get_directive()
        if definition is not None:
            self._note_omitted(f"@{node.name.value}", definition.args, node.arguments)

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        super().enter_argument(node)
        self._depend_on(self.types.get_input_type())

    def enter_object_value(self, node: ObjectValueNode, *_: object) -> None:
        kind = get_named_type(self.types.get_input_type())
        if kind is not None:
            self.uses.types.add(kind.name)
            self.uses.written.append((kind.name, frozenset(one.name.value for one in node.fields)))

    def enter_inline_fragment(self, node: InlineFragmentNode, *_: object) -> None:
        if node.type_condition is not None:
            self._narrow(node.type_condition.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self._narrow(self._conditions[node.name.value])

    def _narrow(self, condition: str) -> None:
        self.uses.types.add(condition)
        parent = self.types.get_parent_type()
        if parent is not None:
            self.uses.conditions.add((parent.name, condition))

    def _note_field(self, coordinate: str, node: FieldNode) -> None:
        definition = self.types.get_field_def()
        self._depend_on(self.types.get_parent_type())
        if definition is None:
            return
        self._depend_on(definition.type)
        self.uses.returned.add(get_named_type(definition.type).name)
        self._note_omitted(coordinate, definition.args, node.arguments)

    def _note_omitted(self, owner: str, known: Iterable[str], arguments: Iterable[ArgumentNode] | None) -> None:
        given = {one.name.value: one.value for one in arguments or ()}
        for name in known:
            value = given.get(name)
            if value is None or (isinstance(value, VariableNode) and value.name.value in self._optional):
                self.uses.omitted.add(f"{owner}({name}:)")

    def _depend_on(self, kind: GraphQLType | None) -> None:
        named = get_named_type(kind)
        if named is not None:
            self.uses.types.add(named.name)


def _with_parts(kind: GraphQLType | None) -> Iterable[GraphQLNamedType]:
    """The named type of an input, and every type within it."""
    found: dict[str, GraphQLNamedType] = {}
    left = [get_named_type(kind)]
    while left:
        named = left.pop()
        if named is None or named.name in found:
            continue
        found[named.name] = named
        if is_input_object_type(named):
            left += [get_named_type(part.type) for part in named.fields.values()]
    return found.values()
