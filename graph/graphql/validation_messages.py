"""What each validation rule says, in words that name the schema's things and never a caller's values.

graphql-core's own messages quote the offending text (`… found: "9411…"`), which would carry a card number into the
answer. Of the schema, a message names what the client named already, and the types there; it suggests nothing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graphql import get_named_type
from graphql.language import (
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    TypeNode,
    VariableDefinitionNode,
    print_ast,
)

from graph.redact import safe_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from graphql import Node
    from graphql.validation import ValidationContext

MESSAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ExecutableDefinitionsRule": "A document may hold only operations and fragments; '{0.name}' is neither.",
        "KnownOperationTypesRule": "The schema has only queries, and no {0.operation}.",
        "UniqueOperationNamesRule": "There is more than one operation named '{0.name}'.",
        "LoneAnonymousOperationRule": "An operation without a name must be the only one.",
        "SingleFieldSubscriptionsRule": "A subscription must select exactly one field.",
        "KnownTypeNamesRule": "There is no type '{0.name}'.",
        "FragmentsOnCompositeTypesRule": "A fragment must be on a type that has fields; '{0.condition}' has none.",
        "VariablesAreInputTypesRule": "The variable '${0.variable}' must have an input type; '{0.name}' is none.",
        "ScalarLeafsRule": "The field '{0.field}' needs a selection of subfields, or must not have one.",
        "FieldsOnCorrectTypeRule": "The type '{0.parent}' has no field '{0.name}'.",
        "UniqueFragmentNamesRule": "There is more than one fragment named '{0.name}'.",
        "KnownFragmentNamesRule": "There is no fragment '{0.name}'.",
        "NoUnusedFragmentsRule": "The fragment '{0.name}' is never used.",
        "PossibleFragmentSpreadsRule": "The fragment {0.fragment} can never apply to the type '{0.parent}'.",
        "NoFragmentCyclesRule": "The fragment '{0.name}' spreads itself.",
        "UniqueVariableNamesRule": "There is more than one variable named '${0.name}'.",
        "NoUndefinedVariablesRule": "The variable '${0.name}' is not defined.",
        "NoUnusedVariablesRule": "The variable '${0.name}' is never used.",
        "KnownDirectivesRule": "There is no directive '@{0.name}', or it may not be here.",
        "UniqueDirectivesPerLocationRule": "The directive '@{0.name}' may be used only once here.",
        "KnownArgumentNamesRule": "There is no argument '{0.name}' of {0.owner}.",
        "UniqueArgumentNamesRule": "The argument '{0.name}' of {0.owner} is given twice.",
        "ValuesOfCorrectTypeRule": "{0.subject} needs a valid value of type '{0.expected}'.",
        "ProvidedRequiredArgumentsRule": "A required argument of {0.owner} is missing.",
        "VariablesInAllowedPositionRule": "The type of the variable '${0.name}' does not fit where it is used.",
        "OverlappingFieldsCanBeMergedRule": "Fields '{0.key}' conflict; give them different aliases.",
        "UniqueInputFieldNamesRule": "The input field '{0.name}' is given twice.",
        "MaxIntrospectionDepthRule": "Introspection is nested too deeply within '{0.name}'.",
    }
)
"""By the names of graphql-core's rules; `0` is the `About` of the error."""


class About:
    """What an error is about, as far as a message may name it.

    Args:
        nodes: those that the rule points at.
        visited: the node at which it found the error, and all around it from the outermost on.
        context: knows the types there.
    """

    def __init__(self, nodes: Sequence[Node], visited: Sequence[Any], context: ValidationContext) -> None:
        self._nodes = nodes
        self._visited = visited
        self._context = context

    @property
    def name(self) -> str:
        """The name of what the rule points at."""
        for node in self._nodes:
            name = getattr(node, "name", None) or getattr(getattr(node, "variable", None), "name", node)
            if isinstance(name, NameNode):
                return safe_name(name.value)
        # A type within lists, or a part of a schema that has no name.
        node = self._nodes[0]
        return safe_name(print_ast(node)) if isinstance(node, TypeNode) else node.kind.partition("_")[0]

    @property
    def key(self) -> str:
        """The name in the answer of a field that the rule points at."""
        node = next(node for node in self._nodes if isinstance(node, FieldNode))
        return safe_name((node.alias or node.name).value)

    @property
    def operation(self) -> str:
        """The kind of an operation."""
        return next(node.operation.value for node in self._nodes if isinstance(node, OperationDefinitionNode))

    @property
    def field(self) -> str:
        """The field in question."""
        return safe_name(self._inner(FieldNode).name.value)

    @property
    def variable(self) -> str:
        """The variable that is being defined."""
        return safe_name(self._inner(VariableDefinitionNode).variable.name.value)

    @property
    def parent(self) -> str:
        """The type whose fields are selected."""
        return str(get_named_type(self._context.get_parent_type()))

    @property
    def condition(self) -> str:
        """The type that a fragment is on."""
        return next(safe_name(node.name.value) for node in self._nodes if isinstance(node, NamedTypeNode))

    @property
    def fragment(self) -> str:
        """A fragment by its name, or by its type where it has none."""
        node = self._nodes[0]
        if isinstance(node, FragmentSpreadNode):
            return f"'{safe_name(node.name.value)}'"
        return f"on '{self._context.get_type()}'"

    @property
    def owner(self) -> str:
        """The field or directive whose argument is in question."""
        node = self._inner(FieldNode, DirectiveNode)
        name = safe_name(node.name.value)
        return f"'@{name}'" if isinstance(node, DirectiveNode) else f"'{name}'"

    @property
    def subject(self) -> str:
        """What a value is given for."""
        node = self._inner(ArgumentNode, VariableDefinitionNode)
        if isinstance(node, VariableDefinitionNode):
            return f"The default of the variable '${safe_name(node.variable.name.value)}'"
        return f"The argument '{safe_name(node.name.value)}' of {self.owner}"

    @property
    def expected(self) -> str:
        """The type that a value must have."""
        node = self._inner(ArgumentNode, VariableDefinitionNode)
        if isinstance(node, VariableDefinitionNode):
            return safe_name(print_ast(node.type))
        argument = self._context.get_argument()
        return str(argument.type) if argument else ""

    def _inner(self, *kinds: type[Node]) -> Any:
        """The innermost node of these kinds."""
        return next(node for node in self._outwards() if isinstance(node, kinds))

    def _outwards(self) -> Iterator[Any]:
        node, _, parent, _, ancestors = self._visited
        yield from (node, parent, *reversed(ancestors))
