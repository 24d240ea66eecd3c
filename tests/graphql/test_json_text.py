"""JSON of clients: what two parsers would read differently is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import GatewayError
from graph.graphql.errors import DocumentError
from graph.graphql.json_text import read_json
from graph.graphql.request import from_json, from_query_string
from schema.errors import ErrorCode
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = b"\xef\xbb\xbf"
NAMES = st.sampled_from(["a", "b", "query", "\xe9", "\U0001f600", "", '"', ":"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
WRITERS: list[Callable[[Any], str]] = [
    json.dumps,
    lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    lambda value: json.dumps(value, indent=2),
]


@given(VALUES, st.sampled_from(WRITERS), st.sampled_from([b"", MARK]))
def test_whatever_is_written_once_is_read(value: Any, write: Callable[[Any], str], mark: bytes) -> None:
    assert value == read_json(mark + write(value).encode(), "The body")


@given(VALUES, st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), st.data(), st.sampled_from(WRITERS))
def test_a_name_that_is_there_twice_is_refused_wherever_it_is(
    around: Any, members: dict[str, Any], data: st.DataObject, write: Callable[[Any], str]
) -> None:
    doubled = data.draw(st.sampled_from(sorted(members)))
    spelt = _escaped(doubled) if data.draw(st.booleans()) else json.dumps(doubled)
    written = write(members).rstrip()[:-1] + f", {spelt}: {write(members[doubled])}}}"
    text = write([around, {"x": "\0"}]).replace(json.dumps("\0"), written)
    with pytest.raises(GatewayError) as caught:
        read_json(text.encode(), "The body")
    assert ErrorCode.BAD_REQUEST is caught.value.code
    assert caught.value.message == "The body gives a name twice in one object."


def _escaped(name: str) -> str:
    units = name.encode("utf-16-be").hex()
    return '"' + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + '"'


def test_names_are_compared_however_deep_they_are() -> None:
    deep = b'{"a":' * 400 + b'{"b": 1, "b": 1}' + b"}" * 400
    with pytest.raises(GatewayError) as caught:
        read_json(deep, "The body")
    assert caught.value.message == "The body gives a name twice in one object."


def test_long_numbers_are_read_as_before() -> None:
    assert read_json(b'{ "n": 1%b, "m": 1e308 }' % (b"0" * 30), "The body") == {"n": 1e30, "m": 1e308}
    assert isinstance(read_json(b'{ "n": %b }' % (b"1" * 300), "The body")["n"], float)


HALVES = [b"\\ud800", b"\\uDC00", b"\\ude00\\ud83d", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80"]
PLACES = {
    "a variable": (b'{"query": "{a}", "variables": {"v": "x%s"}}', "The value of 'v'"),
    "within a variable": (b'{"query": "{a}", "variables": {"v": [{"a": "%s"}]}}', "The value of 'v'"),
    "the name of a variable": (b'{"query": "{a}", "variables": {"%s": 1}}', "The value of 'variables'"),
    "a variable that spells a number": (
        b'{"query": "{a}", "variables": {"n9491339400000013": "%s"}}',
        "The value of '[hidden]'",
    ),
    "the text": (b'{"query": "{a(b: %s)}"}', "The value of 'query'"),
    "the operation's name": (b'{"query": "{a}", "operationName": "%s"}', "The value of 'operationName'"),
    "extensions": (b'{"query": "{a}", "extensions": {"x": "%s"}}', "The value of 'extensions'"),
    "the name of a parameter": (b'{"query": "{a}", "%s": 1}', "The body"),
}


@table(("text", "what"), PLACES.values())
@table("half", HALVES)
def test_half_a_character_is_the_fault_of_a_value(text: bytes, what: str, half: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        from_json(text % half)
    _is_of(caught.value, what)


@table("half", HALVES)
@table("name", ["variables", "extensions"])
def test_half_a_character_in_json_of_a_url_is_the_same(name: str, half: bytes) -> None:
    value = quote_from_bytes(b'{"v": "%s"}' % half)
    with pytest.raises(DocumentError) as caught:
        from_query_string(f"query=x&{name}={value}".encode())
    _is_of(caught.value, "The value of 'v'" if half.startswith(b"\\") else "The query string")


@pytest.mark.parametrize("query_string", [b"query=%ED%A0%80", b"operationName=x%ED%BF%BF", b"%ED%A0%80=x"])
def test_half_a_character_in_a_url_is_the_same(query_string: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        from_query_string(query_string)
    _is_of(caught.value, "The query string")


def _is_of(error: DocumentError, what: str) -> None:
    (one,) = error.errors
    assert one.message == f"{what} holds half of a surrogate pair, which is no character."
    cause = one.original_error
    assert isinstance(cause, GatewayError)
    assert ErrorCode.BAD_USER_INPUT is cause.code


def test_a_whole_pair_is_a_character() -> None:
    assert from_json(b'{"query": "x", "variables": {"v": "\\ud83d\\ude00"}}').variables == {"v": "\U0001f600"}


@pytest.mark.parametrize(
    "query_string",
    [b'variables={"a":1,"a":1}', b'variables={"v":{"a":1,"\\u0061":1}}', b'extensions={"cost":true,"cost":false}'],
)
def test_a_name_that_is_there_twice_in_json_of_a_url_is_refused(query_string: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        from_query_string(b"query=x&" + query_string)
    name = query_string.partition(b"=")[0].decode()
    assert caught.value.message == f"The parameter '{name}' gives a name twice in one object."


@pytest.mark.parametrize(
    "text",
    [
        *(
            b"",
            b"nonsense",
            b'{"a": NaN}',
            b"[-Infinity]",
            b"[NaN, 1e400]",
            b'[NaN, "\\ud800"]',
            b"[1e400",
            b"01e400",
        ),
        *(b'"\xff"', b'"\xed\xa0"', MARK * 2 + b"1"),
    ],
)
def test_anything_else_is_no_json(text: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        read_json(text, "The body")
    assert caught.value.message == "The body is not JSON."
    assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)


@table("number", [b"1e400", b"-1e400", b"1E+999999999999", b"0.1e999", b"1" * 310, b"-" + b"1" * 4200])
@table("text", [b"%s", b'{"variables": {"v": [0, %s]}}', b'{"a": "\\ud800", "b": %s}'])
def test_a_number_out_of_range_is_named_so(text: bytes, number: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        read_json(text % number, "The body")
    assert ErrorCode.BAD_REQUEST is caught.value.code
    assert caught.value.message == "The body holds a number that is out of range."
    assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)


def test_an_infinity_that_is_a_text_is_none() -> None:
    with pytest.raises(DocumentError) as caught:
        read_json(b'{"v": "Infinity \\ud800"}', "The body")
    _is_of(caught.value, "The value of 'v'")


def test_deep_nesting_is_named_so() -> None:
    for text in (b"[" * 20_000, b"[" * 20_000 + b"]" * 20_000):
        with pytest.raises(GatewayError) as caught:
            read_json(text, "The body")
        assert caught.value.message == "The body is nested too deeply."
