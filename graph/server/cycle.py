"""One request and its answer in uvicorn's terms, without the detours that most of them do not need.

An answer whose header is a `Heading` is put together from bytes that are ready and written in one piece with its
body: a process that is killed in between would leave a head without a body, and no balancer may send the request
to another gateway once it has seen a head. It is written when the outbox lets it go. Any other answer goes
uvicorn's way.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from graph.http.disconnect import HANGUP, Hangup
from graph.http.response_headers import Heading
from graph.server.whole_response import WholeAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn._types import ASGI3Application, ASGIReceiveEvent, HTTPScope
    from uvicorn.protocols.http.flow_control import FlowControl

    from graph.outbox import Outbox

_LOGGER: Final = logging.getLogger("uvicorn.error")
_DISCONNECT: Final = "http.disconnect"


class Bell:
    """An `asyncio.Event` that costs next to nothing unless somebody waits for it."""

    __slots__ = ("_event", "_rung")

    def __init__(self) -> None:
        self._rung = False
        self._event: asyncio.Event | None = None

    def set(self) -> None:
        """Ring until it is cleared."""
        self._rung = True
        if self._event is not None:
            self._event.set()

    def clear(self) -> None:
        """Stop ringing."""
        self._rung = False
        if self._event is not None:
            self._event.clear()

    def is_set(self) -> bool:
        """Whether it rings."""
        return self._rung

    async def wait(self) -> None:
        """Return once it rings."""
        if self._rung:
            return
        if self._event is None:
            self._event = asyncio.Event()
        await self._event.wait()


class Cycle(RequestResponseCycle):
    """What uvicorn's class of the same use is, made for this gateway.

    Args:
        scope: of the request.
        transport: of the connection.
        flow: likewise.
        loop: the event loop.
        default_headers: what the server adds to every answer, such as the date.
        default_wire: the same as they are sent.
        expect_100_continue: whether the client waits for a word before it sends its body.
        keep_alive: whether the connection stays after the answer.
        on_response: called when the answer is complete.
        outbox: where answers wait.
    """

    body: Any
    """Bytes, and a bytearray from the second piece on."""
    # What uvicorn sets for each request and is nearly always the same.
    logger = _LOGGER
    access_logger = _LOGGER
    access_log = False
    disconnected = False
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding: bool | None = None
    expected_content_length = 0

    def __init__(
        self,
        scope: HTTPScope,
        transport: asyncio.Transport,
        flow: FlowControl,
        loop: asyncio.AbstractEventLoop,
        *,
        default_headers: list[tuple[bytes, bytes]],
        default_wire: bytes,
        expect_100_continue: bool,
        keep_alive: bool,
        on_response: Callable[..., None],
        outbox: Outbox,
    ) -> None:
        # Not the parent's, which would do half of this in vain.
        self.scope = scope
        self.transport = transport
        self.flow = flow
        self.loop = loop
        self.default_headers = default_headers
        self.default_wire = default_wire
        self.waiting_for_100_continue = expect_100_continue
        self.keep_alive = keep_alive
        self.on_response = on_response
        self.message_event = cast("asyncio.Event", Bell())
        self.hangup = Hangup(flow.resume_reading, loop)
        # An object of its own: with the cycle itself in its scope, only a garbage collection could free the two.
        cast("dict[str, Any]", scope)[HANGUP] = self.hangup
        self.body = b""
        self._outbox = outbox
        # The answer's status and header until its body is there, and the whole answer until it is let go.
        self._head: tuple[int, Heading] | None = None
        self._answer: tuple[int, Heading, bytes] | None = None

    def add(self, piece: bytes) -> None:
        """A further piece of the body. The first is kept as it is: mostly it is the only one."""
        if not self.body:
            self.body = piece
        else:
            if isinstance(self.body, bytes):
                self.body = bytearray(self.body)
            self.body += piece

    def release(self) -> None:
        """Write the answer, if there is a whole one that waits."""
        if self._answer is None:
            return
        (status, heading, body), self._answer = self._answer, None
        on_response, self.on_response = self.on_response, _nothing
        if self.disconnected:
            return
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        if self.scope["method"] == "HEAD":
            body = b""
        try:
            if not self.transport.is_closing():
                self.transport.write(b"".join((STATUS_LINE[status], self.default_wire, heading.wire, end, body)))
        except BaseException:
            # The client would wait for ever: the app, which would end the connection, may have ended before.
            self.transport.close()
            raise
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        on_response()

    def _let_go(self) -> None:
        """Do not wait for the end of the turn; but still send what has to come before the answer."""
        if self._answer is not None:
            self._outbox.release()

    def give_up(self) -> None:
        """The client is gone, or has lost its right to an answer."""
        self.disconnected = True
        self.message_event.set()
        self.hangup.tell()

    async def run_asgi(self, app: ASGI3Application) -> None:
        """Run the app, and end the connection when it does not do what it should."""
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            # Only this server cancels requests, at its end; uvicorn would log an error.
            await self._ended()
        except BaseException:
            self.logger.exception("Exception in ASGI application\n")
            self._let_go()
            if self.response_started:
                self.transport.close()
            else:
                await self.send_500_response()
        else:
            if not self.response_complete and self._answer is None:
                await self._ended()
        finally:
            if self._answer is None:
                self.on_response = _nothing

    async def _ended(self) -> None:
        """The app has ended, and perhaps before its answer."""
        self._let_go()
        if self.disconnected or self.response_complete:
            return
        if self.response_started:
            self.logger.error("ASGI callable returned without completing response.")
            self.transport.close()
        else:
            self.logger.error("ASGI callable returned without starting response.")
            await self.send_500_response()

    async def receive(self) -> ASGIReceiveEvent:
        """The next piece of the body, or the end of the connection; at once, when it is known."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not self.disconnected and not self.response_complete:
            self.flow.resume_reading()
            bell = self.message_event
            if not bell.is_set():
                await bell.wait()
            bell.clear()
        if self.disconnected or self.response_complete:
            return {"type": _DISCONNECT}
        body, self.body = bytes(self.body), b""
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Any) -> None:
        """Send an answer, or a part of one."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self._head is not None:
            self._complete(message.get("body", b""), *self._head)
            return
        if not self.response_started:
            headers = message.get("headers")
            if isinstance(headers, Heading):
                # Held back until the body is there.
                self.response_started = True
                self.waiting_for_100_continue = False
                self._head = message["status"], headers
                return
            # The answer to HEAD has no second part.
            if message["type"] == "http.response.start" and self.scope["method"] != "HEAD":
                self.transport = cast("asyncio.Transport", WholeAnswer(self.transport, self.loop))
        await super().send(message)

    def _complete(self, body: bytes, status: int, heading: Heading) -> None:
        if len(body) != heading.length or self.response_complete or self._answer is not None:
            raise RuntimeError("an answer with a heading is one head and one body")
        self._answer = status, heading, body
        self._outbox.hold_answer(self.release)


def _nothing() -> None:
    """The connection, of which nothing may be kept here, wants to hear no more."""
