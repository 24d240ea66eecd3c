"""uvicorn's HTTP protocol with a deadline for whatever a client makes it wait for, and refusals in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from graph.http.request_id import new_request_id
from graph.server.connection_state import Part, Phase, patience
from graph.server.error_response import refusal_bytes
from graph.server.half_closed import BegunAnswer, is_reset
from graph.server.lean_protocol import LeanProtocol
from graph.server.limits import HttpLimits
from graph.server.request_validation import RefusedError, too_slow
from graph.server.timer import Alarm

if TYPE_CHECKING:
    import asyncio

    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from graph.server.cycle import Cycle

# What a client that reads at all takes in the time for writing.
_MIN_PROGRESS: Final = 16 * 1024


class TimedProtocol(LeanProtocol):
    """One connection and its deadlines.

    There is one timer for each connection, which mostly only notes a later time (see `Alarm`), and one question
    that is asked whenever something has happened: what does the connection wait for now?
    """

    limits: ClassVar[HttpLimits] = HttpLimits()
    _patience: ClassVar[tuple[float, ...]] = patience(HttpLimits())

    def __init_subclass__(cls) -> None:
        """Work out what depends on the limits once, not for each connection."""
        super().__init_subclass__()
        cls._patience = patience(cls.limits)

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._alarm = Alarm(self.loop, self._on_alarm)
        self._phase: int = Phase.NEW
        self._part: int = Part.NOTHING
        self._refused: RefusedError | None = None
        self._lingers = False
        self._draining = False
        self._unsent = 0
        # Of a client that has ended its side: the answer that it waits for.
        self._begun: BegunAnswer | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Start the clock: uvicorn waits for the first byte for ever."""
        super().connection_made(transport)
        self._await()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the app whose answer is being made, too: uvicorn tells only the one of the latest request."""
        self._alarm.cancel()
        if self._running is not None and self._answering():
            self._running.give_up()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override] # as asyncio has it
        """Send what is ready, and keep the connection only for answers to what was asked as a whole."""
        self.outbox.release()
        if self._begun is None and self._answering() and not self.transport.is_closing():
            self._end_with_last()
        self._await()
        return self._begun is not None and self._answering()

    def _end_with_last(self) -> None:
        """Let the answer to the last whole request be the last, and send the first byte of the next answer."""
        running = cast("Cycle", self._running)
        # After a refusal nothing follows anyway.
        if self._refused is None:
            if self._part == Part.BODY:
                if not self.pipeline:
                    return
                cast("Cycle", self.pipeline.popleft()[0]).give_up()
            last = self.pipeline[0][0] if self.pipeline else running
            last.keep_alive = False
        self._begun = BegunAnswer(self.transport, goes_on=running.response_started)
        if not running.response_started:
            running.transport = cast("asyncio.Transport", self._begun)
            self._begun.probe()

    def drain(self, *, close_idle: bool) -> None:
        """Take no further request after the next answer, which says so; the latest of those that wait in a line.

        Args:
            close_idle: not even that one, if the connection waits for it.
        """
        self._draining = True
        if self._running is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        elif close_idle:
            self.transport.close()

    def give_up_idle(self) -> None:
        """Close the connection if it is only kept for a further request."""
        if self._phase == Phase.IDLE:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Go on with what waits. uvicorn would make and cancel a timer for each request here."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
            elif self._refused is not None:
                self._send_refusal(self._refused)
            else:
                self.flow.resume_reading()
        self._await()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Remember whose turn it is; uvicorn remembers only the latest request."""
        self._running = cast("Cycle", cycle)
        self._phase = Phase.NEW
        super()._start_asgi_task(cycle, app)

    def _refuse(self, refused: RefusedError) -> None:
        """Answer the request that is being read with a refusal, after all answers before it, and read no more.

        uvicorn's own refusal is text, and overtakes the answers of earlier requests.
        """
        # Whether there is an answer already decides about all the rest.
        self.outbox.release()
        self._refused = refused
        if self.transport.is_closing():
            # That answer was the last one.
            return
        if self._part == Part.BODY:
            if self.pipeline:
                cast("Cycle", self.pipeline.popleft()[0]).give_up()
            elif self.cycle.response_started:
                # It is answered already. What would be sent now would be the answer to another request.
                self.cycle.give_up()
                self._linger()
                return
            else:
                self.cycle.give_up()
        if not self._answering():
            self._send_refusal(refused)

    def _answering(self) -> bool:
        running = self._running
        return running is not None and not running.response_complete and not running.disconnected

    def _send_refusal(self, refused: RefusedError) -> None:
        request_id = new_request_id()
        said = {"request_id": request_id, "status": refused.status.value, "reason": refused.message}
        self.logger.warning("request refused", extra=said)
        answer = refusal_bytes(
            refused,
            request_id,
            server_headers=self.server_state.default_headers,
            with_body=not self._is_head_request(),
        )
        self.transport.write(answer)
        self._linger()

    def _is_head_request(self) -> bool:
        # Before its URL is read, a request has no method yet: the parser still tells the last one's.
        return self._part != Part.NOTHING and bool(self.url) and self.parser.get_method() == b"HEAD"

    def _linger(self) -> None:
        """End our side; the connection ends when the client does the same, or soon.

        What the client has sent and nobody has read would make the system take back what it has not yet read.
        """
        self._lingers = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()

    def _await(self) -> None:
        """Set the deadline of what the connection waits for now, if that has changed."""
        phase = self._phase_now()
        if phase != self._phase and not (phase == Phase.FLUSH and self._phase == Phase.IDLE):
            self._enter(phase)

    def _phase_now(self) -> int:
        if self.transport.is_closing():
            return Phase.WRITE
        if self._lingers:
            return Phase.LINGER
        if self.flow.write_paused:
            return Phase.WRITE
        if self._running is not None and self._answering():
            answer = Phase.ANSWER if self._begun is None else Phase.PROBE
            return Phase.BODY if self._running.more_body else answer
        if self._running is None or self._part == Part.HEAD:
            return Phase.HEAD
        return Phase.BODY if self._part == Part.BODY else Phase.FLUSH

    def _enter(self, phase: int) -> None:
        self._phase = phase
        self._unsent = self.transport.get_write_buffer_size()
        self._alarm.set(self._patience[phase])

    def _on_alarm(self) -> None:
        match self._phase:
            case Phase.HEAD if self._part == Part.HEAD:
                self._refuse(too_slow("The header did not arrive in time."))
            case Phase.HEAD | Phase.IDLE | Phase.LINGER:
                # Nobody expects an answer.
                self.transport.close()
            case Phase.BODY:
                self._refuse(too_slow("The body did not arrive in time."))
            case Phase.FLUSH if not self.transport.get_write_buffer_size():
                self._enter(Phase.IDLE)
                return
            case Phase.FLUSH | Phase.WRITE if self._is_stalled():
                self.transport.abort()
            case Phase.PROBE if is_reset(self.transport):
                self.transport.abort()
            case Phase.PROBE if self._begun is not None:
                self._begun.probe()
        self._phase = Phase.NEW
        self._await()

    def _is_stalled(self) -> bool:
        unsent = self.transport.get_write_buffer_size()
        return unsent > max(0, self._unsent - _MIN_PROGRESS)
