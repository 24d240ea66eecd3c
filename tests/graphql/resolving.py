"""A document resolver with all its parts, and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.errors import GatewayError
from graph.graphql.manifests import Manifest, TrustedDocuments, trust
from graph.graphql.persisted import DocumentResolver, Mode, UntrustedDocument
from graph.graphql.registered import RegisteredDocuments
from graph.graphql.request import GraphQLRequest
from schema.errors import ErrorCode
from tests.graphql.documents import (
    CARD_QUERY,
    apollo_manifest,
    apollo_operation,
    hash_of,
    new_documents,
)

if TYPE_CHECKING:
    import pytest

    from graph.graphql.documents import Documents
    from graph.graphql.errors import DocumentError
    from graph.graphql.operation import Document, Resolved

NOT_FOUND = (ErrorCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
NOT_SUPPORTED = (ErrorCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotSupported")
NOT_ALLOWED = (ErrorCode.DOCUMENT_NOT_ALLOWED, "Only stored documents are executed.")


class Fixture:
    """A resolver with all its parts."""

    def __init__(self, mode: Mode = Mode.OFF, *, manifest: bytes | None = None, registers: bool = True) -> None:
        self.documents: Documents = new_documents()
        self.store = RegisteredDocuments()
        self.paid = 0
        self.reports: list[UntrustedDocument] = []
        self.resolver = DocumentResolver(
            self.documents,
            trusted=trust([Manifest(manifest)], self.documents) if manifest else TrustedDocuments(),
            mode=mode,
            registered=self.store if registers else None,
            on_untrusted=self.reports.append,
        )

    async def resolved(self, request: GraphQLRequest) -> Resolved:
        return await self.resolver.find(request, self.pay, lambda: True)

    async def pay(self, cost: int) -> None:
        self.paid += cost

    async def by_text(self, text: str) -> Document:
        return (await self.resolved(GraphQLRequest(text))).document

    async def by_hash(self, sha256: str, text: str | None = None) -> Document:
        return (await self.resolved(GraphQLRequest(text, persisted_hash=sha256))).document

    async def by_id(self, document_id: str) -> Document:
        return (await self.resolved(GraphQLRequest(None, document_id=document_id))).document


def refusal(caught: pytest.ExceptionInfo[DocumentError]) -> tuple[ErrorCode, str]:
    (error,) = caught.value.errors
    assert isinstance(error.original_error, GatewayError)
    return error.original_error.code, error.original_error.message


MANIFEST = apollo_manifest(apollo_operation(CARD_QUERY))
ID = hash_of(CARD_QUERY)
