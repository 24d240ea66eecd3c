"""Validation against the schema: graphql-core's rules, with bounded work and with our own messages.

graphql-core's messages quote the offending text (`… found: "9411…"`), which would carry a card number into the
answer. Ours name only what the client named, and the types there, and suggest nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graphql import (
    GraphQLError,
    ParallelVisitor,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    specified_rules,
    visit,
)
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
from graphql.validation import OverlappingFieldsCanBeMergedRule, ValidationContext
from graphql.validation.validate import ValidationAbortedError, query_document_keys_to_validate

from graph.errors import GatewayError
from graph.graphql.errors import invalid_value, limit_exceeded
from graph.redact import safe_name
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import DocumentNode, GraphQLSchema, Node
    from graphql.validation.validation_context import NodeWithSelectionSet, VariableUsage

    from graph.graphql.coordinates import Coordinates

MAX_ERRORS: Final = 5

# About `@defer` and `@stream`, which the schema does not have: one error per unknown directive is enough.
_WITHOUT_DIRECTIVE: Final = frozenset(
    {
        "DeferStreamDirectiveOnRootField",
        "DeferStreamDirectiveOnValidOperationsRule",
        "DeferStreamDirectiveLabel",
        "StreamDirectiveOnListField",
    }
)

_EXECUTABLE: Final = frozenset({"operation_definition", "fragment_definition", "variable_definition"})

# A bad literal is the same mistake as a bad variable.
_CODES: Final = {"ValuesOfCorrectTypeRule": ErrorCode.BAD_USER_INPUT}

# Type definitions are refused as a whole, without a look inside.
_WALKED: Final = {
    kind: keys
    for kind, keys in query_document_keys_to_validate.items()
    if "extension" not in kind and (not kind.endswith("_definition") or kind in _EXECUTABLE)
}

RULES: Final = tuple(rule for rule in specified_rules if rule.__name__ not in _WITHOUT_DIRECTIVE)


MESSAGES: Final = {
    "ExecutableDefinitionsRule": "A document may hold only operations and fragments; '{0.name}' is neither.",
    "KnownOperationTypesRule": "The schema has only queries, and no {0.operation}.",
    "UniqueOperationNamesRule": "There is more than one operation named '{0.name}'.",
    "LoneAnonymousOperationRule": "An operation without a name must be the only one.",
    "SingleFieldSubscriptionsRule": "A subscription must select exactly one field.",
    "KnownTypeNamesRule": "There is no type '{0.name}'.",
    "FragmentsOnCompositeTypesRule": "A fragment must be on a type that has fields; '{0.condition}' has none.",
    "VariablesAreInputTypesRule": "The variable '${0.variable}' must have an input type, which '{0.name}' is not.",
    "ScalarLeafsRule": "The field '{0.field}' {0.selection}.",
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
    "ValuesOfCorrectTypeRule": "{0.invalid_value}",
    "ProvidedRequiredArgumentsRule": "A required argument of {0.owner} is missing.",
    "VariablesInAllowedPositionRule": "The type of the variable '${0.name}' does not fit where it is used.",
    "OverlappingFieldsCanBeMergedRule": "Fields '{0.key}' conflict; give them different aliases.",
    "UniqueInputFieldNamesRule": "The input field '{0.name}' is given twice.",
    "MaxIntrospectionDepthRule": "Introspection is nested too deeply within '{0.name}'.",
}
"""By graphql-core's rules; `0` is the `_Subject` of the error."""


class _Context(ValidationContext):
    """Skips the walk for variables in definitions whose text has none."""

    def get_variable_usages(self, node: NodeWithSelectionSet) -> list[VariableUsage]:
        place = node.loc
        if place is not None and "$" not in place.source.body[place.start : place.end]:
            return []
        return super().get_variable_usages(node)


class _Place(Visitor):
    """Knows the node that the rules are visiting, and its ancestors."""

    visited: tuple[Any, ...] = ()

    def enter(self, *visited: Any) -> None:
        self.visited = visited

    leave = enter


class _Subject:
    """What an error is about, as far as a message may name it.

    Args:
        nodes: those that the rule reports.
        visited: the node where the rule found the error, and its ancestors.
        context: knows the types there.
    """

    def __init__(self, nodes: Sequence[Node], visited: Sequence[Any], context: ValidationContext) -> None:
        self._nodes = nodes
        self._visited = visited
        self._context = context

    @property
    def name(self) -> str:
        for node in self._nodes:
            name = getattr(node, "name", None) or getattr(getattr(node, "variable", None), "name", node)
            if isinstance(name, NameNode):
                return safe_name(name.value)
        # A type within lists, or a nameless part of a type system document.
        node = self._nodes[0]
        return safe_name(print_ast(node)) if isinstance(node, TypeNode) else node.kind.partition("_")[0]

    @property
    def key(self) -> str:
        node = next(node for node in self._nodes if isinstance(node, FieldNode))
        return safe_name((node.alias or node.name).value)

    @property
    def operation(self) -> str:
        return next(node.operation.value for node in self._nodes if isinstance(node, OperationDefinitionNode))

    @property
    def field(self) -> str:
        return safe_name(self._innermost(FieldNode).name.value)

    @property
    def selection(self) -> str:
        node: FieldNode = self._innermost(FieldNode)
        return "needs a selection of subfields" if node.selection_set is None else "has no subfields to select"

    @property
    def variable(self) -> str:
        return safe_name(self._innermost(VariableDefinitionNode).variable.name.value)

    @property
    def parent(self) -> str:
        return str(get_named_type(self._context.get_parent_type()))

    @property
    def condition(self) -> str:
        return next(safe_name(node.name.value) for node in self._nodes if isinstance(node, NamedTypeNode))

    @property
    def fragment(self) -> str:
        node = self._nodes[0]
        if isinstance(node, FragmentSpreadNode):
            return f"'{safe_name(node.name.value)}'"
        return f"on '{self._context.get_type()}'"

    @property
    def owner(self) -> str:
        """The field or directive that the argument belongs to."""
        node = self._innermost(FieldNode, DirectiveNode)
        name = safe_name(node.name.value)
        return f"'@{name}'" if isinstance(node, DirectiveNode) else f"'{name}'"

    @property
    def invalid_value(self) -> str:
        return invalid_value(self._receiver, self._expected)

    @property
    def _receiver(self) -> str:
        """What the value is given for."""
        node = self._innermost(ArgumentNode, VariableDefinitionNode)
        if isinstance(node, VariableDefinitionNode):
            return f"The default of the variable '${safe_name(node.variable.name.value)}'"
        return f"The argument '{safe_name(node.name.value)}' of {self.owner}"

    @property
    def _expected(self) -> str:
        node = self._innermost(ArgumentNode, VariableDefinitionNode)
        if isinstance(node, VariableDefinitionNode):
            return safe_name(print_ast(node.type))
        argument = self._context.get_argument()
        return str(argument.type) if argument else ""

    def _innermost(self, *kinds: type[Node]) -> Any:
        node, _, parent, _, ancestors = self._visited
        return next(node for node in (node, parent, *reversed(ancestors)) if isinstance(node, kinds))


class _Reporter:
    """Stands in for the validation context of one rule and rewrites its errors."""

    def __init__(self, context: ValidationContext, place: _Place, rule: str) -> None:
        self._context = context
        self._place = place
        self._rule = rule

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def report_error(self, error: GraphQLError) -> None:
        subject = _Subject(error.nodes or (), self._place.visited, self._context)
        message = MESSAGES[self._rule].format(subject)
        cause = GatewayError(_CODES.get(self._rule, ErrorCode.GRAPHQL_VALIDATION_FAILED), message)
        self._context.report_error(GraphQLError(message, nodes=error.nodes, original_error=cause))


def validate(
    schema: GraphQLSchema,
    document: DocumentNode,
    *,
    max_comparisons: int,
    coordinates: Coordinates | None = None,
) -> list[GraphQLError]:
    """Return the errors of a document, at most `MAX_ERRORS`.

    Args:
        schema: the executable schema.
        document: must not be nested deeper than the stack allows.
        max_comparisons: limits the search for fields that cannot be merged.
        coordinates: notes what the document names during the same visit.

    Raises:
        DocumentError: `QUERY_LIMIT_EXCEEDED`, when it takes more comparisons.
    """
    errors: list[GraphQLError] = []

    def note(error: GraphQLError) -> None:
        errors.append(error)
        if len(errors) == MAX_ERRORS:
            raise ValidationAbortedError("enough errors")

    types = TypeInfo(schema) if coordinates is None else coordinates.types
    context = _Context(schema, document, types, note, hide_suggestions=True)
    place = _Place()
    visitors: list[Visitor] = [place] if coordinates is None else [place, coordinates]
    for kind in RULES:
        rule = kind(_Reporter(context, place, kind.__name__))  # type: ignore[arg-type]
        if isinstance(rule, OverlappingFieldsCanBeMergedRule):
            rule.rule_context.remaining_complexity_budget = max_comparisons
        visitors.append(rule)
    try:
        visit(document, TypeInfoVisitor(types, ParallelVisitor(visitors)), _WALKED)
    except ValidationAbortedError:
        # There are enough errors, or a rule gave up.
        if not errors:
            raise limit_exceeded("comparisons", max_comparisons) from None
    return errors
