"""Validation against the schema: graphql-core's rules, with bounded work, in our own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError, ParallelVisitor, TypeInfo, TypeInfoVisitor, Visitor, specified_rules, visit
from graphql.validation import OverlappingFieldsCanBeMergedRule, ValidationContext
from graphql.validation.validate import ValidationAbortedError, query_document_keys_to_validate

from graph.errors import GatewayError
from graph.graphql.errors import limit_exceeded
from graph.graphql.validation_messages import MESSAGES, About
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLSchema
    from graphql.validation.validation_context import NodeWithSelectionSet, VariableUsage

MAX_ERRORS: Final = 5

# The schema has neither `@defer` nor `@stream`: that there is no such directive is all to be said.
_WITHOUT_DIRECTIVE: Final = frozenset(
    {
        "DeferStreamDirectiveOnRootField",
        "DeferStreamDirectiveOnValidOperationsRule",
        "DeferStreamDirectiveLabel",
        "StreamDirectiveOnListField",
    }
)

_EXECUTABLE: Final = frozenset({"operation_definition", "fragment_definition", "variable_definition"})

# A literal that does not fit is the same mistake as a variable's value that does not.
_CODES: Final = {"ValuesOfCorrectTypeRule": ErrorCode.BAD_USER_INPUT}


# Not what is in definitions of types, which are refused as a whole.
_WALKED: Final = {
    kind: keys
    for kind, keys in query_document_keys_to_validate.items()
    if "extension" not in kind and (not kind.endswith("_definition") or kind in _EXECUTABLE)
}

RULES: Final = tuple(rule for rule in specified_rules if rule.__name__ not in _WITHOUT_DIRECTIVE)


class _Context(ValidationContext):
    """Searches a definition for variables only where its text has some: a search is a walk of its own."""

    def get_variable_usages(self, node: NodeWithSelectionSet) -> list[VariableUsage]:
        place = node.loc
        if place is not None and "$" not in place.source.body[place.start : place.end]:
            return []
        return super().get_variable_usages(node)


class _Place(Visitor):
    """Knows the node that the rules look at, and what leads to it."""

    visited: tuple[Any, ...] = ()

    def enter(self, *visited: Any) -> None:
        self.visited = visited

    leave = enter


class _Reporter:
    """Stands in for the validation context of one rule and rewrites what the rule reports."""

    def __init__(self, context: ValidationContext, place: _Place, rule: str) -> None:
        self._context = context
        self._place = place
        self._rule = rule

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def report_error(self, error: GraphQLError) -> None:
        about = About(error.nodes or (), self._place.visited, self._context)
        message = MESSAGES[self._rule].format(about)
        cause = GatewayError(_CODES.get(self._rule, ErrorCode.GRAPHQL_VALIDATION_FAILED), message)
        self._context.report_error(GraphQLError(message, nodes=error.nodes, original_error=cause))


def validate(schema: GraphQLSchema, document: DocumentNode, *, max_comparisons: int) -> list[GraphQLError]:
    """What is wrong with a document; at most `MAX_ERRORS` entries, each made of our own words.

    Args:
        schema: the executable schema.
        document: its fragments must not be nested deeper than can be walked.
        max_comparisons: how much may be compared to find out whether fields can be merged.

    Raises:
        DocumentError: `QUERY_LIMIT_EXCEEDED`, when more would have to be compared.
    """
    errors: list[GraphQLError] = []

    def note(error: GraphQLError) -> None:
        errors.append(error)
        if len(errors) == MAX_ERRORS:
            raise ValidationAbortedError("nobody reads more")

    types = TypeInfo(schema)
    context = _Context(schema, document, types, note, hide_suggestions=True)
    place = _Place()
    visitors: list[Visitor] = [place]
    for kind in RULES:
        rule = kind(_Reporter(context, place, kind.__name__))  # type: ignore[arg-type]
        if isinstance(rule, OverlappingFieldsCanBeMergedRule):
            rule.rule_context.remaining_complexity_budget = max_comparisons
        visitors.append(rule)
    try:
        visit(document, TypeInfoVisitor(types, ParallelVisitor(visitors)), _WALKED)
    except ValidationAbortedError:
        # A rule gave up, or there are enough errors; what was found before that is all that is told.
        if not errors:
            raise limit_exceeded("comparisons", max_comparisons) from None
    return errors
