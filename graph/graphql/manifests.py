"""Trusted documents: the manifest that a client's build writes, validated as a whole before the first request.

Accepted are Apollo's format (`generate-persisted-query-manifest`) and an object from ids to documents, as GraphQL
Code Generator's client preset and Relay's compiler write it.
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
# The prefix of ids that are hashes in the GraphQL-over-HTTP draft.
_HASH_PREFIX: Final = "sha256:"


class ManifestError(Exception):
    """A manifest is unusable; `problems` has every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """The valid documents of a manifest."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """By id."""
    documents: Mapping[str, Document] = field(default_factory=dict, compare=False)
    """By exact text."""

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def operation_names(self) -> frozenset[str]:
        """Of all documents."""
        return frozenset(
            name for document in self.documents.values() for name in document.operations if name is not None
        )

    def text(self, document_id: str) -> str | None:
        """Return the text of an id, or None."""
        text = self.texts.get(document_id)
        return self.texts.get(document_id.removeprefix(_HASH_PREFIX)) if text is None else text

    def by_id(self, document_id: str) -> Document | None:
        """Return the document of an id, or None."""
        text = self.text(document_id)
        return None if text is None else self.documents[text]


def trust(content: bytes, documents: Documents) -> TrustedDocuments:
    """Validate the content of a manifest: its format, and each document against the schema and the limits.

    Raises:
        ManifestError: with every problem at once. No problem quotes a document.
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
    """Yield the manifest's ids and texts, of any type."""
    try:
        manifest = json.loads(content.decode("utf-8"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        # `from None`: the cause quotes the content.
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
    """A JSON object as it is written: a dictionary would hide duplicate ids."""


def _check(text: str, documents: Documents, checked: dict[str, Document]) -> list[str]:
    """Return the problems of a document, or add it to those that are `checked`."""
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
    """Return a document's place and redacted id."""
    shown = f" {redact(document_id)[:_SHOWN_CHARACTERS]!r}" if isinstance(document_id, str) and document_id else ""
    return f"document {place}{shown}"
