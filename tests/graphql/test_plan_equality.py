"""Plans answer as graphql-core does: on generated documents, over generated worlds.

`make equality` runs ten thousand examples; KONAGRAPH_EQUALITY_EXAMPLES says how many.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from random import Random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from graph.graphql.documents import Documents
from graph.graphql.executor import OperationExecutor
from graph.graphql.limits import DocumentLimits
from tests.graphql.plan_documents import DocumentMaker, variables_for
from tests.graphql.plan_records import world
from tests.graphql.plan_world import Outcome, World, outcome_of
from tests.graphql.schemas import SCHEMA
from tests.tools import examples

EXAMPLES = int(os.environ.get("KONAGRAPH_EQUALITY_EXAMPLES", examples(250)))
LIMITS = DocumentLimits(
    characters=100_000,
    tokens=20_000,
    depth=100,
    aliases=5_000,
    root_fields=5_000,
    fields=50_000,
    directives=5_000,
    cost=1_000_000,
    comparisons=1_000_000,
)


@pytest.mark.no_cover
def test_plans_answer_as_graphql_core_does_and_ask_no_more() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES)
    @given(st.integers(1, 5), st.integers(0, 2**64 - 1))
    def compare(width: int, seed: int) -> None:
        random = Random(seed)  # noqa: S311 - nothing secret: an example
        made = DocumentMaker(random, width)
        note(made.text)
        documents = Documents(SCHEMA, LIMITS, introspection=True)
        text = made.text
        if random.random() < 0.5:
            document, hoisted = documents.read(text), {}
        else:
            resolved = documents.resolve(text)
            document, hoisted = resolved.document, dict(resolved.hoisted)
        operation = document.operation(random.choice(made.operations))
        plans, core = OperationExecutor(SCHEMA), OperationExecutor(SCHEMA, "core")
        # Twice: the second time, the plan is cached.
        for _ in range(2):
            variables = {**variables_for(random, clean=random.random() < 0.8), **hoisted}
            around = world(random)

            async def both(around: World = around, variables: dict[str, object] = variables) -> list[Outcome]:
                return [
                    await outcome_of(executor, around, document, operation, variables)
                    for executor in (core, plans)
                ]

            expected, actual = asyncio.run(both())
            assert actual == expected
            seen["errors"] += bool(expected.errors)
            seen["events"] += bool(expected.events)
        seen.update(
            planned=plans.counts.planned, unplanned=plans.counts.unplanned, abandoned=plans.counts.abandoned
        )

    compare()
    # Otherwise, this would compare graphql-core with itself.
    assert seen["planned"] > EXAMPLES
    assert all(seen[kind] > EXAMPLES / 25 for kind in ("unplanned", "abandoned", "errors", "events")), seen
