"""What must never come out: cards and people of the sandbox, credentials; and how to find them in a text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.record import Record, record_fields
from graph.sandbox.behaviours import Altered
from schema.fields import KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graph.konaplate.endpoint import Endpoint
    from graph.sandbox.credentials import SandboxCredentials
    from graph.sandbox.data import Table

# Shorter texts would be found where they are not: 1001 in a duration, "kim" in a random id.
_SHORTEST: Final = 5
_SHORTEST_BEYOND_ASCII: Final = 3
_NO_SECRETS: Final = frozenset({"KONAPLATE_ASP_ID", "KONAPLATE_CRYPTO_KEY_ID", "KONAPLATE_SERVER_PUBLIC_KEY"})


@dataclass(frozen=True, slots=True)
class Canary:
    """One text that must not come out, and what it is; reports show only the latter."""

    kind: str
    text: str


def canaries(
    endpoints: Iterable[Endpoint[Any, Any]],
    data: Mapping[str, Table],
    credentials: SandboxCredentials,
    tokens: Iterable[str] = (),
) -> tuple[Canary, ...]:
    """Every key and value of the sandbox's tables that is declared as secret, and every credential."""
    found = [
        Canary(f"{endpoint.name}: {name}", text)
        for endpoint in endpoints
        for name, text in _secrets(endpoint, data[endpoint.name])
    ]
    for name, text in credentials.gateway_settings().items():
        if name not in _NO_SECRETS:
            # Of a private key each line: a part of it is as bad as the whole.
            lines = [line for line in text.splitlines() if not line.startswith("-----")]
            found += [Canary(name, line) for line in lines]
    found += [Canary("token", token) for token in tokens]
    return tuple({canary.text: canary for canary in found if _is_certain(canary.text)}.values())


def secret_names(endpoints: Iterable[Endpoint[Any, Any]], data: Mapping[str, Table]) -> frozenset[str]:
    """The names of what is declared as secret: of keys, of attributes of records, and Konaplate's for these."""
    keys = {data[endpoint.name].key for endpoint in endpoints if _has_secret_keys(endpoint)}
    return frozenset({KEY, *keys}.union(*(_secret_attributes(endpoint.record) for endpoint in endpoints)))


def search(text: str, wanted: Iterable[Canary]) -> Iterator[Canary]:
    """The canaries that a text holds, written plainly or as JSON escapes them."""
    for canary in wanted:
        escaped = json.dumps(canary.text)[1:-1]
        if canary.text in text or escaped in text:
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
    # A key that is made of several parts may have a secret among them.
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
    """What is declared as secret; and what is not declared, because that must not even be read."""
    declared = {} if record is None else {field.wire: field for field in record_fields(record)}
    for name, value in values.items():
        field = declared.get(name)
        kind = (field.item or field).kind if field else None
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                yield from _secret_values(kind if kind and issubclass(kind, Record) else None, each)
            elif isinstance(each, str | int) and (field is None or field.sensitive):
                yield name, str(each)


def _is_certain(text: str) -> bool:
    return len(text) >= (_SHORTEST if text.isascii() else _SHORTEST_BEYOND_ASCII)
