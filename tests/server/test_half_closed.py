"""A client that only closes its sending side is answered; one that has closed its socket is gone.

Both send the same. Their reactions to the first bytes of a response differ.
"""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from graph.app import create_app
from graph.sandbox.ledger import CARDS, FIRST_CARD
from tests.http.test_disconnects import post
from tests.server.live_server import PATIENCE, serving
from tests.server.raw_http import Wire, head
from tests.support import sandbox_settings, sandbox_transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.server.live_server import Probe

WAIT = head(b"/wait", b"Host: a")
BEGINNING = b"HTTP/1.1 "


@pytest.mark.parametrize(
    "request_bytes",
    [
        WAIT,
        head(b"/wait", b"Host: a", b"Connection: close"),
        head(b"/wait", b"Host: a", version=b"1.0"),
        head(b"/wait", b"Host: a", b"Content-Length: 3", method=b"POST") + b"abc",
    ],
    ids=["GET", "close", "HTTP/1.0", "POST"],
)
def test_a_half_closed_client_gets_its_response_however_late(
    probe: Probe, port: int, request_bytes: bytes
) -> None:
    with Wire(port) as wire:
        wire.send(request_bytes)
        wire.end()
        # The second byte is sent when the first has caused no reset.
        begun = wire.some(1) + wire.some(1)
        probe.release()
        answer = begun + wire.rest()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (answer.count(BEGINNING), answer.count(b"\r\nconnection: close\r\n")) == (1, 1)
    assert answer.endswith(b"}")
    assert probe.disconnects == []


def test_the_whole_beginning_is_sent_only_once(probe: Probe, port: int) -> None:
    with Wire(port) as wire:
        wire.send(WAIT)
        wire.end()
        begun = b""
        while len(begun) < len(BEGINNING):
            begun += wire.some(1)
        probe.release()
        assert wire.rest().startswith(b"200 OK\r\n")
    assert begun == BEGINNING


def test_an_answer_to_head_begins_only_once(probe: Probe, port: int) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/wait", b"Host: a", method=b"HEAD"))
        wire.end()
        begun = wire.some(1)
        probe.release()
        answer = begun + wire.rest()
    assert (answer.startswith(b"HTTP/1.1 200 "), answer.count(BEGINNING)) == (True, 1)


def test_a_half_closed_client_that_expects_100_continue_is_answered(port: int) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/", b"Host: a", b"Content-Length: 3", b"Expect: 100-continue", method=b"POST") + b"abc")
        wire.end()
        answers = wire.rest()
    assert answers.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_everything_that_waits_in_a_line_is_answered(probe: Probe, port: int) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/1", b"Host: a") + WAIT + head(b"/3", b"Host: a"))
        wire.end()
        assert probe.arrived.wait(PATIENCE)
        assert wire.answer().json()["path"] == "/1"
        probe.release()
        answers = [wire.answer() for _ in range(2)]
        assert wire.rest() == b""
    assert [answer.json()["path"] for answer in answers] == ["/wait", "/3"]
    assert [answer.values("connection") for answer in answers] == [[], ["close"]]


@pytest.mark.parametrize(
    "unfinished", [b"GET /2 HT", head(b"/2", b"Host: a", b"Content-Length: 3", method=b"POST") + b"ab"]
)
def test_complete_requests_are_answered_before_an_incomplete_one(
    probe: Probe, port: int, unfinished: bytes
) -> None:
    with Wire(port) as wire:
        wire.send(WAIT + unfinished)
        wire.end()
        begun = wire.some(1)
        probe.release()
        answer = begun + wire.rest()
    assert (answer.count(BEGINNING), answer.count(b"\r\nconnection: close\r\n")) == (1, 1)
    assert probe.paths == ["/wait"]


def test_a_refusal_comes_after_the_answer(probe: Probe, port: int) -> None:
    with Wire(port) as wire:
        wire.send(WAIT + b"nonsense\r\n\r\n")
        wire.end()
        begun = wire.some(1)
        probe.release()
        answers = begun + wire.rest()
    assert [part[:3] for part in answers.split(BEGINNING)[1:]] == [b"200", b"400"]


def test_a_client_that_half_closes_within_a_request_gets_nothing(probe: Probe, port: int) -> None:
    with Wire(port) as wire:
        wire.send(head(b"/", b"Host: a", b"Content-Length: 3", method=b"POST") + b"ab")
        wire.end()
        assert wire.rest() == b""
    assert probe.gone.wait(PATIENCE)
    assert probe.disconnects == ["/"]


@pytest.mark.parametrize("request_bytes", [WAIT, head(b"/wait", b"Host: a", version=b"1.0")], ids=["1.1", "1.0"])
@pytest.mark.parametrize("ended_before", [False, True], ids=["at once", "its side first"])
def test_a_client_that_closes_its_socket_is_gone(
    probe: Probe, port: int, request_bytes: bytes, *, ended_before: bool
) -> None:
    with Wire(port) as wire:
        wire.send(request_bytes)
        assert probe.arrived.wait(PATIENCE)
        if ended_before:
            wire.end()
            wire.some(1)
    assert probe.gone.wait(PATIENCE)
    assert probe.disconnects == ["/wait"]


def test_a_client_that_closes_after_all_probes_is_gone(probe: Probe, port: int) -> None:
    with Wire(port) as wire:
        wire.send(WAIT)
        wire.end()
        # Unread data makes the client's system reset the connection.
        wire.await_unread(len(BEGINNING))
    assert probe.gone.wait(PATIENCE)
    assert probe.disconnects == ["/wait"]


@contextmanager
def relay(port: int) -> Iterator[int]:
    """A TCP relay that passes on closes and resets, like those of container hosts and tunnels."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:
        inner = stack.enter_context(socket.create_connection(("127.0.0.1", port)))

        def accept() -> None:
            outer = stack.enter_context(listener.accept()[0])
            threads = [threading.Thread(target=_copy, args=pair) for pair in ((outer, inner), (inner, outer))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)

        accepting = threading.Thread(target=accept)
        accepting.start()
        yield listener.getsockname()[1]
        accepting.join(PATIENCE)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # Reset what can no longer be passed on. The other thread may have done so.
        for one in (source, target):
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                one.shutdown(socket.SHUT_RDWR)
                one.close()


def test_a_client_that_is_gone_behind_a_relay_is_gone(probe: Probe, port: int) -> None:
    with relay(port) as outer:
        with Wire(outer) as wire:
            wire.send(WAIT)
            assert probe.arrived.wait(PATIENCE)
        assert probe.gone.wait(PATIENCE)
    assert probe.disconnects == ["/wait"]


def test_a_half_closed_client_behind_a_relay_is_answered(probe: Probe, port: int) -> None:
    with relay(port) as outer, Wire(outer) as wire:
        wire.send(WAIT)
        wire.end()
        begun = wire.some(1) + wire.some(1)
        probe.release()
        assert (begun + wire.rest()).startswith(b"HTTP/1.1 200 OK\r\n")
    assert probe.disconnects == []


def test_a_query_is_answered_whose_client_has_ended_its_side() -> None:
    with serving(create_app(sandbox_settings(), transport=sandbox_transport())) as live, Wire(live.port) as wire:
        wire.send(post())
        wire.end()
        answer = wire.answer()
        assert wire.rest() == b""
    assert {"data": {"card": {"balance": CARDS[FIRST_CARD].fields["balance"]}}} == answer.json()
