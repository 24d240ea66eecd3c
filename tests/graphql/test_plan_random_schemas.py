"""Plans answer as graphql-core does over any schema: types, edges, endpoints and documents are generated.

`make equality` executes ten thousand operations; KONAGRAPH_EQUALITY_EXAMPLES says how many.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from graph.graphql.documents import Documents
from graph.graphql.executor import OperationExecutor
from tests.graphql.plan_world import outcome_of
from tests.graphql.random_documents import DocumentMaker, world
from tests.graphql.random_schema import SchemaMaker
from tests.graphql.test_plan_equality import EXAMPLES, LIMITS

OPERATIONS = 10
"""Of each schema."""


async def compare(random: Random, seen: Counter[str]) -> None:
    tolerant = random.random() < 0.8
    made = SchemaMaker(random, tolerant=tolerant)
    documents = Documents(made.schema, LIMITS, introspection=True)
    plans, core = OperationExecutor(made.schema), OperationExecutor(made.schema, "core")
    for _ in range(OPERATIONS):
        asked = DocumentMaker(random, made.schema)
        note(asked.text)
        document = documents.read(asked.text)
        operation = document.operation(None)
        around = world(random, made.endpoints)
        variables: dict[str, Any] = asked.values(clean=random.random() < 0.85)
        abandoned = plans.counts.abandoned
        expected, actual = [
            await outcome_of(executor, around, document, operation, dict(variables)) for executor in (core, plans)
        ]
        assert expected.data == actual.data
        assert max(actual.calls.values(), default=1) == 1
        if plans.counts.abandoned == abandoned:
            assert actual == expected
        elif tolerant:
            # After a null propagates, the rest is cancelled, and how much was looked up is a matter
            # of time.
            assert expected.errors == actual.errors
        seen["errors"] += bool(expected.errors)
        seen["events"] += bool(expected.events)
        seen["several calls"] += expected.calls.total() > 2
        seen["lists of lists"] += b"[[" in expected.data
    seen.update(planned=plans.counts.planned, unplanned=plans.counts.unplanned, abandoned=plans.counts.abandoned)


@pytest.mark.slow
@pytest.mark.no_cover
def test_plans_answer_as_graphql_core_does_over_any_schema_and_ask_no_more() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=max(EXAMPLES // OPERATIONS, 10))
    @given(st.integers(0, 2**64 - 1))
    def compare_one(seed: int) -> None:
        asyncio.run(compare(Random(seed), seen))  # noqa: S311 - nothing secret: an example

    compare_one()
    # Otherwise, this would compare graphql-core with itself.
    assert seen["planned"] > EXAMPLES / 2, seen
    kinds = ("unplanned", "abandoned", "errors", "events", "several calls", "lists of lists")
    assert all(seen[kind] > EXAMPLES / 200 for kind in kinds), seen
