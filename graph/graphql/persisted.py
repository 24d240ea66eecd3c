"""From a request to its document: by text, by the id of a trusted document, or by a registered hash.

Registering is Apollo's protocol of automatic persisted queries: a client asks by hash, is told that it is unknown,
and sends the text along once. See https://www.apollographql.com/docs/apollo-server/performance/apq
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
from graph.graphql.errors import UnavailableDocumentError, refused
from graph.graphql.manifests import TrustedDocuments
from graph.graphql.operation import Resolved
from graph.redact import safe_name
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from graph.graphql.documents import Documents
    from graph.graphql.registered import RegisteredDocuments
    from graph.graphql.request import GraphQLRequest

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)

Pay: TypeAlias = Callable[[int], Awaitable[object]]
"""Spends what it costs to read a text."""

# Clients of automatic persisted queries look for this message to the letter, and no longer ask by hash then.
_NOT_SUPPORTED: Final = "PersistedQueryNotSupported"


class Mode(StrEnum):
    """What becomes of a text that is not in the manifest: nothing, a report, or a refusal."""

    OFF = "off"
    LOG = "log"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class UntrustedDocument:
    """A document that was executed although it is not in the manifest; free of secrets."""

    operations: tuple[str, ...]
    """The names of its operations."""
    sha256: str | None
    """The hash of its text, or of what is left of it without its card numbers; None where that could hold one."""


class DocumentResolver:
    """Finds the document of a request. Whoever sends a text that is not known yet pays before it is read.

    Args:
        documents: reads and remembers texts.
        trusted: the manifest's documents.
        mode: what becomes of other texts.
        registered: where hashes are registered; None to register nothing.
        on_untrusted: told of each document that mode `log` lets pass.
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
        """What reads and remembers texts; its counters are for metrics."""
        self.trusted = trusted or TrustedDocuments()
        """The manifest's documents; others may take their place at any time."""
        self._mode = mode
        self._registered = None if mode is Mode.ENFORCE else registered
        self._on_untrusted = on_untrusted if mode is Mode.LOG else None

    async def find(self, request: GraphQLRequest, pay: Pay, introspection: Callable[[], bool]) -> Resolved:
        """The document that a request names.

        Args:
            request: names it by an id, a hash or its text.
            pay: is asked before a text is read that is not known; its errors pass through.
            introspection: whether the viewer may query the schema; asked for such a text, too.

        Raises:
            GatewayError: `BAD_REQUEST`, for a hash that is none, or not the text's.
            UnavailableDocumentError: when it is unknown or not allowed.
            DocumentError: when it is too large or not valid.
        """
        text, sha256_hash = request.query, request.persisted_hash
        if request.document_id is not None:
            document = self.trusted.by_id(request.document_id)
            if document is None:
                raise self._not_found()
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

    async def _by_text(self, text: str, pay: Pay, introspection: Callable[[], bool]) -> Resolved:
        trusted = self.trusted.documents.get(text)
        if trusted is not None:
            return Resolved(trusted)
        if self._mode is Mode.ENFORCE:
            # Before it is even parsed: a text of somebody's own shall cost nothing.
            raise _unavailable(ErrorCode.DOCUMENT_NOT_ALLOWED)
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
        # An id of the manifest need not be a SHA-256 hash, and clients send it in the place of one.
        trusted = self.trusted.by_id(sha256_hash)
        if trusted is not None:
            return Resolved(trusted)
        _check_form(sha256_hash)
        text = await self._registered.get(sha256_hash) if self._registered is not None else None
        # A store that is shared could have been written to by others.
        if text is None or _hash(text) != sha256_hash:
            raise self._not_found()
        return await self._by_text(text, pay, introspection)

    def _check_hash(self, sha256_hash: str, text: str) -> bool:
        """Whether a text may be registered by the hash that came with it, which must be its own."""
        trusted = self.trusted.text(sha256_hash)
        if trusted is not None:
            if trusted != text:
                raise _mismatch()
            return False
        _check_form(sha256_hash)
        if must_not_be_kept(text):
            # Not even hashed: who has the hash can try all card numbers.
            return False
        if _hash(text) != sha256_hash:
            raise _mismatch()
        return True

    def _not_found(self) -> UnavailableDocumentError:
        # Where nothing is ever found, a client had better not ask by hash again.
        supported = self._registered is not None or len(self.trusted) > 0
        return _unavailable(ErrorCode.PERSISTED_QUERY_NOT_FOUND, None if supported else _NOT_SUPPORTED)


def _unavailable(code: ErrorCode, message: str | None = None) -> UnavailableDocumentError:
    return UnavailableDocumentError(refused(code, message).errors)


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()


def _check_form(sha256_hash: str) -> None:
    if _SHA256.fullmatch(sha256_hash) is None:
        raise GatewayError(
            ErrorCode.BAD_REQUEST,
            "The parameter 'extensions.persistedQuery.sha256Hash' must be 64 lowercase hexadecimal digits.",
        )


def _mismatch() -> GatewayError:
    return GatewayError(ErrorCode.BAD_REQUEST, "provided sha does not match query")
