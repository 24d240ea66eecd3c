"""Sockets that are bound before anything listens, and servers that cannot."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from graph.server.connection import ConnectionOptions
from graph.server.listen import ListenError, bind
from graph.server.server import Drain, Server
from graph.wiring.serving import rejection_response
from tests.server.live_server import PATIENCE, Probe


def test_a_free_port_is_bound_and_nobody_can_connect_yet() -> None:
    with ExitStack() as stack:
        (bound,) = [stack.enter_context(one) for one in bind("127.0.0.1", 0)]
        port = bound.getsockname()[1]

        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)
        bound.listen()
        socket.create_connection(("127.0.0.1", port), 1).close()


def test_every_address_of_a_name_gets_the_same_port() -> None:
    try:
        socket.getaddrinfo("localhost", 0)
    except socket.gaierror:
        pytest.skip("this machine does not know localhost: /etc/hosts is missing")
    with ExitStack() as stack:
        bound = [stack.enter_context(one) for one in bind("localhost", 0)]

        assert len({one.getsockname()[1] for one in bound}) == 1
        assert len(bound) == len({one.family for one in bound})


def test_a_port_that_is_taken_is_named_with_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError) as caught:
            bind("127.0.0.1", port)

    assert str(caught.value) == f"127.0.0.1 port {port}: address already in use"


def test_a_name_that_is_none_is_named_with_the_reason() -> None:
    with pytest.raises(ListenError) as caught:
        bind("256.0.0.1", 1)

    assert str(caught.value).startswith("256.0.0.1 port 1: ")


def test_nothing_is_served_without_the_server_beside_it() -> None:
    options = ConnectionOptions(rejection_response)
    ready: list[int] = []
    server = Server(Probe(), bind("127.0.0.1", 0), options, drain=Drain(delay=PATIENCE), on_ready=ready.append)
    beside = bind("127.0.0.1", 0)
    port = beside[0].getsockname()[1]
    server.beside.append(Server(Probe(), beside, options, lifespan=False))
    # Two sockets may be bound to one address until one of them listens.
    with bind("127.0.0.1", port)[0] as faster:
        faster.listen()
        with pytest.raises(ListenError, match=f"port {port}: address already in use"):
            server.run()

    assert ready == []
