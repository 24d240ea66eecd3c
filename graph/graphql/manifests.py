"""Trusted documents: the manifests that clients' builds write, validated as a whole before the first request.

Accepted are Apollo's format (`generate-persisted-query-manifest`) and an object from ids to documents, as GraphQL
Code Generator's client preset and Relay's compiler write it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from graph.graphql.documents import must_not_be_kept
from graph.graphql.errors import DocumentError
from graph.redact import holds_card_number, redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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
_SUFFIX: Final = ".json"
CLIENT: Final = r"[A-Za-z][A-Za-z0-9._-]{0,39}"
"""The pattern of a client's name."""
VERSION: Final = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}"
"""The pattern of a client's version."""
_CLIENT: Final = re.compile(f"{CLIENT}@{VERSION}", re.ASCII)
# The prefix of ids that are hashes in the GraphQL-over-HTTP draft.
_HASH_PREFIX: Final = "sha256:"


class ManifestError(Exception):
    """A manifest is unusable; `problems` has every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a manifest, not yet validated."""

    content: bytes
    name: str = ""
    """Shown before each of its problems."""
    client: str | None = None
    """The name and version of the client whose documents it has."""


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """The valid documents of all manifests."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """By id."""
    documents: Mapping[str, Document] = field(default_factory=dict, compare=False)
    """By exact text."""
    clients: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The clients that have a document in their manifests, by exact text."""

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def operation_names(self) -> frozenset[str]:
        """The names of all documents' operations."""
        return frozenset(
            name for document in self.documents.values() for name in document.operations if name is not None
        )

    @property
    def client_names(self) -> frozenset[str]:
        """The clients of all documents."""
        return frozenset(client for clients in self.clients.values() for client in clients)

    def text(self, document_id: str) -> str | None:
        """Return the text of an id, or None."""
        text = self.texts.get(document_id)
        return self.texts.get(document_id.removeprefix(_HASH_PREFIX)) if text is None else text

    def by_id(self, document_id: str) -> Document | None:
        """Return the document of an id, or None."""
        text = self.text(document_id)
        return None if text is None else self.documents[text]


def client_of(file_name: str) -> str | None:
    """Return the client whose manifest a file is, by its name: `web@1.4.0` for `web@1.4.0.json`.

    Raises:
        ManifestError: when the name has an `@`, but not this form.
    """
    if "@" not in file_name:
        return None
    client = file_name.removesuffix(_SUFFIX)
    if _CLIENT.fullmatch(client) is None or holds_card_number(client):
        raise ManifestError(["has a name with an @ that is not of the form client@version.json"])
    return client


def trust(manifests: Iterable[Manifest], documents: Documents) -> TrustedDocuments:
    """Validate manifests: their formats, and each document against the schema and the limits.

    Raises:
        ManifestError: with every problem at once. No problem quotes a document.
    """
    reading = _Reading(documents)
    for manifest in manifests:
        reading.add(manifest)
    if reading.problems:
        raise ManifestError(reading.problems)
    clients = {text: tuple(sorted(found)) for text, found in reading.clients.items()}
    for text, document in reading.checked.items():
        document.clients = clients.get(text, ())
    return TrustedDocuments(reading.texts, reading.checked, clients)


def read_manifest(content: bytes) -> dict[str, str]:
    """Return the documents of a manifest by id, without validating them.

    Raises:
        ManifestError: when its form is unknown, or an entry has no id, no text, or the id of another one.
    """
    documents: dict[str, str] = {}
    for place, (document_id, text) in enumerate(_entries(content), 1):
        if not isinstance(document_id, str) or not document_id or not isinstance(text, str):
            raise ManifestError([f"{_shown(document_id, place)} has no id or no text"])
        if documents.setdefault(document_id, text) != text:
            raise ManifestError([f"{_shown(document_id, place)} has the id of another one"])
    return documents


class _Reading:
    """What the manifests read so far hold, and what is wrong with them."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._names: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.checked: dict[str, Document] = {}
        self.clients: dict[str, set[str]] = {}
        self.problems: list[str] = []

    def add(self, manifest: Manifest) -> None:
        start = f"{manifest.name}: " if manifest.name else ""
        try:
            self.problems += [f"{start}{problem}" for problem in self._problems(manifest)]
        except ManifestError as error:
            self.problems += [f"{start}{problem}" for problem in error.problems]

    def _problems(self, manifest: Manifest) -> Iterator[str]:
        own: set[str] = set()
        place = 0
        for place, (document_id, text) in enumerate(_entries(manifest.content), 1):
            name = _shown(document_id, place)
            if not isinstance(document_id, str) or not document_id or not isinstance(text, str):
                yield f"{name} has no id or no text"
            elif document_id in own:
                yield f"{name} has the id of another one"
            elif self.texts.get(document_id, text) != text:
                yield f"{name} has another text in {self._names[document_id]}"
            else:
                own.add(document_id)
                self._names.setdefault(document_id, manifest.name)
                self.texts[document_id] = text
                if manifest.client is not None:
                    self.clients.setdefault(text, set()).add(manifest.client)
                for problem in _check(text, self._documents, self.checked):
                    yield f"{name}: {problem}"
        if not place:
            yield "holds no document"


def _entries(content: bytes) -> Iterator[tuple[object, object]]:
    """Yield the manifest's ids and documents, of any type."""
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
