"""Validation against the schema, by graphql-core's rules, in one walk and with bounded work.

graphql-core's `validate` asks every rule at every node, names included, and goes through the document a second
time for its variables. Here, a node is shown only to the rules that look at its kind, and only what can hold a
variable is searched for some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graphql import (
    FragmentDefinitionNode,
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
from graphql.validation.validation_context import VariableUsageVisitor

from graph.errors import GatewayError
from graph.graphql.errors import limit_exceeded
from graph.graphql.literals import CARD_NUMBER, RESERVED, is_card_number
from graph.graphql.validation_messages import MESSAGES, About
from graph.graphql.walking import WALKED
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import (
        DocumentNode,
        FragmentSpreadNode,
        GraphQLSchema,
        Location,
        Node,
        OperationDefinitionNode,
        SelectionSetNode,
        StringValueNode,
    )
    from graphql.validation.validation_context import NodeWithSelectionSet, VariableUsage

    OnError = Callable[[GraphQLError], None]

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
    """Searches for variables only where there are some, and once.

    What the base class remembers, it finds by a hash over all of a node and what is in it.
    """

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, types: TypeInfo, note: OnError, *, of_skeleton: bool
    ) -> None:
        super().__init__(schema, document, types, note, hide_suggestions=True)
        self._of_skeleton = of_skeleton
        self._types = types
        self._usages: dict[int, list[VariableUsage]] = {}
        self._recursive_usages: dict[int, list[VariableUsage]] = {}
        self._spreads: dict[int, list[FragmentSpreadNode]] = {}

    def get_variable_usages(self, node: NodeWithSelectionSet) -> list[VariableUsage]:
        """Those in an operation or fragment itself."""
        known = self._usages.get(id(node))
        if known is None:
            fragment = node if isinstance(node, FragmentDefinitionNode) else None
            search = VariableUsageVisitor(self._types, fragment)
            if self._may_use_variables(node.loc):
                visit(node, TypeInfoVisitor(self._types, search), WALKED)
            known = self._usages[id(node)] = search.usages
        return known

    def get_recursive_variable_usages(self, operation: OperationDefinitionNode) -> list[VariableUsage]:
        """Those in an operation and its fragments."""
        known = self._recursive_usages.get(id(operation))
        if known is None:
            some = self._may_use_variables(self.document.loc)
            known = super().get_recursive_variable_usages(operation) if some else []
            self._recursive_usages[id(operation)] = known
        return known

    def get_fragment_spreads(self, node: SelectionSetNode) -> list[FragmentSpreadNode]:
        """Where fragments are spread."""
        known = self._spreads.get(id(node))
        if known is None:
            known = self._spreads[id(node)] = super().get_fragment_spreads(node)
        return known

    def _may_use_variables(self, place: Location | None) -> bool:
        if place is None:
            return True
        text = place.source.body[place.start : place.end]
        # What stands for a literal in a skeleton is none: the literal is back in the document.
        return text.count("$") > (text.count(f"${RESERVED}") if self._of_skeleton else 0)


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


def validate(
    schema: GraphQLSchema, document: DocumentNode, *, max_comparisons: int, of_skeleton: bool = False
) -> Validated:
    """Validate a document.

    Args:
        schema: the executable schema.
        document: its fragments must not be nested deeper than can be walked.
        max_comparisons: how much may be compared to find out whether fields can be merged.
        of_skeleton: whether it was parsed without its card numbers, which were put back.

    Raises:
        DocumentError: `QUERY_LIMIT_EXCEEDED`, when more would have to be compared.
    """
    errors: list[GraphQLError] = []

    def note(error: GraphQLError) -> None:
        errors.append(error)
        if len(errors) == MAX_ERRORS:
            raise _EnoughError

    types = TypeInfo(schema)
    rules = _Rules(_Context(schema, document, types, note, of_skeleton=of_skeleton), max_comparisons)
    try:
        visit(document, TypeInfoVisitor(types, rules), WALKED)
    except _EnoughError:
        pass
    except ValidationAbortedError:
        # A rule gave up; what was found before that is all that is told.
        if not errors:
            raise limit_exceeded("comparisons", max_comparisons) from None
    return Validated(errors, rules.card_numbers.fit)
