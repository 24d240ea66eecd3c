"""Which parts of a document are walked: all but names, which are a third of it and looked at where they stand."""

from __future__ import annotations

from typing import Final

from graphql.language.ast import QUERY_DOCUMENT_KEYS

# Not what only a schema has.
_EXECUTABLE: Final = frozenset(
    {
        *("document", "operation_definition", "variable_definition", "fragment_definition", "selection_set"),
        *("field", "fragment_spread", "inline_fragment", "directive", "argument", "fragment_argument"),
        *("list_value", "object_value", "object_field", "named_type", "list_type", "non_null_type"),
    }
)

WALKED: Final = {
    kind: tuple(key for key in keys if key not in ("name", "alias", "description"))
    for kind, keys in QUERY_DOCUMENT_KEYS.items()
    if kind in _EXECUTABLE
}
"""By a node's kind, for graphql-core's `visit`."""
