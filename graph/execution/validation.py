"""Validation against the schema, by graphql-core's rules, in one walk and with bounded work.

graphql-core's `validate` asks every rule at every node, names included, and goes through the document a second
time for its variables. Here, a node is shown only to the rules that look at its kind, and only what can hold a
variable is searched for some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graphql import (
    GraphQLError,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_nullable_type,
    specified_rules,
    visit,
)
from graphql.language.visitor import EnterLeaveVisitor
from graphql.validation import OverlappingFieldsCanBeMergedRule, ValidationContext, ValidationRule
from graphql.validation.validate import ValidationAbortedError

from graph.errors import GatewayError
from graph.execution.hoisting import CARD_NUMBER, is_card_number
from graph.execution.messages import MESSAGES, About
from graph.execution.refusals import limit_exceeded
from graph.execution.walking import WALKED
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLSchema, Node, StringValueNode
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

# A literal that does not fit is the same mistake as a variable's value that does not.
_CODES: Final = {"ValuesOfCorrectTypeRule": ErrorCode.BAD_USER_INPUT}


class _EnoughError(Exception):
    """Nobody reads more errors than there are by now."""


class _Context(ValidationContext):
    """Knows where variables are without a search for them where there are none."""

    def get_variable_usages(self, node: NodeWithSelectionSet) -> list[VariableUsage]:
        place = node.loc
        if place is not None and "$" not in place.source.body[place.start : place.end]:
            return []
        return super().get_variable_usages(node)


class _Reporter:
    """Stands in for the validation context of one rule and rewrites what the rule reports."""

    def __init__(self, rules: _Rules, rule: str) -> None:
        self._rules = rules
        self._rule = rule

    def __getattr__(self, name: str) -> Any:
        # Asked once for each name: the rest of the time, rules find it here.
        found = self.__dict__[name] = getattr(self._rules.context, name)
        return found

    def report_error(self, error: GraphQLError) -> None:
        about = About(error.nodes or (), self._rules.visited, self._rules.context)
        message = MESSAGES[self._rule].format(about)
        code = _CODES.get(self._rule, ErrorCode.GRAPHQL_VALIDATION_FAILED)
        self._rules.context.report_error(
            GraphQLError(message, nodes=error.nodes, original_error=GatewayError(code, message))
        )


class _Rules(Visitor):
    """All rules as one visitor. A rule asks for nothing else than to be spared what is below a node."""

    def __init__(self, context: ValidationContext, max_comparisons: int) -> None:
        super().__init__()
        self.context = context
        self.visited: tuple[Any, ...] = ()
        """The node that the rules look at, and what leads to it."""
        self.card_numbers = _CardNumbers(context)
        self._rules: list[Visitor] = [rule(_Reporter(self, rule.__name__)) for rule in RULES]  # type: ignore[arg-type]
        self._rules.append(self.card_numbers)
        self._sparing: list[Node | None] = [None] * len(self._rules)
        for rule in self._rules:
            if isinstance(rule, OverlappingFieldsCanBeMergedRule):
                rule.rule_context.remaining_complexity_budget = max_comparisons

    def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
        """What the rules do at nodes of a kind; rules that do nothing there are left out."""
        try:
            return self.enter_leave_map[kind]
        except KeyError:
            known = self.enter_leave_map[kind] = self._at(kind)
            return known

    def _at(self, kind: str) -> EnterLeaveVisitor:
        steps = [(place, *rule.get_enter_leave_for_kind(kind)) for place, rule in enumerate(self._rules)]
        entering = [(place, enter) for place, enter, _ in steps if enter]
        leaving = [(place, leave) for place, enter, leave in steps if enter or leave]
        sparing = self._sparing

        def enter(*visited: Any) -> None:
            self.visited = visited
            for place, look in entering:
                if sparing[place] is None and look(*visited) is not None:
                    sparing[place] = visited[0]

        def leave(*visited: Any) -> None:
            self.visited = visited
            for place, look in leaving:
                if sparing[place] is None:
                    if look:
                        look(*visited)
                elif sparing[place] is visited[0]:
                    sparing[place] = None

        return EnterLeaveVisitor(enter if entering else None, leave if leaving else None)


class _CardNumbers(ValidationRule):
    """No rule: looks where literals that are card numbers stand."""

    fit = True
    """Whether all of them are card numbers by their type, too."""

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        """Look at one literal."""
        if is_card_number(node.value):
            expected = self.context.get_input_type()
            self.fit = self.fit and expected is not None and str(get_nullable_type(expected)) == CARD_NUMBER


class Validated(NamedTuple):
    """What validation finds."""

    errors: list[GraphQLError]
    """What is wrong with a document; at most `MAX_ERRORS` entries, each made of our own words."""
    hoistable: bool
    """Whether each literal that is a card number stands where a variable could."""


RULES: Final = tuple(rule for rule in specified_rules if rule.__name__ not in _WITHOUT_DIRECTIVE)


def validate(schema: GraphQLSchema, document: DocumentNode, *, max_comparisons: int) -> Validated:
    """Validate a document.

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
            raise _EnoughError

    types = TypeInfo(schema)
    rules = _Rules(_Context(schema, document, types, note, hide_suggestions=True), max_comparisons)
    try:
        visit(document, TypeInfoVisitor(types, rules), WALKED)
    except _EnoughError:
        pass
    except ValidationAbortedError:
        # A rule gave up; what was found before that is all that is told.
        if not errors:
            raise limit_exceeded("comparisons", max_comparisons) from None
    return Validated(errors, rules.card_numbers.fit)
