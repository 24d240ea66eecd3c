"""Hypothesis strategies for JSON that favour the vendor's names and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.konaplate.support import USER_ID, card_fields, member_fields

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_TOP = [*card_fields(), "userInfo", "encData", "response", "code", "reason"]
_INNER = [*card_fields()["cashReceiptInfo"], *member_fields(), *member_fields()["addressInfo"], "description"]
_WORDS = ["000_000", "003_001", "777_777", "ACTIVE", "0", "", str(USER_ID)]
_NUMBERS = [0, -1, 2**53, 2**63, 2**64 - 1, 10**19 - 1, 10**19, 9_999_999_999, 10**10, USER_ID]

# No lone surrogates: JSON in UTF-8 cannot carry them.
_texts = st.one_of(st.sampled_from(_WORDS), st.text(st.characters(codec="utf-8"), max_size=20))
_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(_NUMBERS),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    _texts,
)


def _objects(names: list[str], values: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.one_of(st.sampled_from(names), _texts), values, max_size=8)


def json_values() -> SearchStrategy[Any]:
    """Any JSON value."""
    return st.recursive(
        _leaves, lambda inner: st.one_of(st.lists(inner, max_size=4), _objects(_INNER, inner)), max_leaves=8
    )


def json_objects(names: list[str] | None = None) -> SearchStrategy[dict[str, Any]]:
    """Any JSON object, often with some of the vendor's names in it."""
    return _objects(names or _TOP, json_values())
