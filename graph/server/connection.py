"""uvicorn's HTTP protocol with a deadline for whatever a client makes it wait for, and rejections in our words."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graph.resilience.deadline import DeadlineTimer
from graph.server.departure import DEPARTURE, Departure
from graph.server.limits import ConnectionState, HttpLimits
from graph.server.rejection import RequestRejectedError
from graph.server.response_transport import ResponseTransport, is_reset

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from graph.server.rejection import RejectionResponse

# What a client that reads at all takes in the time for writing.
_MIN_PROGRESS: Final = 16 * 1024


class RequestPart(Enum):
    """Where in a request the parser is."""

    NONE = auto()
    HEAD = auto()
    BODY = auto()


@dataclass
class ConnectionOptions:
    """What all connections of a server have in common."""

    respond: Callable[[RequestRejectedError], RejectionResponse]
    """Makes the answer to a request that is rejected before the app sees it."""
    limits: HttpLimits = field(default_factory=HttpLimits)
    deadlines: DeadlineTimer = field(default_factory=DeadlineTimer)


class Connection(HttpToolsProtocol):
    """One connection, its deadline, and the order of its answers.

    Whenever something has happened, one question is asked: what does the connection wait for now?
    """

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], options: ConnectionOptions
    ) -> None:
        super().__init__(config, server_state, app_state)
        # uvicorn writes URLs whenever its logger has a handler, be it one of somebody else's.
        self.access_log = False
        self.app = partial(_until_cancelled, self.app)
        self.options = options
        self._timeouts = options.limits.timeouts()
        self.at = math.inf
        """When it is to `expire`."""
        self._state: ConnectionState | None = None
        self._part = RequestPart.NONE
        self._running: RequestResponseCycle | None = None
        self._response: ResponseTransport = None  # type: ignore[assignment] # until it is connected, as uvicorn has it
        self._rejected: RequestRejectedError | None = None
        self._lingers = False
        self._draining = False
        self._half_closed = False
        self._unsent = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Start the clock: uvicorn waits for the first byte for ever."""
        super().connection_made(transport)
        self._response = ResponseTransport(transport, self.loop)
        self._await()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the app whose answer is being made, too: uvicorn tells only the one of the latest request."""
        self.options.deadlines.forget(self)
        if self._running is not None and self._answering():
            _give_up(self._running)
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override] # as asyncio has it
        """Send what is ready, and keep the connection only for answers to what was asked as a whole."""
        self._response.flush()
        if not self._half_closed and self._answering() and not self.transport.is_closing():
            self._end_with_last()
        self._await()
        return self._half_closed and self._answering()

    def _end_with_last(self) -> None:
        """Let the answer to the last whole request be the last, and send the first byte of the next answer."""
        # After a rejection nothing follows anyway.
        if self._rejected is None:
            if self._part is RequestPart.BODY:
                if not self.pipeline:
                    return
                self.pipeline.popleft()
            last = self.pipeline[0][0] if self.pipeline else self._running
            cast("RequestResponseCycle", last).keep_alive = False
        self._half_closed = True
        self._response.probe()

    def close(self) -> None:
        """End the connection once everything is written."""
        self._response.flush()
        self.transport.close()

    def drain(self, *, close_idle: bool) -> None:
        """Let the next answer be the last and say so, or not even wait for an idle connection's next request."""
        self._draining = True
        if self._running is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        elif close_idle:
            self.close()

    def give_up_idle(self) -> None:
        """Close the connection if it is only kept for a further request."""
        if self._state is ConnectionState.IDLE:
            self.close()

    def on_response_complete(self) -> None:
        """Go on with what waits. uvicorn would set a timer of its own for each request here."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
            elif self._rejected is not None:
                self._send_rejection(self._rejected)
            else:
                self.flow.resume_reading()
        self._await()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Remember whose turn it is; uvicorn remembers only the latest request."""
        self._response.flush()
        self._running = cycle
        has_body = cycle.scope["method"] != "HEAD"
        self._response = ResponseTransport(self.transport, self.loop, has_body=has_body)
        cycle.transport = cast("asyncio.Transport", self._response)
        cast("dict[str, Any]", cycle.scope)["extensions"] = {DEPARTURE: Departure(self.flow)}
        self._state = None
        super()._start_asgi_task(cycle, app)

    def _reject(self, rejected: RequestRejectedError) -> None:
        """Answer the request that is being read with a rejection, after all answers before it, and read no more.

        uvicorn's own rejection is text, and overtakes the answers of earlier requests.
        """
        self._rejected = rejected
        if self.transport.is_closing():
            # The answer before was the last one.
            return
        if self._part is RequestPart.BODY:
            if self.pipeline:
                self.pipeline.popleft()
            else:
                _give_up(self.cycle)
                if self.cycle.response_started:
                    # It is answered already. What would be sent now would be the answer to another request.
                    self._linger()
                    return
        if not self._answering():
            self._send_rejection(rejected)

    def _reject_as_slow(self, message: str) -> None:
        self._reject(RequestRejectedError(HTTPStatus.REQUEST_TIMEOUT, message))

    def _answering(self) -> bool:
        running = self._running
        return running is not None and not running.response_complete and not running.disconnected

    def _send_rejection(self, rejected: RequestRejectedError) -> None:
        response = self.options.respond(rejected)
        said = {"request_id": response.request_id, "status": rejected.status.value, "reason": rejected.message}
        self.logger.warning("request refused", extra=said)
        headers = self.server_state.default_headers
        self._response.flush()
        self.transport.write(response.as_bytes(rejected.status, headers, with_body=not self._is_head_request()))
        self._linger()

    def _is_head_request(self) -> bool:
        # Before its URL is read, a request has no method yet: the parser still tells the last one's.
        return self._part is not RequestPart.NONE and bool(self.url) and self.parser.get_method() == b"HEAD"

    def _linger(self) -> None:
        """End our side; the connection ends when the client does the same, or soon.

        What the client has sent and nobody has read would make the system take back what it has not yet read.
        """
        self._lingers = True
        self._response.flush()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()

    def _await(self) -> None:
        """Set the deadline of what the connection waits for now, if that has changed."""
        state = self._state_now()
        # A connection that is idle has nothing left to flush.
        was_idle = state is ConnectionState.FLUSH and self._state is ConnectionState.IDLE
        if state is not self._state and not was_idle:
            self._enter(state)

    def _state_now(self) -> ConnectionState:
        if self._lingers and not self.transport.is_closing():
            return ConnectionState.LINGER
        if self.flow.write_paused or self.transport.is_closing():
            return ConnectionState.WRITE
        if self._running is not None and self._answering():
            if self._running.more_body:
                return ConnectionState.BODY
            return ConnectionState.PROBE if self._half_closed else ConnectionState.ANSWER
        if self._running is None or self._part is RequestPart.HEAD:
            return ConnectionState.HEAD
        return ConnectionState.BODY if self._part is RequestPart.BODY else ConnectionState.FLUSH

    def _enter(self, state: ConnectionState) -> None:
        self._state = state
        self._unsent = self.transport.get_write_buffer_size() + len(self._response.held)
        at = self.loop.time() + self._timeouts[state]
        is_sooner, self.at = at < self.at, at
        if is_sooner:
            self.options.deadlines.watch(self)

    def expire(self) -> None:
        """The connection has waited long enough. Nobody watches it any more."""
        self.at = math.inf
        match self._state:
            case ConnectionState.HEAD if self._part is RequestPart.HEAD:
                self._reject_as_slow("The header did not arrive in time.")
            case ConnectionState.HEAD | ConnectionState.IDLE | ConnectionState.LINGER:
                # Nobody expects an answer.
                self.close()
            case ConnectionState.BODY:
                self._reject_as_slow("The body did not arrive in time.")
            case ConnectionState.FLUSH if not self.transport.get_write_buffer_size():
                self._enter(ConnectionState.IDLE)
                return
            case ConnectionState.FLUSH | ConnectionState.WRITE if self._is_stalled():
                self.transport.abort()
            case ConnectionState.PROBE if is_reset(self.transport):
                self.transport.abort()
            case ConnectionState.PROBE:
                self._response.probe()
        self._state = None
        self._await()

    def _is_stalled(self) -> bool:
        unsent = self.transport.get_write_buffer_size()
        return unsent > max(0, self._unsent - _MIN_PROGRESS)


def _give_up(cycle: RequestResponseCycle) -> None:
    """The client is gone, or has lost its right to an answer."""
    cycle.disconnected = True
    cycle.message_event.set()
    cast("dict[str, Any]", cycle.scope)["extensions"][DEPARTURE].happened()


async def _until_cancelled(app: Any, scope: Any, receive: Any, send: Any) -> None:
    # Only this server cancels requests, at its end; uvicorn would log that as a fault of the app's.
    try:
        await app(scope, receive, send)
    except asyncio.CancelledError:
        return
