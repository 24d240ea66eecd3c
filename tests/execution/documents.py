"""What the tests of stored documents share."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from graph.execution.documents import DocumentLimits, Documents
from schema.query import build_schema

CARD = "9491339400000013"
CARD_QUERY = "query Card($n: CardNumber!) { card(cardNo: $n) { balance } }"
TYPENAME = "query Name { __typename }"
INLINE_CARD = f'query Inline {{ card(cardNo: "{CARD}") {{ balance }} }}'


def new_documents(**limits: int) -> Documents:
    return Documents(build_schema(), DocumentLimits(**limits), introspection=False)


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def apollo_manifest(*operations: dict[str, Any]) -> bytes:
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
    return json.dumps(manifest).encode()


def apollo_operation(text: str, name: str = "Card") -> dict[str, Any]:
    return {"id": hash_of(text), "name": name, "type": "query", "body": text}
