"""The plans of operations: compiled when they are first needed, kept with their operation, bounded in all."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from graph.graphql.plan.compiler import Shape
from graph.graphql.plan.fields import FallbackToGraphQLCore
from graph.graphql.plan.values import switch_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode

    from graph.graphql.plan.steps import Plan

MAX_SWITCHES: Final = 4
"""In `@skip` and `@include` of one operation. With more there is no plan: each variable doubles their number."""

MAX_STEPS: Final = 20_000
"""All plans together. A step is about as large as the field in the parsed document that it is made of."""


class Prepared:
    """What is compiled of one operation."""

    __slots__ = ("__weakref__", "plans", "reported", "shape")

    def __init__(self) -> None:
        self.reported = False
        """Whether it was told that there is no plan."""
        self.shape: Shape | None = None
        self.plans: dict[tuple[bool, ...], Plan | None] = {}
        """By the switches' values; None where there can be no plan."""


class Plans:
    """Finds the plan of a request, or compiles it.

    Args:
        schema: the executable schema.
        max_steps: bound of what is kept; the oldest plans make room.
    """

    def __init__(self, schema: GraphQLSchema, max_steps: int = MAX_STEPS) -> None:
        self._schema = schema
        self._max_steps = max_steps
        self._kept: deque[tuple[weakref.ref[Prepared], tuple[bool, ...], int]] = deque()
        self.steps = 0
        """How many steps are kept, those of operations that are gone included until they are the oldest."""

    def find(
        self,
        prepared: Prepared,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
    ) -> tuple[Plan, dict[str, Any]] | None:
        """The plan and the variables' values; None where there can be no plan.

        Args:
            prepared: what was compiled of the operation before; it is kept with the operation.
            document: in which the operation stands.
            operation: to execute.
            variables: as they came.

        Raises:
            FallbackToGraphQLCore: when a value does not fit, or graphql-core must say whether it does.
        """
        shape = prepared.shape
        if shape is None:
            if () in prepared.plans:
                return None
            shape = self._shape(prepared, document, operation)
            if shape is None:
                return None
        values = shape.variables.coerced(variables)
        switched = tuple([switch_value(values, name) for name in shape.switches]) if shape.switches else ()
        try:
            plan = prepared.plans[switched]
        except KeyError:
            plan = self._compiled(prepared, shape, switched)
        return None if plan is None else (plan, values)

    def _shape(
        self, prepared: Prepared, document: DocumentNode, operation: OperationDefinitionNode
    ) -> Shape | None:
        try:
            shape = Shape(self._schema, document, operation)
        except FallbackToGraphQLCore:
            shape = None
        if shape is None or len(shape.switches) > MAX_SWITCHES:
            prepared.plans[()] = None
            return None
        prepared.shape = shape
        return shape

    def _compiled(self, prepared: Prepared, shape: Shape, switched: tuple[bool, ...]) -> Plan | None:
        try:
            plan = shape.plan(dict(zip(shape.switches, switched, strict=True)))
        except FallbackToGraphQLCore:
            prepared.plans[switched] = None
            return None
        # One without any step takes room all the same, and would never have to make any.
        size = max(1, plan.steps)
        self.steps += size
        # Before this one is kept, so that it is there for its own request.
        while self._kept and self.steps > self._max_steps:
            self._drop_oldest()
        prepared.plans[switched] = plan
        self._kept.append((weakref.ref(prepared), switched, size))
        return plan

    def _drop_oldest(self) -> None:
        owner, switched, steps = self._kept.popleft()
        self.steps -= steps
        prepared = owner()
        if prepared is not None:
            prepared.plans.pop(switched, None)
