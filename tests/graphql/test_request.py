"""The parameters of a request, which its `repr` hides."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import GatewayError
from graph.graphql.errors import DocumentError
from graph.graphql.request import (
    GraphQLRequest,
    from_json,
    from_query_string,
    names_parameters,
)
from schema.errors import ErrorCode
from tests.tables import table


def test_a_body_gives_its_parameters() -> None:
    body = b'{"query": "{ a }", "operationName": "N", "variables": {"a": 1}, "extensions": {"b": 2}, "other": 3}'
    assert GraphQLRequest("{ a }", "N", {"a": 1}, {"b": 2}) == from_json(body)


def test_nulls_are_as_good_as_absent() -> None:
    body = b'{"query": "{ a }", "operationName": null, "variables": null, "extensions": null}'
    assert GraphQLRequest("{ a }", None, {}) == from_json(body)


def test_a_query_string_gives_its_parameters() -> None:
    query_string = b"query=%7B+a+%7D&operationName=N&variables=%7B%22a%22%3A1%7D&extensions=%7B%7D"
    assert GraphQLRequest("{ a }", "N", {"a": 1}) == from_query_string(query_string)


def test_empty_parameters_of_a_query_string_are_as_good_as_absent() -> None:
    assert GraphQLRequest("x", None, {}) == from_query_string(b"query=x&operationName=&variables=&extensions=")


def test_raw_bytes_in_a_query_string_are_refused() -> None:
    with pytest.raises(GatewayError):
        from_query_string(b"query=\xff")


@pytest.mark.parametrize(
    ("query_string", "named"),
    [
        (b"", False),
        (b"utm_source=query&x=documentId", False),
        (b"Query=x", False),
        (b"query=", True),
        (b"%71uery=%7Ba%7D", True),
        (b"a=b&documentId=x", True),
        (b"doc_id", True),
        (b"extensions=%7B", True),
        (b"variables={}", True),
        (b"operationName=N", True),
        (b"a=%ff&" * 20 + b"query=x", True),
    ],
)
def test_a_url_that_names_a_parameter_asks_for_an_answer(query_string: bytes, *, named: bool) -> None:
    assert named == names_parameters(query_string)


def test_a_request_does_not_show_what_it_holds() -> None:
    assert repr(GraphQLRequest("9491339400000013", None, {"n": "9491339400000013"})) == "GraphQLRequest(...)"


@given(st.binary(max_size=200))
def test_no_body_raises_anything_but_a_refusal(body: bytes) -> None:
    with contextlib.suppress(GatewayError, DocumentError):
        from_json(body)


@given(st.binary(max_size=200))
def test_no_query_string_raises_anything_but_a_refusal(query_string: bytes) -> None:
    with contextlib.suppress(GatewayError, DocumentError):
        from_query_string(query_string)


def test_a_refusal_does_not_keep_the_body_as_its_cause() -> None:
    with pytest.raises(GatewayError) as caught:
        from_json(b'{"query": "9491339400000013"')
    assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)


HASH = "0123456789abcdef" * 4
PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": HASH}}

NAMED = {
    "text": ({"query": "{ a }"}, GraphQLRequest("{ a }")),
    "documentId": ({"documentId": "abc"}, GraphQLRequest(None, document_id="abc")),
    "doc_id": ({"doc_id": "abc"}, GraphQLRequest(None, document_id="abc")),
    "hash": ({"extensions": PERSISTED}, GraphQLRequest(None, extensions=PERSISTED, persisted_hash=HASH)),
    "hash and text": (
        {"query": "{ a }", "extensions": PERSISTED},
        GraphQLRequest("{ a }", extensions=PERSISTED, persisted_hash=HASH),
    ),
    "an id and nothing else": (
        {"documentId": "abc", "doc_id": "", "query": "", "extensions": {"persistedQuery": None}},
        GraphQLRequest(None, document_id="abc", extensions={"persistedQuery": None}),
    ),
    "an id and nulls": (
        {"documentId": None, "doc_id": "abc", "query": None, "extensions": {}},
        GraphQLRequest(None, document_id="abc"),
    ),
}


def as_query_string(parameters: dict[str, Any]) -> bytes:
    given = {name: value for name, value in parameters.items() if value is not None}
    texts = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in given.items()}
    return urlencode(texts).encode("ascii")


@pytest.mark.parametrize(("parameters", "expected"), NAMED.values(), ids=NAMED)
def test_a_document_is_named_in_one_of_four_ways(parameters: dict[str, Any], expected: GraphQLRequest) -> None:
    assert from_json(json.dumps(parameters).encode()) == expected
    assert from_query_string(as_query_string(parameters)) == expected


def refusal(parameters: dict[str, Any]) -> str:
    with pytest.raises(GatewayError) as caught:
        from_json(json.dumps(parameters).encode())
    assert ErrorCode.BAD_REQUEST is caught.value.code
    return caught.value.message


TWO_WAYS = [
    {"query": "{ a }", "documentId": "a"},
    {"query": "{ a }", "doc_id": "a"},
    {"documentId": "a", "doc_id": "b"},
    {"documentId": "a", "doc_id": "a"},
    {"documentId": "a", "extensions": PERSISTED},
    {"query": "{ a }", "doc_id": "a", "extensions": PERSISTED},
]


@pytest.mark.parametrize("parameters", TWO_WAYS)
def test_a_document_that_is_named_in_two_ways_is_refused(parameters: dict[str, Any]) -> None:
    assert refusal(parameters) == "The document must be named in one way only."


@pytest.mark.parametrize(
    "parameters",
    [{}, {"query": ""}, {"query": None}, {"documentId": ""}, {"extensions": {"persistedQuery": None}}],
)
def test_a_document_that_is_not_named_is_refused(parameters: dict[str, Any]) -> None:
    message = "One of the parameters 'query', 'documentId' and 'extensions.persistedQuery' is needed."
    assert message == refusal(parameters)


@table(
    "persisted",
    [
        [],
        HASH,
        True,
        {},
        {"sha256Hash": HASH},
        {"version": 2, "sha256Hash": HASH},
        {"version": True, "sha256Hash": HASH},
        {"version": "1", "sha256Hash": HASH},
        {"version": 1},
        {"version": 1, "sha256Hash": ""},
        {"version": 1, "sha256Hash": 1},
        {"version": 1, "sha256Hash": None},
    ],
)
def test_a_malformed_hash_is_refused_with_and_without_a_text(persisted: object) -> None:
    assert "'extensions.persistedQuery" in refusal({"extensions": {"persistedQuery": persisted}})
    assert "'extensions.persistedQuery" in refusal({"query": "{ a }", "extensions": {"persistedQuery": persisted}})


@table("name", ["documentId", "doc_id", "query"])
@table("value", [1, True, ["a"], {"a": "b"}])
def test_a_name_that_is_no_text_is_refused(name: str, value: object) -> None:
    assert refusal({name: value}) == f"The parameter '{name}' must be a string."


@pytest.mark.parametrize(
    ("extensions", "wanted"),
    [
        ({"cost": True}, True),
        ({"cost": 1}, False),
        ({"cost": "true"}, False),
        ({"cost": False}, False),
        ({}, False),
    ],
)
def test_a_request_may_ask_what_it_costs(extensions: dict[str, object], *, wanted: bool) -> None:
    assert wanted is from_json(json.dumps({"query": "{ a }", "extensions": extensions}).encode()).wants_cost


def test_no_id_or_hash_is_shown() -> None:
    shown = f"{GraphQLRequest(None, document_id='9491339400000013', persisted_hash=HASH, extensions=PERSISTED)!r}"
    assert shown == "GraphQLRequest(...)"


@table("value", [0, False, [], "", 1, "a", ["a"]])
@table("name", ["variables", "extensions"])
def test_what_is_no_object_is_refused_even_if_it_is_empty(name: str, value: object) -> None:
    assert refusal({"query": "{ a }", name: value}) == f"The parameter '{name}' must be an object."


@table("value", [0, False, [], {}, 1, ["a"]])
@table("name", ["query", "operationName", "documentId", "doc_id"])
def test_what_is_no_text_is_refused_even_if_it_is_empty(name: str, value: object) -> None:
    assert refusal({"query": "{ a }", name: value}) == f"The parameter '{name}' must be a string."


EMPTY: list[Any] = [None, "", {}, 0]
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "query": st.sampled_from([*EMPTY, "{ a }"]),
        "operationName": st.sampled_from([*EMPTY, "N"]),
        "variables": st.sampled_from([*EMPTY, {"a": 1}]),
        "extensions": st.sampled_from([*EMPTY, {"a": 1}, PERSISTED]),
        "documentId": st.sampled_from([*EMPTY, "a"]),
        "doc_id": st.sampled_from([*EMPTY, "a"]),
        "other": st.just(1),
    },
)


@given(PARAMETERS)
def test_a_document_is_named_in_one_way_or_the_request_is_refused(parameters: dict[str, Any]) -> None:
    try:
        request = from_json(json.dumps(parameters).encode())
    except GatewayError:
        return
    text_or_hash = request.query is not None or request.persisted_hash is not None
    assert text_or_hash + (request.document_id is not None) == 1
    assert "" not in (request.query, request.operation_name, request.document_id)


def test_two_requests_share_no_object() -> None:
    first, second = from_json(b'{"query": "{ a }"}'), from_json(b'{"query": "{ a }"}')
    assert first.variables is not second.variables
    assert first.extensions is not second.extensions
