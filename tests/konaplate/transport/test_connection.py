"""What one connection does with unsolicited bytes, over a recording transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from graph.konaplate.transport.connection import ClientConnection
from tests.konaplate.faulty_upstream import http

if TYPE_CHECKING:
    import asyncio


class Notebook:
    """The transport's side, as far as a connection uses it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.aborted = 0

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.aborted += 1


def connected() -> tuple[ClientConnection, Notebook]:
    connection, notebook = ClientConnection(100, lambda _connection: None), Notebook()
    connection.connection_made(cast("asyncio.BaseTransport", notebook))
    return connection, notebook


@pytest.mark.parametrize("early", [http(b"early"), b"H", b"\r\n"])
async def test_what_comes_before_anything_was_asked_ends_the_connection(early: bytes) -> None:
    connection, notebook = connected()
    assert connection.usable
    connection.data_received(early)
    assert (connection.usable, notebook.aborted) == (False, 1)


async def test_what_comes_between_two_questions_ends_the_connection() -> None:
    connection, notebook = connected()
    asked = connection.send(b"first")
    connection.data_received(http(b"answer"))
    assert (await asked).body == b"answer"
    assert (connection.usable, notebook.aborted) == (True, 0)
    connection.data_received(b"\r\n")
    assert (connection.usable, notebook.aborted) == (False, 1)


async def test_an_answer_that_comes_after_its_caller_has_left_is_nobodys() -> None:
    connection, notebook = connected()
    asked = connection.send(b"first")
    connection.data_received(http(b"late")[:-1])
    asked.cancel()
    connection.abort()
    connection.data_received(b"e")
    assert (notebook.written, connection.usable) == ([b"first"], False)
    assert notebook.aborted


async def test_a_connection_that_was_never_made_cannot_be_asked() -> None:
    with pytest.raises(RuntimeError):
        ClientConnection(100, lambda _connection: None).send(b"first")
