"""Accepting: all waiting connections at once, on either event loop, and none is lost at the end."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING

import pytest
import uvloop

from graph.server.listen import Acceptor, bind

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

CROWD = 100
DEADLINE = 30.0

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


class Greeter(asyncio.Protocol):
    """Says which one it is."""

    def __init__(self, made: list[Greeter]) -> None:
        self.made = made
        made.append(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert hasattr(transport, "write")
        transport.write(b"hello")


def run(loop: str, work: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(work)


def connect(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
    client.settimeout(DEADLINE)
    return client


def acceptor_of(listener: socket.socket) -> tuple[Acceptor, list[Greeter]]:
    made: list[Greeter] = []
    return Acceptor(listener, lambda: Greeter(made), 1_000), made


@pytest.mark.parametrize("loop", LOOPS)
def test_a_crowd_that_waits_is_let_in_within_a_few_turns(loop: str) -> None:
    async def crowd() -> None:
        (listener,) = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        acceptor, made = acceptor_of(listener)
        acceptor.start()
        clients = [connect(port) for _ in range(CROWD)]
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(made) == CROWD
        await acceptor.aclose()
        for client in clients:
            client.close()

    run(loop, crowd())


@pytest.mark.parametrize("loop", LOOPS)
def test_those_who_wait_when_it_ends_are_let_in_and_later_ones_are_refused(loop: str) -> None:
    async def end() -> None:
        (listener,) = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        acceptor, made = acceptor_of(listener)
        acceptor.start()
        clients = [connect(port) for _ in range(3)]
        await acceptor.aclose()
        assert len(made) == 3
        for client in clients:
            assert await asyncio.to_thread(client.recv, 5) == b"hello"
            client.close()
        with pytest.raises(ConnectionRefusedError):
            connect(port)

    run(loop, end())


class Scripted:
    """A listening socket whose `accept` is replaced."""

    def __init__(self, listener: socket.socket, *answers: OSError) -> None:
        self._listener = listener
        self._answers = list(answers)
        self.asked = 0
        self.was_asked = asyncio.Event()

    def accept(self) -> tuple[socket.socket, object]:
        self.asked += 1
        self.was_asked.set()
        if self._answers:
            raise self._answers.pop(0)
        return self._listener.accept()

    def fileno(self) -> int:
        return self._listener.fileno()

    def listen(self, backlog: int) -> None:
        self._listener.listen(backlog)

    def close(self) -> None:
        self._listener.close()


async def test_without_descriptors_it_waits_for_a_while_and_then_lets_in_who_is_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    (listener,) = bind("127.0.0.1", 0)
    scripted = Scripted(listener, OSError(errno.EMFILE, "Too many open files"))
    made: list[Greeter] = []
    acceptor = Acceptor(scripted, lambda: Greeter(made), 10)  # type: ignore[arg-type]
    acceptor.start()
    client = await asyncio.to_thread(connect, listener.getsockname()[1])
    await scripted.was_asked.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    # It does not retry in a loop.
    assert (scripted.asked, made) == (1, [])
    assert caplog.messages == ["no further connection can be accepted: Too many open files"]
    assert await asyncio.to_thread(client.recv, 5) == b"hello"
    await acceptor.aclose()
    client.close()


async def test_a_client_that_has_left_before_it_is_let_in_does_not_keep_out_the_next() -> None:
    (listener,) = bind("127.0.0.1", 0)
    acceptor, made = acceptor_of(Scripted(listener, ConnectionAbortedError()))  # type: ignore[arg-type]
    acceptor.start()
    client = await asyncio.to_thread(connect, listener.getsockname()[1])
    assert await asyncio.to_thread(client.recv, 5) == b"hello"
    assert len(made) == 1
    await acceptor.aclose()
    client.close()


@pytest.mark.slow
async def test_ending_while_it_waits_for_descriptors_leaves_no_timer() -> None:
    (listener,) = bind("127.0.0.1", 0)
    scripted = Scripted(listener, OSError(errno.ENFILE, "Too many"))
    acceptor, made = acceptor_of(scripted)  # type: ignore[arg-type]
    acceptor.start()
    client = await asyncio.to_thread(connect, listener.getsockname()[1])
    await scripted.was_asked.wait()
    await acceptor.aclose()
    assert len(made) == 1
    await asyncio.sleep(0.6)
    assert listener.fileno() == -1
    client.close()


async def test_ending_without_descriptors_closes_the_listener_and_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    (listener,) = bind("127.0.0.1", 0)
    acceptor, made = acceptor_of(Scripted(listener, OSError(errno.EMFILE, "Too many open files")))  # type: ignore[arg-type]
    acceptor.start()
    await acceptor.aclose()
    assert (listener.fileno(), made) == (-1, [])
    assert caplog.messages == ["waiting connections cannot be accepted: Too many open files"]


@pytest.mark.slow
async def test_a_pause_that_outlasts_the_listener_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    (listener,) = bind("127.0.0.1", 0)
    scripted = Scripted(listener, OSError(errno.EMFILE, "Too many open files"))
    acceptor, _ = acceptor_of(scripted)  # type: ignore[arg-type]
    acceptor.start()
    with await asyncio.to_thread(connect, listener.getsockname()[1]):
        await scripted.was_asked.wait()
        await acceptor.aclose()
        await asyncio.sleep(0.6)
    assert caplog.messages == ["no further connection can be accepted: Too many open files"]


@pytest.mark.parametrize("loop", LOOPS)
def test_small_answers_are_not_held_back(loop: str) -> None:
    async def look() -> None:
        (listener,) = bind("127.0.0.1", 0)
        options: list[int] = []

        class Looks(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                connection = transport.get_extra_info("socket")
                options.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        acceptor = Acceptor(listener, Looks, 10)
        acceptor.start()
        client = connect(listener.getsockname()[1])
        for _ in range(10):
            await asyncio.sleep(0)
        assert [option != 0 for option in options] == [True]
        await acceptor.aclose()
        client.close()

    run(loop, look())
