"""Helpers of the tests of stored documents."""

from __future__ import annotations

import gc
import json
from hashlib import sha256
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from graphql import GraphQLSchema

from graph.graphql.documents import Documents
from graph.graphql.limits import DocumentLimits
from graph.graphql.manifests import Manifest, trust
from tests.graphql.schemas import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graph.graphql.manifests import TrustedDocuments

CARD = "9491339400000013"
CARD_QUERY = "query Card($n: CardNumber!) { card(cardNo: $n) { balance } }"
TYPENAME = "query Name { __typename }"
INLINE_CARD = f'query Inline {{ card(cardNo: "{CARD}") {{ balance }} }}'


def new_documents(**limits: int) -> Documents:
    return Documents(SCHEMA, DocumentLimits(**limits), introspection=False)


def trusting(*contents: bytes) -> TrustedDocuments:
    """The documents of manifests without a name."""
    return trust(map(Manifest, contents), new_documents())


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def apollo_manifest(*operations: dict[str, Any]) -> bytes:
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
    return json.dumps(manifest).encode()


def apollo_operation(text: str, name: str = "Card") -> dict[str, Any]:
    return {"id": hash_of(text), "name": name, "type": "query", "body": text}


def texts_within(root: object) -> Iterator[str]:
    """Every text that an object keeps alive, except for those of the program and the schema."""
    seen: set[int] = set()
    pending = [root]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif not isinstance(item, (type, ModuleType, GraphQLSchema)) and id(item) not in seen:
            seen.add(id(item))
            program = (item.__globals__, item.__code__) if isinstance(item, FunctionType) else ()
            pending += [inner for inner in gc.get_referents(item) if not any(inner is part for part in program)]
