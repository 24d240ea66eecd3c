"""The stored documents of clients, read from their manifests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import GraphQLError, parse, separate_operations

from graph.config.files import UnreadableFileError, read_bytes, unreadable
from graph.graphql.manifests import MAX_BYTES, ManifestError, client_of, read_manifest
from graph.redact import redact, safe_name
from graph.wiring.documents import manifest_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from graphql import DocumentNode

_SHOWN_CHARACTERS: Final = 80


class UnusableInputError(Exception):
    """What was given cannot be used; `problems` says why."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, eq=False)
class StoredDocument:
    """One operation of a document of a client's manifest, with its fragments."""

    client: str
    """The client's name and version; of a file that names none, the file's name."""
    name: str
    """Its name, or the document's id."""
    node: DocumentNode


def read_stored(paths: Iterable[Path]) -> list[StoredDocument]:
    """Return the documents of manifests, and of all manifests in folders.

    Raises:
        UnusableInputError: naming every file and document that cannot be read.
    """
    files, missing = manifest_files(paths)
    problems = [f"--documents {each}" for each in missing]
    documents: list[StoredDocument] = []
    for file in files:
        try:
            documents += _documents(file, problems)
        except UnreadableFileError as error:
            problems.append(f"--documents {unreadable(error)}")
        except ManifestError as error:
            problems += [f"{file}: {problem}" for problem in error.problems]
    if problems:
        raise UnusableInputError(problems)
    return documents


def _documents(file: Path, problems: list[str]) -> Iterator[StoredDocument]:
    client = client_of(file.name) or file.name
    for document_id, text in read_manifest(read_bytes(file, MAX_BYTES)).items():
        shown = redact(document_id)[:_SHOWN_CHARACTERS]
        try:
            node = parse(text, no_location=False)
        except (GraphQLError, RecursionError):
            # The error quotes the text.
            problems.append(f"{file}: document {shown!r} is not valid GraphQL")
            continue
        operations = separate_operations(node)
        if not operations:
            problems.append(f"{file}: document {shown!r} has no operation")
        for name, operation in operations.items():
            yield StoredDocument(client, safe_name(name) or shown, operation)
