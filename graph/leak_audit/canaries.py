"""Canaries: the strings that must never leak (cards, people, credentials), and how to find them."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.record import Record, record_fields
from graph.sandbox.faults import Altered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from graph.konaplate.endpoint import Endpoint
    from graph.sandbox.credentials import SandboxCredentials
    from graph.sandbox.table import Table

# Shorter strings would match by chance: 1001 in a duration, "kim" in a random id.
_SHORTEST: Final = 5
# Strings up to this length match only as whole words: the digits of 04500 are in times and in random ids.
_LONGEST_WORD: Final = 7
# Amounts below are in too many rows.
_DISTINCTIVE: Final = 1_000_000
_ESCAPE: Final = re.compile(r"\\u[0-9A-Fa-f]{4}|\\.|%[0-9A-Fa-f]{2}")
_SEPARATORS: Final = {code: " " for code in range(128) if not chr(code).isalnum()}
_SHORTEST_BEYOND_ASCII: Final = 3
_NO_SECRETS: Final = frozenset({"KONAPLATE_ASP_ID", "KONAPLATE_CRYPTO_KEY_ID", "KONAPLATE_SERVER_PUBLIC_KEY"})


# The first values of a long list stand for the others.
_MOST_OF_A_LIST: Final = 5


@dataclass(frozen=True, slots=True)
class Canary:
    """One string that must not leak, and its kind; reports show only the kind."""

    kind: str
    text: str
    shown: bool = False
    """Whether answers may show it, and only logs, traces and metrics must not."""


def canaries(
    endpoints: Iterable[Endpoint[Any, Any]],
    data: Mapping[str, Table],
    credentials: SandboxCredentials,
    tokens: Iterable[str] = (),
) -> tuple[Canary, ...]:
    """All keys and values of the sandbox's tables that are declared as secret, and all credentials.

    Other values of a row that no second row has, such as amounts and transaction numbers, are canaries, too, but
    answers may show them.
    """
    endpoints = tuple(endpoints)
    found = [
        Canary(f"{endpoint.name}: {name}", text, shown=True)
        for endpoint in endpoints
        for name, text in _shown(endpoint, data[endpoint.name])
    ]
    # Later ones take the place of the same strings before them.
    found += [
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
    keys = {
        name
        for endpoint in endpoints
        if _has_secret_keys(endpoint)
        for name in (data[endpoint.name].key, endpoint.key_name, *getattr(endpoint.key, "_fields", ()))
        if name
    }
    return frozenset(keys.union(*(_secret_attributes(endpoint.record) for endpoint in endpoints)))


def search(text: str, wanted: Iterable[Canary]) -> Iterator[Canary]:
    """The canaries that an output contains, plain or JSON-escaped."""
    # Most canaries have digits and most words of a log have none, so that few words rule most canaries out.
    numbers = " ".join(dict.fromkeys(_numbers(text)))
    for canary in wanted:
        if _number(canary.text) in numbers:
            escaped = _escaped(canary.text)
            if (canary.text in text or (escaped and escaped in text)) and not _is_chance(canary.text, text):
                yield canary


@functools.cache
def _number(text: str) -> str:
    """The longest word with a digit, or nothing; JSON escapes none of its characters."""
    return max(filter(str.isascii, _numbers(text)), key=len, default="")


def _numbers(text: str) -> list[str]:
    """The words that are not letters alone."""
    return [word for word in text.translate(_SEPARATORS).split() if not word.isalpha()]


@functools.cache
def _escaped(text: str) -> str:
    """The text as JSON escapes it, or nothing if that is the same."""
    escaped = json.dumps(text)[1:-1]
    return "" if escaped == text else escaped


def _secrets(endpoint: Endpoint[Any, Any], table: Table) -> Iterator[tuple[str, str]]:
    if _has_secret_keys(endpoint):
        for key in (*table.rows, *table.faults):
            yield table.key, str(key)
    for name, text, secret in _values(endpoint, table):
        if secret:
            yield name, text


def _shown(endpoint: Endpoint[Any, Any], table: Table) -> Iterator[tuple[str, str]]:
    values = [(name, text) for name, text, secret in _values(endpoint, table) if not secret]
    times = Counter(text for _, text in values)
    for name, text in values:
        # A word, such as a status or the name of a product, has no digit.
        if times[text] == 1 and len(text) >= _LONGEST_WORD and any(map(str.isdecimal, text)):
            yield name, text


def _values(endpoint: Endpoint[Any, Any], table: Table) -> Iterator[tuple[str, str, bool]]:
    """Each value of the table's rows and of altered ones: its name, its text, and whether it is secret."""
    for fault in table.faults.values():
        if isinstance(fault, Altered):
            changes = fault.changes if fault.each_of is None else {fault.each_of: fault.changes}
            yield from _within(endpoint, changes)
    for row in table.rows.values():
        yield from _within(endpoint, {endpoint.within[0]: row} if endpoint.batch else row)


def _within(endpoint: Endpoint[Any, Any], fields: Any) -> Iterator[tuple[str, str, bool]]:
    for name in endpoint.within:
        fields = fields.get(name) if isinstance(fields, dict) else None
    for each in fields if isinstance(fields, list) else [fields]:
        if isinstance(each, Mapping):
            yield from _fields(endpoint.record, each)


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


def _fields(record: type[Record] | None, values: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """The values of an object. Those that are not declared must not even be read, so they are secret."""
    declared = {} if record is None else {field.wire: field for field in record_fields(record)}
    for name, value in values.items():
        field = declared.get(name)
        kind = (field.item or field).kind if field else None
        for each in value[:_MOST_OF_A_LIST] if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                yield from _fields(kind if kind and issubclass(kind, Record) else None, each)
            elif isinstance(each, str) or (type(each) is int and (field or each >= _DISTINCTIVE)):
                yield name, str(each), field is None or field.sensitive


def _is_chance(short: str, text: str) -> bool:
    """Whether a short text is found only within longer words. The letters of escapes belong to no word."""
    if len(short) > _LONGEST_WORD or not short.isascii():
        return False
    word = rf"(?<![0-9A-Za-z]){re.escape(short)}(?![0-9A-Za-z])"
    return re.search(word, _ESCAPE.sub(" ", text)) is None


def _is_certain(text: str) -> bool:
    return len(text) >= (_SHORTEST if text.isascii() else _SHORTEST_BEYOND_ASCII)
