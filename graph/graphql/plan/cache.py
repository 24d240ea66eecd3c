"""The plans of operations: compiled on first use, kept with their operation, and bounded in total."""

from __future__ import annotations

import weakref
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from graph.graphql.plan import FallbackToGraphQLCore
from graph.graphql.plan.compiler import Shape
from graph.graphql.plan.values import switch_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode

    from graph.graphql.plan.steps import Plan

MAX_SWITCHES: Final = 4
"""Variables in `@skip` and `@include` of one operation; each doubles the number of its plans."""

MAX_STEPS: Final = 20_000
"""The most steps of all plans. A step is about as large as the field of the parsed document that it is made of."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class Prepared:
    """The compiled plans of one operation."""

    reported: bool = False
    """Whether it was reported that there is no plan."""
    shape: Shape | FallbackToGraphQLCore | None = None
    plans: dict[tuple[bool, ...], Plan | None] = field(default_factory=dict)
    """By the values of the switches; None where there can be no plan."""


class Plans:
    """Finds the plan of a request, or compiles it.

    Args:
        schema: the executable schema.
        max_steps: bounds what is kept; the oldest plans make room.
    """

    def __init__(self, schema: GraphQLSchema, max_steps: int = MAX_STEPS) -> None:
        self._schema = schema
        self._max_steps = max_steps
        self._kept: deque[tuple[weakref.ref[Prepared], tuple[bool, ...], int]] = deque()
        self.steps = 0
        """How many are kept, including those of operations that are gone."""

    def find(
        self,
        prepared: Prepared,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
    ) -> tuple[Plan, dict[str, Any]] | None:
        """Return the plan and the coerced variables; None if there can be no plan.

        Args:
            prepared: where the operation's plans are kept.
            document: which holds the operation.
            operation: to execute.
            variables: as they came.

        Raises:
            FallbackToGraphQLCore: when a value does not fit, or only graphql-core can tell.
        """
        shape = prepared.shape
        if shape is None:
            shape = prepared.shape = self._shape(document, operation)
        if isinstance(shape, FallbackToGraphQLCore):
            return None
        values = shape.variables.coerce(variables)
        switched = tuple([switch_value(values, name) for name in shape.switches]) if shape.switches else ()
        try:
            plan = prepared.plans[switched]
        except KeyError:
            plan = self._compile(prepared, shape, switched)
        return None if plan is None else (plan, values)

    def _shape(self, document: DocumentNode, operation: OperationDefinitionNode) -> Shape | FallbackToGraphQLCore:
        try:
            shape = Shape(self._schema, document, operation)
        except FallbackToGraphQLCore as error:
            return error.with_traceback(None)
        return shape if len(shape.switches) <= MAX_SWITCHES else FallbackToGraphQLCore()

    def _compile(self, prepared: Prepared, shape: Shape, switched: tuple[bool, ...]) -> Plan | None:
        try:
            plan = shape.plan(dict(zip(shape.switches, switched, strict=True)))
        except FallbackToGraphQLCore:
            prepared.plans[switched] = None
            return None
        # An empty plan takes room, too.
        size = max(1, plan.steps)
        self.steps += size
        # First, so that the new plan is not dropped itself.
        while self._kept and self.steps > self._max_steps:
            owner, of, steps = self._kept.popleft()
            self.steps -= steps
            if (oldest := owner()) is not None:
                oldest.plans.pop(of, None)
        prepared.plans[switched] = plan
        self._kept.append((weakref.ref(prepared), switched, size))
        return plan
