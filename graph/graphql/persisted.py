"""Resolves a request to its document: by text, by the id of a trusted document, or by a registered hash.

Hashes are registered by Apollo's protocol of automatic persisted queries: a client sends a hash, learns that it is
unknown, and sends the text along once. See https://www.apollographql.com/docs/apollo-server/performance/apq
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias

from graph.errors import GatewayError
from graph.graphql.documents import must_not_be_kept
from graph.graphql.errors import UnknownHashError, refused
from graph.graphql.manifests import TrustedDocuments
from graph.graphql.operation import Resolved
from graph.graphql.request import MalformedRequestError
from graph.redact import safe_name
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from graph.graphql.documents import Documents
    from graph.graphql.operation import Document
    from graph.graphql.registered import RegisteredDocuments
    from graph.graphql.request import GraphQLRequest

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)

Pay: TypeAlias = Callable[[int], Awaitable[object]]
"""Charges the cost of parsing a document."""

# Clients of automatic persisted queries match this message literally, and stop sending hashes.
_NOT_SUPPORTED: Final = "PersistedQueryNotSupported"


class Mode(StrEnum):
    """Whether documents outside the manifest are executed, executed and logged, or refused."""

    OFF = "off"
    LOG = "log"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class UntrustedDocument:
    """A document that was executed although it is not in the manifest. Safe to log."""

    operations: tuple[str, ...]
    """The names of its operations."""
    sha256: str | None
    """As in `Document`."""


class DocumentResolver:
    """Resolves requests to documents. Parsing an unknown document is charged first.

    Args:
        documents: parses and caches documents.
        trusted: the manifest's documents.
        mode: for documents outside the manifest.
        registered: the store of hashes; None for no automatic persisted queries.
        on_untrusted: called with each document that mode `log` lets pass.
    """

    def __init__(
        self,
        documents: Documents,
        *,
        trusted: TrustedDocuments | None = None,
        mode: Mode = Mode.OFF,
        registered: RegisteredDocuments | None = None,
        on_untrusted: Callable[[UntrustedDocument], None] | None = None,
    ) -> None:
        self.cache = documents
        self.trusted = trusted or TrustedDocuments()
        """Replaceable at any time."""
        self._mode = mode
        self._registered = None if mode is Mode.ENFORCE else registered
        self._on_untrusted = on_untrusted if mode is Mode.LOG else None

    async def find(self, request: GraphQLRequest, pay: Pay, introspection: Callable[[], bool]) -> Resolved:
        """Return the document of a request.

        Args:
            request: names it by id, hash or text.
            pay: called before an unknown document is parsed; its errors propagate.
            introspection: whether the viewer may query the schema; called for unknown documents only.

        Raises:
            GatewayError: `BAD_REQUEST`, for a malformed hash, or one that is not the text's.
            DocumentError: when the document is unknown, not allowed, too large or invalid; `UnknownHashError` when
                it is unknown and named by its hash.
        """
        text, sha256_hash = request.query, request.persisted_hash
        if request.document_id is not None:
            document = self.trusted.by_id(request.document_id)
            if document is None:
                raise refused(ErrorCode.PERSISTED_QUERY_NOT_FOUND, self._miss())
            return Resolved(document)
        if sha256_hash is None:
            return await self._by_text(text or "", pay, introspection)
        if text is None:
            return await self._by_hash(sha256_hash, pay, introspection)
        may_be_registered = self._check_hash(sha256_hash, text)
        resolved = await self._by_text(text, pay, introspection)
        if may_be_registered and self._registered is not None:
            await self._registered.put(sha256_hash, text)
        return resolved

    def has_stored(self, document: Document) -> bool | None:
        """Whether a document is one of the manifest; None without a manifest."""
        stored = self.trusted.documents.values()
        return any(each is document for each in stored) if stored else None

    async def _by_text(self, text: str, pay: Pay, introspection: Callable[[], bool]) -> Resolved:
        trusted = self.trusted.documents.get(text)
        if trusted is not None:
            return Resolved(trusted)
        if self._mode is Mode.ENFORCE:
            # Before parsing, so that a foreign text costs nothing.
            raise refused(ErrorCode.DOCUMENT_NOT_ALLOWED)
        resolved = self.cache.known(text)
        if resolved is None:
            if cost := self.cache.cost(text):
                await pay(cost)
            resolved = self.cache.resolve(text, introspection=introspection())
        if self._on_untrusted is not None:
            document = resolved.document
            names = tuple(safe_name(name) for name in document.operations if name)
            self._on_untrusted(UntrustedDocument(names, document.sha256))
        return resolved

    async def _by_hash(self, sha256_hash: str, pay: Pay, introspection: Callable[[], bool]) -> Resolved:
        # Clients send ids of the manifest in place of hashes; they need not look like one.
        trusted = self.trusted.by_id(sha256_hash)
        if trusted is not None:
            return Resolved(trusted)
        _check_form(sha256_hash)
        store = self._registered
        text = None if store is None else await store.get(sha256_hash)
        # Others could have written to Redis.
        if store is None or text is None or _hash(text) != sha256_hash:
            raise UnknownHashError(self._miss())
        if not must_not_be_kept(text):
            store.keep(sha256_hash, text)
        return await self._by_text(text, pay, introspection)

    def _check_hash(self, sha256_hash: str, text: str) -> bool:
        """Verify the hash of a document, and return whether it may be registered."""
        trusted = self.trusted.text(sha256_hash)
        if trusted is not None:
            if trusted != text:
                raise _mismatch()
            return False
        _check_form(sha256_hash)
        if must_not_be_kept(text):
            # Not even hashed: a hash can be reversed by trying all card numbers.
            return False
        if _hash(text) != sha256_hash:
            raise _mismatch()
        return True

    def _miss(self) -> str | None:
        """The message about an unknown id; None for the code's own."""
        # If nothing is ever stored, clients should stop sending hashes.
        return None if self._registered is not None or len(self.trusted) > 0 else _NOT_SUPPORTED


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()


def _check_form(sha256_hash: str) -> None:
    if _SHA256.fullmatch(sha256_hash) is None:
        raise MalformedRequestError(
            "The parameter 'extensions.persistedQuery.sha256Hash' must be 64 lowercase hexadecimal digits."
        )


def _mismatch() -> GatewayError:
    return GatewayError(ErrorCode.BAD_REQUEST, "provided sha does not match query")
