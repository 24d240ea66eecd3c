"""Hostile volume: repeated requests and connections."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import struct
import time
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.outside.attacked import PATIENCE, attacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.outside.attacked import Attacked

CARD: Final = "9491339400000013"
NEVER_ANSWERS: Final = "9491339492000103"
RESET: Final = struct.pack("ii", 1, 0)


def request(query: str) -> bytes:
    body = json.dumps({"query": query}).encode()
    head = (
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    return (head % len(body)).encode() + body


@contextlib.contextmanager
def connections(gateway: Attacked, count: int, data: bytes) -> Iterator[None]:
    """Open this many connections that have sent `data`; reset them all at the end."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), PATIENCE))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.sendall(data)
        yield


def wait_for_files(gateway: Attacked, count: int) -> None:
    """Wait until the gateway has no more open files than this."""
    deadline = time.monotonic() + PATIENCE
    while gateway.open_files() > count:
        assert time.monotonic() < deadline, "a connection is still open"
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("count", "data"),
    [
        pytest.param(300, b"", id="silent"),
        pytest.param(300, b"POST /graphql HT", id="half a head"),
        pytest.param(300, request("{__typename}")[:-5], id="half a body"),
        pytest.param(50, request(f'{{card(cardNo:"{NEVER_ANSWERS}"){{balance}}}}'), id="waiting for Konaplate"),
        pytest.param(50, request(f'{{card(cardNo:"{CARD}"){{balance}}}}') * 3, id="in the middle of answers"),
    ],
)
def test_many_clients_that_go_away_keep_nobody_out_and_leave_nothing_behind(
    open_gateway: Attacked, count: int, data: bytes
) -> None:
    open_gateway.settle()
    before = open_gateway.open_files()

    with connections(open_gateway, count, data):
        open_gateway.settle()

    wait_for_files(open_gateway, before)


def large(number: int) -> str:
    """A unique valid document of some hundred tokens and ten thousand characters."""
    return f"query Q{number}($c:CardNumber!){{card(cardNo:$c){{{'balance ownerKa ' * 60}}}}}#{'-' * 9_000}\n"


def registered(number: int) -> dict[str, Any]:
    query = large(number) + "#registered"
    digest = hashlib.sha256(query.encode()).hexdigest()
    return {"query": query, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}


FLOODS: Final[dict[str, Callable[[int], dict[str, Any]]]] = {
    "valid documents": lambda number: {"query": large(number), "variables": {"c": CARD}},
    "documents with a card number": lambda number: {
        "query": large(number).replace("$c:CardNumber!", f'$c:CardNumber!="{CARD}"')
    },
    "registered documents": lambda number: {**registered(number), "variables": {"c": CARD}},
    "documents that are refused": lambda number: {"query": large(number).replace("balance", "balanced")},
    "unknown hashes": lambda number: {
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": f"{number:064x}"}}
    },
    "long variables": lambda number: {"query": "{__typename}", "variables": {"a": f"{number}" * 5_000}},
}

# Two million characters of registered documents are kept, and 300,000 of those that were parsed.
FILLS: Final = {"registered documents": 220}


def test_no_flood_makes_the_gateway_grow(tmp_path: Path) -> None:
    with (
        attacked(tmp_path) as gateway,
        httpx.Client(timeout=PATIENCE) as client,
    ):
        sizes = []
        for round_number in range(2):
            for name, make in FLOODS.items():
                for number in range(FILLS.get(name, 40)):
                    answer = client.post(gateway.url, json=make(round_number * 1_000 + number))
                    assert answer.status_code == 200
            sizes.append(gateway.memory())
        gateway.assert_unharmed()

    # The first round fills caches. The second must leave nothing behind.
    assert sizes[1] - sizes[0] < 3, sizes
