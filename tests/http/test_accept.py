"""The media type of a response by the client's `Accept` header."""

from __future__ import annotations

import pytest

from graph.http.accept import GRAPHQL_RESPONSE, JSON, prefers_html, response_type
from tests.tables import table

CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
URQL = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"


@table(
    ("accept", "expected"),
    [
        ("", JSON),
        (" ", JSON),
        (" ,\t,", JSON),
        (f",,{GRAPHQL_RESPONSE} ;; q=1 ,", GRAPHQL_RESPONSE),
        (f'text/plain;x=", {GRAPHQL_RESPONSE}, ", {JSON}', JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (CHROMIUM, JSON),
        (JSON, JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (GRAPHQL_RESPONSE.upper(), GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}; charset=utf-8", GRAPHQL_RESPONSE),
        (URQL, GRAPHQL_RESPONSE),
        (f"{JSON}, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}, {JSON};q=0.9", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0.5, {JSON}", JSON),
        (f"{GRAPHQL_RESPONSE};q=0.5, */*", JSON),
        (f"{GRAPHQL_RESPONSE}, */*;q=0.1", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0, */*", JSON),
        (f"{JSON};q=0, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        (f"{JSON};q=0, */*", GRAPHQL_RESPONSE),
        ("application/*;q=0.2, */*;q=0", JSON),
        (f"{JSON};q=nonsense, {GRAPHQL_RESPONSE};q=0.1", GRAPHQL_RESPONSE),
        (f"{JSON};q=0", None),
        (f"{GRAPHQL_RESPONSE};q=0", None),
        (f"{JSON};q=nan", None),
        (f"{JSON};q=-1", None),
        (f"{JSON};q=7", None),
        ("*/*;q=0", None),
        ("text/event-stream", None),
        ("multipart/mixed", None),
        ("text/html", None),
        ("nonsense", None),
        (";q=1", None),
    ],
)
def test_the_response_has_the_type_that_weighs_most(accept: str, expected: str | None) -> None:
    assert response_type(accept) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (CHROMIUM, True),
        ("text/html", True),
        (f"text/html;q=0.5, {JSON}", False),
        (f"text/html, {JSON};q=0.5", True),
        ("*/*", False),
        ("", False),
        (URQL, False),
    ],
)
def test_only_a_client_that_asks_for_html_first_gets_the_page(accept: str, expected: bool) -> None:
    assert expected is prefers_html(accept)
