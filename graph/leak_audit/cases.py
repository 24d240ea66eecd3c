"""The requests of a leak audit: good ones, simulated failures and bad input, for each root field of the schema."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from graph.leak_audit.canaries import secret_names
from graph.leak_audit.root_fields import root_fields
from graph.sandbox.ledger import FIRST_CARD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from graphql import GraphQLSchema

    from graph.konaplate.endpoint import Endpoint
    from graph.leak_audit.root_fields import RootField
    from graph.sandbox.table import Table

_HEADERS: Final = (
    "traceparent",
    "tracestate",
    "baggage",
    "user-agent",
    "x-forwarded-for",
    "x-request-timeout-ms",
    "x-request-id",
    "x-api-key",
)
_DIGITS: Final = FIRST_CARD[:10]
_MOST_KEYS: Final = 40
# As many as a gateway takes by default.
_MOST_LISTED: Final = 20

BAD_CARD_NUMBERS: Final[Mapping[str, Any]] = {
    "fifteen digits": f"{_DIGITS}00013",
    "seventeen digits": f"{_DIGITS}0000013",
    "letters": f"{_DIGITS}00001x",
    "full-width digits": f"{_DIGITS}0000\uff11\uff13",
    "Arabic digits": f"{_DIGITS}0000\u0661\u0663",
    "a line break at the end": f"{_DIGITS}000013\n",
    "a line break within": f"{_DIGITS}000\n13",
    "a carriage return": f"{_DIGITS}000013\r",
    "spaces": f"9491 3394 0000 0013 {_DIGITS}",
    "a NUL": f"{_DIGITS}000013\x00",
    "an injection": f'{_DIGITS}","userId":1,"x":"',
    "a header injection": f"{_DIGITS}\r\nX-KM-User-AspId: 1",
    "empty": "",
    "a JSON number": int(FIRST_CARD),
    "a huge number": int(f"{FIRST_CARD}0000000000"),
    "a fraction": int(FIRST_CARD) + 0.5,
    "null": None,
    "true": True,
    "a list": [FIRST_CARD],
    "an object": {"cardNo": FIRST_CARD},
}
"""Invalid card numbers. Most contain the digits of a real one, so that an echo is found."""


class Case(NamedTuple):
    """One request; with `clear`, the response may contain what was requested."""

    name: str
    body: bytes
    method: str = "POST"
    path: str = "/graphql"
    headers: Mapping[str, str] = MappingProxyType({})
    clear: bool = False


def cases(
    schema: GraphQLSchema, endpoints: Sequence[Endpoint[Any, Any]], data: Mapping[str, Table]
) -> Iterator[Case]:
    """All cases."""
    roots = [root for root in root_fields(schema, secret_names(endpoints, data)) if not root.by_id]
    for root in roots:
        if root.argument is None:
            for selection, clear in root.selections:
                yield _graphql(f"{root.name}: without a key", f"{{ {root.name} {{ {selection} }} }}", clear=clear)
            continue
        own, others = _tables(root, endpoints, data)
        yield from _good(root, own or others)
        if not root.lists:
            yield from _failures(root, own, others)
        yield from _bad_values(root)
    single = next(root for root in roots if root.argument is not None and not root.lists)
    yield from _bad_documents(single, FIRST_CARD)
    yield from _bad_http(single, FIRST_CARD)


def cases_of_ids(
    schema: GraphQLSchema, endpoints: Sequence[Endpoint[Any, Any]], data: Mapping[str, Table], ids: Sequence[str]
) -> Iterator[Case]:
    """The requests for objects by ids that earlier answers gave, and by ids that nobody gave."""
    garbled = [f"{ids[0][:-1]}{'b' if ids[0].endswith('a') else 'a'}", ids[0][1:], FIRST_CARD] if ids else []
    for root in root_fields(schema, secret_names(endpoints, data)):
        if not root.by_id:
            continue
        for value in [list(ids), garbled] if root.lists else [*ids, *garbled]:
            for selection, clear in root.selections:
                yield _graphql(f"{root.name}: by id", root.with_variable(selection), {"n": value}, clear=clear)
            yield _graphql(f"{root.name}: by inline id", root.with_literal(value, root.masked))


def _tables(
    root: RootField, endpoints: Sequence[Endpoint[Any, Any]], data: Mapping[str, Table]
) -> tuple[list[Table], list[Table]]:
    """The tables with keys that a root field's argument takes: that of the call it makes, and those of others."""
    tables = {endpoint.name: data[endpoint.name] for endpoint in endpoints}
    if root.endpoint is None:
        return list(tables.values()), []
    own = tables.get(root.endpoint)
    if own is not None and (root.alone or own.key == root.argument):
        return [own], []
    return [], [table for table in tables.values() if table.key == root.argument]


def _graphql(
    name: str,
    query: str,
    variables: Any = None,
    *,
    clear: bool = False,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Case:
    body = json.dumps({"query": query, "variables": variables}).encode()
    return Case(name, body, headers=headers, clear=clear)


def _good(root: RootField, tables: Iterable[Table]) -> Iterator[Case]:
    keys = _some([key for table in tables for key in table.rows], _MOST_LISTED if root.lists else _MOST_KEYS)
    for value in [keys] if root.lists and keys else keys:
        for selection, clear in root.selections:
            inline = {"konagraph_card_00": keys[-1]}
            yield _graphql(f"{root.name}: inline", root.with_literal(value, selection), inline, clear=clear)
            by_variable = root.with_variable(selection)
            yield _graphql(f"{root.name}: by variable", by_variable, {"n": value}, clear=clear)


def _failures(root: RootField, own: Sequence[Table], others: Sequence[Table]) -> Iterator[Case]:
    # By position, because a report must not repeat the key.
    failing = dict.fromkeys(str(key) for table in own for key in table.faults)
    for place, key in enumerate(failing, start=1):
        name = f"failure {place} by {own[0].key}"
        yield _graphql(f"{root.name}: {name}", root.with_variable(root.masked), {"n": key})
        yield _graphql(f"{root.name}: inline {name}", root.with_literal(key, root.masked))
    # Members and cards for whom a call below fails.
    keys = [key for table in (*own, *others) for key in (*table.faults, *table.reserved_rows)]
    for key in _some([key for key in keys if str(key) not in failing], _MOST_KEYS):
        yield _graphql(f"{root.name}: a failure below", root.with_variable(root.masked), {"n": key})


def _some(keys: Iterable[object], most: int) -> list[str]:
    """So many keys at most, evenly spread."""
    distinct = list(dict.fromkeys(str(key) for key in keys if key is not None))
    return distinct[:: -(-len(distinct) // most)] if distinct else []


def _bad_values(root: RootField) -> Iterator[Case]:
    for name, value in BAD_CARD_NUMBERS.items():
        given = [value] if root.lists else value
        yield _graphql(f"{root.name}: bad variable: {name}", root.with_variable(), {"n": given})
        yield _graphql(f"{root.name}: bad literal: {name}", root.with_literal(given))
    if root.lists:
        yield _graphql(f"{root.name}: too many", root.with_variable(), {"n": [FIRST_CARD] * 50})


def _bad_documents(root: RootField, number: str) -> Iterator[Case]:
    field, argument = root.name, root.argument
    escaped = "".join(f"\\u{ord(digit):04x}" for digit in number)
    documents = {
        "an unclosed literal": f'{{ {field}({argument}: "{number}',
        "a number as an alias": f"{{ a{number}: nothing }}",
        "a number as a variable's name": f"query ($n{number}: Int) {{ {field}({argument}: $n{number}) {{ x }} }}",
        "a number as an operation's name": f"query Q{number} {{ nothing }}",
        "a number as the name of a good operation": f"query Q{number} {{ __typename }}",
        "a number in a comment": f"{{ nothing }} # {number}",
        "a number as an argument's name": f'{{ {field}(n{number}: "{number}") {{ __typename }} }}',
        "a number as a directive": f'{{ {field}({argument}: "{number}") @d{number} {{ __typename }} }}',
        "a number as a type": f"{{ ... on T{number} {{ __typename }} }}",
        "a number as a fragment": f"{{ ...F{number} }}",
        "a literal without subfields": f'{{ {field}({argument}: "{number}") }}',
        "an escaped literal": f'{{ {field}({argument}: "{escaped}") {{ x }} }}',
    }
    for name, document in documents.items():
        yield _graphql(name, document)
    traced = f"00-{'ab' * 16}-{'cd' * 8}-01"
    headers = [
        *({name: number} for name in _HEADERS),
        {"traceparent": traced, "tracestate": f"a={number}", "baggage": number},
        {"traceparent": f"00-{number}{number}-{number}-01"},
        {"authorization": f"Bearer {number}"},
    ]
    for sent in headers:
        yield _graphql(f"a number in {', '.join(sent)}", "{ nothing }", headers=sent)


def _bad_http(root: RootField, number: str) -> Iterator[Case]:
    document = root.with_literal(number)
    body = json.dumps({"query": document}).encode()
    another = json.dumps({"query": "query A { __typename }", "operationName": number}).encode()
    yield Case("an unknown path", b"", "GET", f"/cards/{number}")
    yield Case("an explorer file", b"", "GET", f"/graphql/explorer/{number}")
    yield Case("QUERY with a card number in its URL", b"", "QUERY", f"/graphql?query={document}")
    yield Case(
        "the schema's file", b"", "GET", f"/graphql/schema.graphql?{number}", {"if-none-match": f'"{number}"'}
    )
    yield Case("GET with a card number", b"", "GET", f"/graphql?query={document}")
    yield Case("GET that is no document", b"", "GET", f"/graphql?query={number}&variables={number}")
    value = quote(json.dumps({"n": number}))
    queries = {
        "a number in a variable": f"query={{__typename}}&variables={value}",
        "a number in a variable of an unknown document": f"documentId=x&variables={value}",
        "a number in an extension": f"query={{__typename}}&extensions={value}",
        "a number as the document's id": f"documentId={number}",
        "a number as the operation": f"query={{__typename}}&operationName={number}",
        "a number in a parameter of its own": f"query={{__typename}}&n={number}",
    }
    for name, query in queries.items():
        yield Case(f"GET with {name}", b"", "GET", f"/graphql?{query}")
    yield Case("no JSON", document.encode())
    yield Case("a truncated body", body[:-3])
    yield Case("a batch", b"[" + body + b"]")
    yield Case("another content type", document.encode(), headers={"content-type": "application/graphql"})
    yield Case("a compressed body", document.encode(), headers={"content-encoding": "gzip"})
    yield Case("another method", document.encode(), "PUT")
    yield Case("a number as the method", document.encode(), number)
    yield Case("an unknown operation", another)
    yield Case("too large", b'{"query": "' + number.encode() * 10_000 + b'"}')
    yield Case("variables of another type", json.dumps({"query": document, "variables": number}).encode())
