"""The parameters of a request, and how little of them can be seen."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import GatewayError
from graph.execution.request import GraphQLRequest, from_json, from_query_string


def test_a_body_gives_its_parameters() -> None:
    body = b'{"query": "{ a }", "operationName": "N", "variables": {"a": 1}, "extensions": {"b": 2}, "other": 3}'
    assert GraphQLRequest("{ a }", "N", {"a": 1}) == from_json(body)


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


def test_a_request_does_not_show_what_it_holds() -> None:
    assert repr(GraphQLRequest("9491339400000013", None, {"n": "9491339400000013"})) == "GraphQLRequest(...)"


@given(st.binary(max_size=200))
def test_no_body_raises_anything_but_a_refusal(body: bytes) -> None:
    with contextlib.suppress(GatewayError):
        from_json(body)


@given(st.binary(max_size=200))
def test_no_query_string_raises_anything_but_a_refusal(query_string: bytes) -> None:
    with contextlib.suppress(GatewayError):
        from_query_string(query_string)


def test_a_refusal_does_not_keep_the_body_as_its_cause() -> None:
    with pytest.raises(GatewayError) as caught:
        from_json(b'{"query": "9491339400000013"')
    assert (None, True) == (caught.value.__cause__, caught.value.__suppress_context__)
