"""Hooks for Schemathesis: generates card numbers, and checks our responses.

Runs in the tool's own environment, which cannot import this project.
"""

# mypy: disable-error-code="import-not-found, untyped-decorator"

import json
import os
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

_CARDS = json.loads(os.environ["CARDS"])
_NUMBERS = st.sampled_from(_CARDS).map(nodes.String)
_NO_NUMBERS = (
    st.text(max_size=20).map(nodes.String)
    | st.text("0123456789", min_size=14, max_size=18).map(nodes.String)
    | st.integers().map(nodes.Int)
    | st.floats(allow_nan=False, allow_infinity=False).map(nodes.Float)
    | st.booleans().map(nodes.Boolean)
    | st.sampled_from(["A", *(f"c{card}" for card in _CARDS)]).map(nodes.Enum)
)

schemathesis.graphql.scalar("CardNumber", _NUMBERS if os.environ["VALID"] == "1" else _NUMBERS | _NO_NUMBERS)


@schemathesis.check
def foreseen(_context: Any, response: Any, _case: Any) -> None:
    """Every response is a private GraphQL response without unexpected errors."""
    assert response.status_code == 200
    assert response.headers["cache-control"] == ["private, no-store"]
    for error in response.json().get("errors", ()):
        assert error["extensions"]["code"] != "INTERNAL_SERVER_ERROR"
        assert not any(card in error["message"] for card in _CARDS)
