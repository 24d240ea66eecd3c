"""Canaries: the texts that must never leak (cards, people, credentials), and how to find them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.record import Record, record_fields
from graph.sandbox.faults import Altered
from schema.fields import KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graph.konaplate.endpoint import Endpoint
    from graph.sandbox.credentials import SandboxCredentials
    from graph.sandbox.data import Table

# Shorter texts would match by chance: 1001 in a duration, "kim" in a random id.
_SHORTEST: Final = 5
# Texts up to this length match only as whole words: the digits of 04500 are in times and in random ids.
_LONGEST_WORD: Final = 7
_ESCAPE: Final = re.compile(r"\\u[0-9A-Fa-f]{4}|\\.|%[0-9A-Fa-f]{2}")
_SHORTEST_BEYOND_ASCII: Final = 3
_NO_SECRETS: Final = frozenset({"KONAPLATE_ASP_ID", "KONAPLATE_CRYPTO_KEY_ID", "KONAPLATE_SERVER_PUBLIC_KEY"})


@dataclass(frozen=True, slots=True)
class Canary:
    """One text that must not leak, and its kind; reports show only the kind."""

    kind: str
    text: str


def canaries(
    endpoints: Iterable[Endpoint[Any, Any]],
    data: Mapping[str, Table],
    credentials: SandboxCredentials,
    tokens: Iterable[str] = (),
) -> tuple[Canary, ...]:
    """All keys and values of the sandbox's tables that are declared as secret, and all credentials."""
    found = [
        Canary(f"{endpoint.name}: {name}", text)
        for endpoint in endpoints
        for name, text in _secrets(endpoint, data[endpoint.name])
    ]
    for name, text in credentials.gateway_settings().items():
        if name not in _NO_SECRETS:
            # Each line of a private key, because a part of it is as bad as the whole.
            lines = [line for line in text.splitlines() if not line.startswith("-----")]
            found += [Canary(name, line) for line in lines]
    found += [Canary("token", token) for token in tokens]
    return tuple({canary.text: canary for canary in found if _is_certain(canary.text)}.values())


def secret_names(endpoints: Iterable[Endpoint[Any, Any]], data: Mapping[str, Table]) -> frozenset[str]:
    """The names of secret keys, and of secret attributes of records in both forms."""
    keys = {data[endpoint.name].key for endpoint in endpoints if _has_secret_keys(endpoint)}
    return frozenset({KEY, *keys}.union(*(_secret_attributes(endpoint.record) for endpoint in endpoints)))


def search(text: str, wanted: Iterable[Canary]) -> Iterator[Canary]:
    """The canaries that a text contains, plain or JSON-escaped."""
    for canary in wanted:
        escaped = json.dumps(canary.text)[1:-1]
        if (canary.text in text or escaped in text) and not _is_chance(canary.text, text):
            yield canary


def _secrets(endpoint: Endpoint[Any, Any], table: Table) -> Iterator[tuple[str, str]]:
    if _has_secret_keys(endpoint):
        for key in (*table.rows, *table.faults):
            yield table.key, str(key)
    for fault in table.faults.values():
        if isinstance(fault, Altered):
            yield from _secret_values(endpoint.record, fault.changes)
    for row in table.rows.values():
        inner = row
        for name in () if endpoint.batch else endpoint.within:
            inner = inner[name]
        yield from _secret_values(endpoint.record, inner)


def _has_secret_keys(endpoint: Endpoint[Any, Any]) -> bool:
    # A compound key may contain a secret.
    return not issubclass(endpoint.key, str | int)


def _secret_attributes(record: type[Record]) -> set[str]:
    names: set[str] = set()
    for field in record_fields(record):
        kind = (field.item or field).kind
        if issubclass(kind, Record):
            names |= _secret_attributes(kind)
        elif field.sensitive:
            names |= {field.name, field.wire}
    return names


def _secret_values(record: type[Record] | None, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Values declared as secret, and undeclared ones, which must not even be read."""
    declared = {} if record is None else {field.wire: field for field in record_fields(record)}
    for name, value in values.items():
        field = declared.get(name)
        kind = (field.item or field).kind if field else None
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                yield from _secret_values(kind if kind and issubclass(kind, Record) else None, each)
            elif isinstance(each, str | int) and (field is None or field.sensitive):
                yield name, str(each)


def _is_chance(short: str, text: str) -> bool:
    """Whether a short text is found only within longer words. The letters of escapes belong to no word."""
    if len(short) > _LONGEST_WORD or not short.isascii():
        return False
    word = rf"(?<![0-9A-Za-z]){re.escape(short)}(?![0-9A-Za-z])"
    return re.search(word, _ESCAPE.sub(" ", text)) is None


def _is_certain(text: str) -> bool:
    return len(text) >= (_SHORTEST if text.isascii() else _SHORTEST_BEYOND_ASCII)
