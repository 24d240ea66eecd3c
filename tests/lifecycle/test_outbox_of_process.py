"""A process of the gateway: its lines go out together and before its answers, and none is left behind."""

from __future__ import annotations

import asyncio
import select
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import httpx

from graph.http.response_headers import FixedFields, Heading
from graph.outbox import Outbox
from graph.sandbox.ledger import CARDS
from graph.server.server import make_server
from graph.server.shutdown import Drain
from tests.cli.processes import DEADLINE
from tests.conftest import clean_environment
from tests.http.raw_http import Wire
from tests.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

QUERY = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { cashReceiptInfo { idNo } } }"


def datagrams(reading: socket.socket) -> Iterator[bytes]:
    """What has arrived, write by write."""
    while select.select([reading], [], [], 0)[0]:
        yield reading.recv(65_536)


def test_the_lines_of_a_request_are_one_write_that_comes_before_its_answer(tmp_path: Path) -> None:
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    audit_log = tmp_path / "audit.log"
    process = subprocess.Popen(
        [sys.executable, "-m", "graph", "dev", "--port", "0"],
        cwd=ROOT,
        env={**clean_environment(), "KONAGRAPH_AUDIT_LOG": str(audit_log), "KONAGRAPH_LOG_FORMAT": "json"},
        stdout=subprocess.PIPE,
        stderr=ours.fileno(),
        text=True,
    )
    ours.close()
    with theirs, process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith("konagraph answers on "))
        list(datagrams(theirs))
        body = {"query": QUERY, "variables": {"n": list(CARDS)[:2]}}
        answered = httpx.post(line.split()[3], json=body, timeout=DEADLINE, trust_env=False).json()
        written = list(datagrams(theirs))
        kept = audit_log.read_text("utf-8")
        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE)

    assert "errors" not in answered
    audits = [piece for piece in written if b'"event":"audit"' in piece]
    assert [2] == [piece.count(b'"event":"audit"') for piece in audits]
    assert 2 == kept.count('"event":"audit"')


class Slow:
    """An app that answers in the very moment in which it is cancelled."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.began = threading.Event()
        self.was_here: list[bool] = []

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        self.was_here.append(self._outbox.is_here())
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heading: Any = Heading(FixedFields([]), "a" * 32, 4)
            await send({"type": "http.response.start", "status": 503, "headers": heading})
            await send({"type": "http.response.body", "body": b"last"})


def test_what_is_cut_off_at_the_end_still_sends_its_last_words_and_then_nothing_waits_any_more() -> None:
    outbox = Outbox()
    app = Slow(outbox)
    ready = threading.Event()
    ended: list[bool] = []
    server = make_server(
        app, lifespan=False, drain=Drain(timeout=0.0), outbox=outbox, on_ready=lambda _port: ready.set()
    )

    def run() -> None:
        server.run()
        ended.append(outbox.is_here())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(DEADLINE)
    with Wire(server.port) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert app.began.wait(DEADLINE)
        server.should_exit = True
        answer = wire.answer()
    thread.join(DEADLINE)
    assert (503, b"last") == (answer.status, answer.body)
    assert ([True], [False]) == (app.was_here, ended)
