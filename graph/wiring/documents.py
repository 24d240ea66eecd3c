"""Builds the document resolver from the settings: limits, trusted documents, registered documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.config.files import UnreadableFileError, is_plainly_a_path, read_bytes, unreadable
from graph.config.settings import Settings, SettingsError
from graph.graphql.bindings import executable_schema
from graph.graphql.documents import Documents
from graph.graphql.manifests import MAX_BYTES, Manifest, ManifestError, TrustedDocuments, client_of, trust
from graph.graphql.persisted import DocumentResolver, Mode
from graph.graphql.registered import RegisteredDocuments
from schema.federation import root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

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
        SettingsError: naming everything in the manifests that cannot be used.
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
    """The current manifests, parsed with a reader of its own, so that this may run in a thread.

    Raises:
        SettingsError: naming everything in them that cannot be used.
    """
    return _trusted(settings, _reader(settings, schema))


def _reader(settings: Settings, schema: GraphQLSchema | None) -> Documents:
    return Documents(
        executable_schema(query=root_of(federation=settings.konagraph_federation)) if schema is None else schema,
        settings.document_limits,
        # Forbidden for all, it is a matter of validation; allowed for some, of the viewer.
        introspection=settings.konagraph_introspection is not False,
    )


def _trusted(settings: Settings, documents: Documents) -> TrustedDocuments:
    files, problems = manifest_files(settings.konagraph_documents)
    manifests = []
    for place, file in enumerate(files, 1):
        name = _shown(file, place) if len(files) > 1 else ""
        try:
            manifests.append(Manifest(read_bytes(file, MAX_BYTES), name, client_of(file.name)))
        except UnreadableFileError as error:
            problems.append(unreadable(error))
        except ManifestError as error:
            problems += [f"{name or 'the file'} {problem}" for problem in error.problems]
    try:
        trusted = trust(manifests, documents)
    except ManifestError as error:
        problems += error.problems
    if problems:
        raise SettingsError([f"KONAGRAPH_DOCUMENTS: {problem}" for problem in problems])
    return trusted


def manifest_files(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The manifests that paths name, each by itself or all of a folder, and what cannot be read."""
    files: list[Path] = []
    problems: list[str] = []
    for path in paths:
        try:
            files += _of_folder(path) if path.is_dir() else [path]
        except UnreadableFileError as error:
            problems.append(unreadable(error))
    return files, problems


def _of_folder(folder: Path) -> list[Path]:
    try:
        found = sorted(file for file in folder.iterdir() if file.suffix == ".json" and file.name[0] != ".")
    except OSError as error:
        raise UnreadableFileError(folder, error.strerror or type(error).__name__) from None
    if not found:
        raise UnreadableFileError(folder, "the folder has no .json file")
    return found


def _shown(file: Path, place: int) -> str:
    return str(file) if is_plainly_a_path(str(file)) else f"manifest {place}"
