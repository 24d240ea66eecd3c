"""Builds the document resolver from the settings: limits, trusted documents, registered documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.config.files import UnreadableFileError, read_bytes, unreadable
from graph.config.settings import Settings, SettingsError
from graph.graphql.bindings import executable_schema
from graph.graphql.documents import Documents
from graph.graphql.manifests import MAX_BYTES, ManifestError, TrustedDocuments, trust
from graph.graphql.persisted import DocumentResolver, Mode
from graph.graphql.registered import RegisteredDocuments

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLSchema
    from redis.asyncio import Redis

    from graph.graphql.persisted import UntrustedDocument


def build_documents(
    settings: Settings,
    schema: GraphQLSchema | None = None,
    on_untrusted: Callable[[UntrustedDocument], None] | None = None,
    redis: Redis | None = None,
) -> DocumentResolver:
    """The resolver of documents, by default of the schema with all APIs of Konaplate.

    Raises:
        SettingsError: naming everything in the manifest that cannot be used.
    """
    documents = _reader(settings, schema)
    return DocumentResolver(
        documents,
        trusted=_trusted(settings, documents),
        mode=Mode(settings.konagraph_documents_mode),
        registered=RegisteredDocuments(redis) if settings.allowed_in_development(settings.konagraph_apq) else None,
        on_untrusted=on_untrusted,
    )


def read_trusted(settings: Settings, schema: GraphQLSchema | None = None) -> TrustedDocuments:
    """The current manifest, parsed with a reader of its own, so that this may run in a thread.

    Raises:
        SettingsError: naming everything in it that cannot be used.
    """
    return _trusted(settings, _reader(settings, schema))


def _reader(settings: Settings, schema: GraphQLSchema | None) -> Documents:
    return Documents(
        executable_schema() if schema is None else schema,
        settings.document_limits,
        # Forbidden for all, it is a matter of validation; allowed for some, of the viewer.
        introspection=settings.konagraph_introspection is not False,
    )


def _trusted(settings: Settings, documents: Documents) -> TrustedDocuments:
    if settings.konagraph_documents is None:
        return TrustedDocuments()
    try:
        return trust(read_bytes(settings.konagraph_documents, MAX_BYTES), documents)
    except UnreadableFileError as error:
        raise SettingsError([f"KONAGRAPH_DOCUMENTS: {unreadable(error)}"]) from None
    except ManifestError as error:
        problems = [f"KONAGRAPH_DOCUMENTS: {problem}" for problem in error.problems]
        raise SettingsError(problems) from None
