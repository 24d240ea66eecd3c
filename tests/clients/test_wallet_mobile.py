"""The mobile wallet of examples/: against `konagraph dev`, and in production with a token that expires."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from graph.sandbox.wallets import WALLETS
from tests.clients.wallet_secrets import DEV_MEMBER
from tests.clients.wallets import MOBILE, in_production, npm, token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAILING_MEMBER = 9535
"""Transactions of this member's card are answered with HTTP 429, and `Retry-After: 1`."""
MANIFEST = MOBILE / "persisted-documents.json"
BALANCES = [f"{card.row['balance']:,} won" for card in WALLETS if card.user_id == DEV_MEMBER]


@pytest.fixture
def issued() -> Iterator[tuple[str, list[str]]]:
    """The address of an identity provider, and the tokens that it will hand out."""
    tokens: list[str] = []

    class Provider(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps({"access_token": tokens.pop(0)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}", tokens
        server.shutdown()


def start(url: str, **environment: str) -> str:
    return npm(MOBILE, "start", KONAGRAPH_URL=url, **environment)


def test_it_walks_through_the_pages_of_a_card(gateway_url: str) -> None:
    shown = start(gateway_url)

    assert [balance for balance in BALANCES if balance in shown] == BALANCES
    pages = shown.split("Payments with")[1:]
    rows = [line for page in pages for line in page.splitlines()[1:]]
    assert [len(page.splitlines()) for page in pages] == [6, 6, 6]
    assert len(set(rows)) == len(rows) == 15


def test_without_its_identity_provider_it_is_offline_and_asks_nothing(tmp_path: Path) -> None:
    npm(MOBILE, "run", "manifest")

    with in_production(tmp_path, MANIFEST, "phone@1.0.0") as gateway:
        addresses = {"KONAGRAPH_URL": f"{gateway.url}/graphql", "TOKEN_URL": "http://127.0.0.1:9"}
        shown = npm(MOBILE, "exec", "--call", "node src/main.js 2>&1", **addresses)

    assert shown.splitlines() == ["My cards", "  You seem to be offline. Please try again."]
    assert gateway.bodies == []


def test_production_accepts_its_documents_with_a_refreshed_token(
    issued: tuple[str, list[str]], tmp_path: Path
) -> None:
    provider, tokens = issued
    tokens += [token(DEV_MEMBER, exp=int(time.time()) - 3600), token(DEV_MEMBER)]
    npm(MOBILE, "run", "manifest")

    with in_production(tmp_path, MANIFEST, "phone@1.0.0") as gateway:
        shown = start(f"{gateway.url}/graphql", TOKEN_URL=provider, NODE_ENV="production")

    assert tokens == []
    assert [balance for balance in BALANCES if balance in shown] == BALANCES
    assert shown.count("Payments with") == 3
    assert "[" not in shown
    assert [body for body in gateway.bodies if "query" in body] == []


def test_it_tries_again_and_then_says_what_failed(issued: tuple[str, list[str]], tmp_path: Path) -> None:
    provider, tokens = issued
    tokens.append(token(FAILING_MEMBER))
    npm(MOBILE, "run", "manifest")

    with in_production(tmp_path, MANIFEST, "phone@1.0.0") as gateway:
        shown = start(f"{gateway.url}/graphql", TOKEN_URL=provider, NODE_ENV="production")

    assert shown.count("[UPSTREAM_UNAVAILABLE; for support: ") == 1
    assert [body["operationName"] for body in gateway.bodies] == ["MobileCards", *3 * ["MobilePayments"]]
    # The gateway waited a second itself, and asked for another one.
    assert min(later - earlier for earlier, later in pairwise(gateway.times[1:])) > 1.9
