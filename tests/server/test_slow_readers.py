"""Clients that do not read their responses: each is dropped, and its memory is freed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.server.live_server import PATIENCE, SOON, Probe, only
from tests.server.raw_http import Wire

if TYPE_CHECKING:
    from tests.server.live_server import Serve

_MEBIBYTE = 1024 * 1024


def test_a_client_that_reads_nothing_of_a_large_answer_is_dropped(serve: Serve) -> None:
    _, live = serve(only(write_timeout=SOON))
    with Wire(live.port, receive_buffer=4_096) as wire:
        wire.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        live.wait_for_no_connection()


def test_a_client_that_reads_nothing_is_dropped_when_its_connection_was_to_end_anyway(serve: Serve) -> None:
    _, live = serve(only(write_timeout=SOON))
    with Wire(live.port, receive_buffer=4_096) as wire:
        wire.send(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        live.wait_for_no_connection()


def test_an_app_is_told_when_its_client_does_not_read(serve: Serve) -> None:
    probe, live = serve(only(write_timeout=SOON))
    with Wire(live.port, receive_buffer=4_096) as wire:
        wire.send(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        assert probe.gone.wait(PATIENCE)
        live.wait_for_no_connection()


@pytest.mark.slow
def test_a_client_that_asks_again_and_again_and_reads_nothing_is_dropped(serve: Serve) -> None:
    _, live = serve(only(write_timeout=SOON))
    with Wire(live.port, receive_buffer=4_096) as wire:
        # The responses repeat the header; together they exceed the system's buffers.
        request = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 30_000 + b"\r\n\r\n"
        for _ in range(1_000):
            wire.send_until_refused(request)
        live.wait_for_no_connection()


def test_a_client_that_reads_for_a_while_and_then_stops_is_dropped(serve: Serve) -> None:
    _, live = serve(only(write_timeout=SOON))
    with Wire(live.port, receive_buffer=65_536) as wire:
        wire.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        started = time.monotonic()
        read = 0
        while time.monotonic() - started < 3 * SOON:
            read += len(wire.some(65_536))
            # The client's own pace.
            time.sleep(0.002)
        assert read < Probe.LARGE
        live.wait_for_no_connection()


@pytest.mark.slow
def test_a_client_that_reads_slowly_gets_all_of_it(serve: Serve) -> None:
    _, live = serve(only(write_timeout=1))
    with Wire(live.port, receive_buffer=65_536) as wire:
        wire.send(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        started = time.monotonic()
        read = 0
        while data := wire.some(65_536):
            if read // _MEBIBYTE < (read + len(data)) // _MEBIBYTE:
                # The client's own pace.
                time.sleep(0.05)
            read += len(data)
        assert read > Probe.LARGE
        assert time.monotonic() - started > 1.2
