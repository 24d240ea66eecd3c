"""Trusted documents: the manifest that a client's build writes, checked as a whole before the first request.

Three tools' forms are read: Apollo's (`generate-persisted-query-manifest`), and the plain object from ids to
documents that GraphQL Code Generator's client preset and Relay's compiler write.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from graph.graphql.documents import must_not_be_kept
from graph.graphql.errors import DocumentError
from graph.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLError

    from graph.graphql.documents import Documents
    from graph.graphql.operation import Document

MAX_BYTES: Final = 16 * 1024 * 1024
_APOLLO: Final = "apollo-persisted-query-manifest"
_APOLLO_VERSION: Final = 1
_UNKNOWN_FORM: Final = (
    f"has an unknown form; known are {_APOLLO} version {_APOLLO_VERSION} and an object from ids to documents"
)
_SHOWN_CHARACTERS: Final = 80
# What the GraphQL-over-HTTP draft puts before an id that is a hash.
_HASH_PREFIX: Final = "sha256:"


class ManifestError(Exception):
    """A manifest that cannot be used; `problems` names every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """Valid documents by id and by text. They are few, and stay for the life of the process."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """The documents' texts by id."""
    documents: Mapping[str, Document] = field(default_factory=dict, compare=False)
    """The documents by text, which must be the manifest's to the letter."""

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def operation_names(self) -> frozenset[str]:
        """The names of all operations."""
        return frozenset(
            name for document in self.documents.values() for name in document.operations if name is not None
        )

    def text(self, document_id: str) -> str | None:
        """The text of an id."""
        text = self.texts.get(document_id)
        return self.texts.get(document_id.removeprefix(_HASH_PREFIX)) if text is None else text

    def by_id(self, document_id: str) -> Document | None:
        """The document of an id."""
        text = self.text(document_id)
        return None if text is None else self.documents[text]


def trust(content: bytes, documents: Documents) -> TrustedDocuments:
    """Check the content of a manifest: its form, and each document against the schema and the limits.

    Raises:
        ManifestError: with every problem at once; no problem quotes a document.
    """
    texts: dict[str, str] = {}
    checked: dict[str, Document] = {}
    problems: list[str] = []
    for place, (document_id, text) in enumerate(_entries(content), 1):
        name = _shown(document_id, place)
        if not isinstance(document_id, str) or not document_id or not isinstance(text, str):
            problems.append(f"{name} has no id or no text")
        elif document_id in texts:
            problems.append(f"{name} has the id of another one")
        else:
            texts[document_id] = text
            problems += [f"{name}: {problem}" for problem in _check(text, documents, checked)]
    if not texts and not problems:
        problems.append("holds no document")
    if problems:
        raise ManifestError(problems)
    return TrustedDocuments(texts, checked)


def _entries(content: bytes) -> Iterator[tuple[object, object]]:
    """The manifest's ids and texts, whatever they are."""
    try:
        manifest = json.loads(content.decode("utf-8"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        # `from None`: the cause holds the content.
        raise ManifestError(["is not JSON"]) from None
    if not isinstance(manifest, _Pairs):
        raise ManifestError([_UNKNOWN_FORM])
    members = dict(manifest)
    if "operations" not in members:
        yield from manifest
        return
    operations = members["operations"]
    form = members.get("format"), members.get("version"), type(operations)
    if form != (_APOLLO, _APOLLO_VERSION, list):
        raise ManifestError([_UNKNOWN_FORM])
    for operation in operations:
        entry = dict(operation) if isinstance(operation, _Pairs) else {}
        yield entry.get("id"), entry.get("body")


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON as it is written: a dictionary would hide an id that is there twice."""


def _check(text: str, documents: Documents, checked: dict[str, Document]) -> list[str]:
    """What is wrong with one document; a good one joins those that are checked."""
    if text in checked:
        return []
    if must_not_be_kept(text):
        return ["it may hold a card number; a trusted document must take it as a variable"]
    try:
        checked[text] = documents.read(text)
    except DocumentError as error:
        return [_message(entry) for entry in error.errors]
    return []


def _message(error: GraphQLError) -> str:
    places = ", ".join(f"line {place.line}, column {place.column}" for place in error.locations or ())
    return f"{error.message} ({places})" if places else error.message


def _shown(document_id: object, place: int) -> str:
    """A document's place and id, as far as the id may be shown."""
    shown = f" {redact(document_id)[:_SHOWN_CHARACTERS]!r}" if isinstance(document_id, str) and document_id else ""
    return f"document {place}{shown}"
