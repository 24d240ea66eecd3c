"""Validation against the schema, with messages that name the schema's things and never a caller's values.

graphql-core's own messages quote the offending text (`… found: "9411…"`), which would carry a card number into the
answer. Each of its rules therefore reports through a template of ours.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError, NoSchemaIntrospectionCustomRule, get_named_type, specified_rules, validate
from graphql.language import NameNode

from graph.errors import GatewayError
from graph.redact import safe_name
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import ASTValidationRule, DocumentNode, GraphQLSchema, Node
    from graphql.validation import ASTValidationContext

MAX_ERRORS: Final = 5

# {name} is the offending node's name; {parent} and {input} are the schema's types at that place.
TEMPLATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ExecutableDefinitionsRule": "A document may hold only operations and fragments.",
        "UniqueOperationNamesRule": "There is more than one operation named '{name}'.",
        "LoneAnonymousOperationRule": "An operation without a name must be the only one.",
        "SingleFieldSubscriptionsRule": "A subscription must select exactly one field.",
        "KnownOperationTypesRule": "The schema has only queries.",
        "KnownTypeNamesRule": "There is no type '{name}'.",
        "FragmentsOnCompositeTypesRule": "A fragment must be on a type that has fields.",
        "VariablesAreInputTypesRule": "A variable must have an input type; '{name}' is none.",
        "ScalarLeafsRule": "The field '{name}' needs a selection of subfields, or must not have one.",
        "FieldsOnCorrectTypeRule": "The type '{parent}' has no field '{name}'.",
        "UniqueFragmentNamesRule": "There is more than one fragment named '{name}'.",
        "KnownFragmentNamesRule": "There is no fragment '{name}'.",
        "NoUnusedFragmentsRule": "The fragment '{name}' is never used.",
        "PossibleFragmentSpreadsRule": "The fragment can never apply to the type '{parent}'.",
        "NoFragmentCyclesRule": "The fragment '{name}' spreads itself.",
        "UniqueVariableNamesRule": "There is more than one variable named '${name}'.",
        "NoUndefinedVariablesRule": "The variable '${name}' is not defined.",
        "NoUnusedVariablesRule": "The variable '${name}' is never used.",
        "KnownDirectivesRule": "There is no directive '@{name}', or it may not be here.",
        "UniqueDirectivesPerLocationRule": "The directive '@{name}' may be used only once here.",
        "DeferStreamDirectiveOnRootField": "Incremental delivery is not supported.",
        "DeferStreamDirectiveOnValidOperationsRule": "Incremental delivery is not supported.",
        "DeferStreamDirectiveLabel": "Incremental delivery is not supported.",
        "StreamDirectiveOnListField": "Incremental delivery is not supported.",
        "KnownArgumentNamesRule": "There is no argument '{name}' here.",
        "UniqueArgumentNamesRule": "The argument '{name}' is given twice.",
        "ValuesOfCorrectTypeRule": "A value here must be a valid '{input}'.",
        "ProvidedRequiredArgumentsRule": "A required argument of '{name}' is missing.",
        "VariablesInAllowedPositionRule": "The type of the variable '${name}' does not fit where it is used.",
        "OverlappingFieldsCanBeMergedRule": "Fields '{name}' conflict; give them different aliases.",
        "UniqueInputFieldNamesRule": "The input field '{name}' is given twice.",
        "MaxIntrospectionDepthRule": "Introspection is nested too deeply.",
        "NoSchemaIntrospectionCustomRule": "Introspection is switched off.",
    }
)

# A literal that does not fit is the same mistake as a variable's value that does not.
_CODES: Final = {"ValuesOfCorrectTypeRule": ErrorCode.BAD_USER_INPUT}


class _Reporter:
    """Stands in for the validation context of one rule and rewrites what the rule reports."""

    def __init__(self, context: ASTValidationContext, rule: str) -> None:
        self._context = context
        self._rule = rule

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def report_error(self, error: GraphQLError) -> None:
        message = TEMPLATES[self._rule].format(
            name=_name(error.nodes or ()), parent=self._type("get_parent_type"), input=self._type("get_input_type")
        )
        code = _CODES.get(self._rule, ErrorCode.GRAPHQL_VALIDATION_FAILED)
        self._context.report_error(
            GraphQLError(message, nodes=error.nodes, original_error=GatewayError(code, message))
        )

    def _type(self, getter: str) -> str:
        found = getattr(self._context, getter)()
        return str(get_named_type(found)) if found is not None else "its type"


def _name(nodes: Sequence[Node]) -> str:
    for node in nodes:
        name = node if isinstance(node, NameNode) else getattr(node, "name", None)
        if name is None:
            name = getattr(getattr(node, "variable", None), "name", None)
        if isinstance(name, NameNode):
            return safe_name(name.value)
    return "?"


def _reporting(rule: type[ASTValidationRule]) -> type[ASTValidationRule]:
    """The same rule, reporting through its template. Made once: classes made per request would defeat caches."""
    if rule.__name__ not in TEMPLATES:
        raise LookupError(f"graphql-core has a rule without a template: {rule.__name__}")

    def report_here(self: ASTValidationRule, context: ASTValidationContext) -> None:
        rule.__init__(self, _Reporter(context, rule.__name__))  # type: ignore[arg-type]

    return type(rule.__name__, (rule,), {"__init__": report_here})


RULES: Final = tuple(_reporting(rule) for rule in specified_rules)
RULES_WITHOUT_INTROSPECTION: Final = (*RULES, _reporting(NoSchemaIntrospectionCustomRule))


def validation_errors(schema: GraphQLSchema, document: DocumentNode, *, introspection: bool) -> list[GraphQLError]:
    """What is wrong with a document; at most `MAX_ERRORS` entries, each made of our own words."""
    rules = RULES if introspection else RULES_WITHOUT_INTROSPECTION
    errors = validate(schema, document, rules, max_errors=MAX_ERRORS, hide_suggestions=True)
    ours = [error for error in errors if isinstance(error.original_error, GatewayError)]
    if errors and not ours:
        # Aborted before any rule spoke: fragments nested beyond what can be walked.
        too_deep = GatewayError(
            ErrorCode.QUERY_LIMIT_EXCEEDED, "The document is nested too deeply.", limit="depth"
        )
        return [GraphQLError(too_deep.message, original_error=too_deep)]
    return ours
