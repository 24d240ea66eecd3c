"""Every operation of the docs, GraphiQL and the benchmarks has a plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from benchmarks.scenarios import SCENARIOS
from graph.graphql.bindings import executable_schema
from graph.graphql.documents import Documents
from graph.graphql.limits import DocumentLimits
from graph.graphql.plan.compiler import Shape
from graph.konaplate.endpoints import ENDPOINTS
from graph.wiring.http import EXAMPLE_QUERY, MY_CARDS
from tests.cost.operations import OPERATIONS
from tests.graphql.schemas import SCHEMA
from tests.support import CONTRACT_QUERY
from tests.test_schema_page import CALLS, QUERIES
from tests.test_toy_endpoint import COUPONS, QUERY, CouponQuery
from tests.tools import ROOT

if TYPE_CHECKING:
    from graphql import GraphQLSchema

LIMITS = DocumentLimits(aliases=100, root_fields=100, fields=1000, tokens=2000, cost=1000)
TEXTS = [
    EXAMPLE_QUERY,
    MY_CARDS,
    CONTRACT_QUERY,
    *(scenario.query for scenario in SCENARIOS),
    *(operation.document for operation in OPERATIONS.values()),
    *re.findall(r'"query": "(.*)"', (ROOT / "README.md").read_text(encoding="utf-8")),
    *QUERIES,
    *(query for query, _, _ in CALLS),
]


def assert_planned(schema: GraphQLSchema, text: str) -> None:
    document = Documents(schema, LIMITS, introspection=False).read(text)
    for operation in document.operations.values():
        shape = Shape(schema, document.node, operation.node)
        for value in (True, False):
            assert shape.plan(dict.fromkeys(shape.switches, value)).steps > 1


@pytest.mark.parametrize("text", TEXTS)
def test_a_documented_operation_has_a_plan(text: str) -> None:
    assert_planned(SCHEMA, text)


def test_an_operation_over_an_api_of_somebody_elses_has_a_plan() -> None:
    assert_planned(executable_schema([*ENDPOINTS, COUPONS], CouponQuery), QUERY)
