"""The explorer's own script: its types, and its parts that need no browser."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from graph.sandbox.ledger import FIRST_CARD
from tests.clients.node import NODE_TESTS, run_node
from tests.tools import ROOT

TEXTS = [
    "5106291234567895",
    "x 5106-2912-3456-7895 y",
    f'{{"n":"{FIRST_CARD}"}}',
    "9999999999999999999 51062912345678951",
    "no number",
]
QUERY = 'query Q { card(cardNo: "1") { a: balance # it\'s `${x}` \\\n } }'


@pytest.fixture(scope="module")
def parts() -> dict[str, list[Any]]:
    given = {
        "texts": TEXTS,
        "snippets": [[QUERY, {"n": "it's"}]],
        "refusals": [
            ["jwt", [], "UNAUTHENTICATED"],
            ["api-key", [1], "UNAUTHENTICATED"],
            ["none", [], "DOCUMENT_NOT_ALLOWED"],
            ["none", [], "RATE_LIMITED"],
        ],
    }
    found: dict[str, list[Any]] = json.loads(run_node("explorer-parts.mjs", json.dumps(given)))
    return found


def test_the_types_of_the_script_are_right() -> None:
    compiler = str(NODE_TESTS / "node_modules" / "typescript" / "bin" / "tsc")
    run_node(compiler, "-p", str(ROOT / "explorer"), packages=("typescript",))


def test_numbers_of_others_are_found_and_all_are_hidden(parts: dict[str, list[Any]]) -> None:
    assert parts["foreign"] == ["5106291234567895", "5106-2912-3456-7895", None, None, None]
    assert parts["hidden"] == [
        "CARD_NUMBER",
        "x CARD_NUMBER y",
        '{"n":"CARD_NUMBER"}',
        "9999999999999999999 51062912345678951",
        "no number",
    ]


def test_curl_is_quoted_for_a_shell(parts: dict[str, list[Any]]) -> None:
    (command,) = parts["curl"]
    printed = subprocess.run(
        ["/bin/sh", "-c", "curl() { printf '%s\\0' \"$@\"; }\n" + command],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    assert printed[:5] == ["http://x/graphql", "-H", "Content-Type: application/json", "-H", "X-Api-Key: it's"]
    assert json.loads(printed[6]) == {"query": QUERY, "variables": {"n": "it's"}}


def test_typescript_holds_the_same_text(parts: dict[str, list[Any]]) -> None:
    (snippet,) = parts["typescript"]
    sends = "globalThis.fetch = async (url, { body }) => (console.log(body), { json: async () => ({}) });\n"
    sent = json.loads(run_node("--input-type=module", "-e", sends + snippet))
    assert sent["query"].strip() == QUERY
    assert sent["variables"] == {"n": "it's"}


def test_a_copied_request_names_the_credentials_that_it_needs(parts: dict[str, list[Any]]) -> None:
    token = {"Authorization": "Bearer YOUR_TOKEN"}
    assert parts["headers"] == [{}, token, token, {"X-Api-Key": "YOUR_KEY"}]


def test_a_notice_says_what_to_do(parts: dict[str, list[Any]]) -> None:
    jwt, api_key, enforced, other = parts["notices"]
    assert "Authorization" in jwt
    assert "X-Api-Key" in api_key
    assert "Sandbox" in api_key
    assert "manifest" in enforced
    assert other is None
