"""The Konaplate client: one method per endpoint, over an httpx transport that is passed in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from graph.konaplate import protocol as wire
from graph.konaplate.clean import read_card
from graph.konaplate.correlation import Echoes, EchoRule
from graph.konaplate.errors import (
    CallDetails,
    Cause,
    InvalidResponseError,
    KonaplateError,
    TimedOutError,
    UnavailableError,
    UnsealedError,
)
from graph.konaplate.exchange import FAILURES, Limits, exchange_over, failure_of
from graph.konaplate.records import (
    CARD_REQUIRED,
    MEMBER_REQUIRED,
    CardRecord,
    MemberRecord,
    member_record,
)
from graph.konaplate.responses import ASK_AGAIN, Reply, read_success, seconds_to_wait

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    import httpx

    from graph.konaplate.correlation import Echo
    from graph.konaplate.encryption import Cipher
    from graph.konaplate.exchange import Exchange
    from graph.konaplate.responses import Success
    from graph.konaplate.transport.answer import HttpAnswer
    from schema.secrets import CardNo, MemberId

R = TypeVar("R", CardRecord, MemberRecord)

_CORRELATION_ID: Final = wire.CORRELATION_ID.lower().encode("ascii")
_CRYPTO_KEY_ID: Final = wire.CRYPTO_KEY_ID.lower().encode("ascii")
_RETRY_AFTER: Final = b"retry-after"

_encode: Final = msgspec.json.Encoder().encode


class CallReport(msgspec.Struct, frozen=True):
    """What is known of one call once it is over; made for logs and metrics, free of secrets."""

    api: str
    """The path of the API."""
    outcome: str
    """`ok`, the name of the error's class, `cancelled`, or `unexpected` for a fault of our own."""
    details: CallDetails
    seconds: float
    echo: Echo | None
    """What the answer said to our correlation id; None when there was no answer."""
    drift: tuple[str, ...]
    """Names of the fields that were longer than documented."""
    attempt: int = 1
    """Which attempt it was, from 1."""
    cause: Cause | None = None
    """Why there was no usable answer; None when there was one."""
    unsealed: bool = False
    """Whether a success came in clear although answers are to be sealed."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API of the vendor: where it is, and which fields make an answer without a code a success."""

    path: str
    required: AbstractSet[str]
    sealed: bool = True
    """Whether the vendor's page says that its answers are encrypted."""


CARD_INFO: Final = Endpoint(wire.CARD_INFO_PATH, CARD_REQUIRED)
USER_INFO: Final = Endpoint(wire.USER_INFO_PATH, MEMBER_REQUIRED)


class _Credentials:
    """What a call uses from its beginning to its end, and what is made of it once for all calls."""

    def __init__(self, identity: wire.Identity, cipher: Cipher | None, exchange: Exchange, base_url: str) -> None:
        self.cipher = cipher
        self.moments = wire.Moments(identity.zone)
        self.signer = wire.Signer(identity, None if cipher is None else cipher.key_id)
        self.lines = {
            api.path: exchange.line(base_url + api.path, self.signer.common) for api in (CARD_INFO, USER_INFO)
        }


class KonaplateClient:
    """Speaks Konaplate's signed and encrypted protocol.

    Args:
        base_url: ends in `/open-api`, as the vendor writes it.
        identity: who calls.
        cipher: seals requests and opens answers; None sends plain JSON (for a private line).
        transport: moves the bytes; closed with the client.
        correlation_ids: one for the whole process, so that no two calls share an id.
        limits: the bounds of every call.
        clock_ms: milliseconds since 1970 (UTC).
        on_call: told of every call when it is over.
        echo_rule: when an answer's correlation id makes it unusable.
        allow_unsealed: whether a success may come in clear although there is a cipher.
    """

    def __init__(
        self,
        base_url: str,
        identity: wire.Identity,
        cipher: Cipher | None,
        transport: httpx.AsyncBaseTransport,
        correlation_ids: wire.CorrelationIds,
        *,
        limits: Limits | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        on_call: Callable[[CallReport], None] = lambda _report: None,
        echo_rule: EchoRule = EchoRule.LEARN,
        allow_unsealed: bool = False,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._correlation_ids = correlation_ids
        self._echoes = Echoes(correlation_ids, echo_rule)
        self._allow_unsealed = allow_unsealed
        self._clock_ms = clock_ms
        self._on_call = on_call
        self._limits = limits or Limits()
        self._exchange = exchange_over(transport, self._limits)
        self._credentials = _Credentials(identity, cipher, self._exchange, self._base_url)

    async def fetch_card(self, card_no: CardNo, seconds: float | None = None, attempt: int = 1) -> CardRecord:
        """Card-User Mapped Inquiry.

        Args:
            card_no: whose data to read.
            seconds: the time for this call, if it is less than the client's own limit.
            attempt: which one it is, for the report.

        Raises:
            KonaplateError: see the tree in `graph.konaplate.errors`.
        """
        payload = {"cardNo": card_no.reveal()}
        return await self._call(CARD_INFO, payload, read_card, seconds, attempt)

    async def fetch_member(
        self, user_id: MemberId, seconds: float | None = None, attempt: int = 1
    ) -> MemberRecord:
        """Search for Member Information.

        Args:
            user_id: whose data to read.
            seconds: the time for this call, if it is less than the client's own limit.
            attempt: which one it is, for the report.

        Raises:
            KonaplateError: see the tree in `graph.konaplate.errors`.
        """

        def read(fields: dict[str, Any], details: CallDetails) -> MemberRecord:
            return member_record(fields, details, asked=user_id)

        return await self._call(USER_INFO, {"userId": int(user_id.reveal())}, read, seconds, attempt)

    def renew(self, identity: wire.Identity, cipher: Cipher | None) -> None:
        """Use others from the next call on; calls under way end with those they began with."""
        self._credentials = _Credentials(identity, cipher, self._exchange, self._base_url)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._exchange.aclose()

    async def _call(
        self,
        endpoint: Endpoint,
        payload: dict[str, Any],
        read: Callable[[dict[str, Any], CallDetails], R],
        seconds: float | None,
        attempt: int,
    ) -> R:
        # Read once: a call must not begin with some and end with others.
        own = self._credentials
        moment = own.moments.at(self._clock_ms())
        details = CallDetails(self._correlation_ids.next(moment), api=endpoint.path)
        started = time.perf_counter()
        outcome, echo, cause, unsealed = "cancelled", None, None, False
        drift: tuple[str, ...] = ()
        try:
            answer = await self._send(endpoint, payload, own, moment, details, seconds=seconds, fresh=attempt > 1)
            echo = self._echoes.read(answer.header(_CORRELATION_ID), details.correlation_id)
            success = self._read(endpoint, answer, own.cipher, details, echo)
            details, unsealed = success.details, own.cipher is not None and not success.sealed
            record = read(success.fields, details)
            outcome, drift = "ok", record.drift
        except KonaplateError as error:
            outcome, details, unsealed = type(error).__name__, error.details, isinstance(error, UnsealedError)
            cause = error.cause if isinstance(error, UnavailableError | TimedOutError) else None
            raise
        except Exception:
            outcome = "unexpected"
            raise
        finally:
            spent = time.perf_counter() - started
            self._on_call(
                CallReport(endpoint.path, outcome, details, spent, echo, drift, attempt, cause, unsealed)
            )
        return record

    async def _send(
        self,
        endpoint: Endpoint,
        payload: dict[str, Any],
        own: _Credentials,
        moment: wire.Moment,
        details: CallDetails,
        *,
        seconds: float | None,
        fresh: bool,
    ) -> HttpAnswer:
        """Seal, sign and send one request."""
        clear = _encode(payload)
        content = clear if own.cipher is None else own.cipher.seal(clear)
        fields = own.signer.lines(moment, details.correlation_id, content)
        limit = self._limits.total if seconds is None else min(seconds, self._limits.total)
        trusts = partial(self._trusts, details.correlation_id, endpoint.path)
        try:
            return await own.lines[endpoint.path].post(fields, content, limit, trusts, fresh=fresh)
        except FAILURES as error:
            raise failure_of(error, details)  # noqa: B904 - which sets what may be shown of the cause

    def _read(
        self, endpoint: Endpoint, answer: HttpAnswer, cipher: Cipher | None, call: CallDetails, echo: Echo
    ) -> Success:
        """What an answer says, if it is the answer to this call."""
        if self._echoes.refuses(echo, endpoint.path):
            raise InvalidResponseError(call.answered(answer.status))
        self._echoes.note(echo, endpoint.path)
        return read_success(
            Reply(answer.status, answer.body, answer.header(_CRYPTO_KEY_ID), self._retry_after(answer)),
            call,
            cipher=cipher,
            required=endpoint.required,
            only_sealed=endpoint.sealed and cipher is not None and not self._allow_unsealed,
        )

    def _retry_after(self, answer: HttpAnswer) -> float | None:
        asked = answer.header(_RETRY_AFTER)
        return None if asked is None else seconds_to_wait(asked, self._clock_ms() / 1000)

    def _trusts(self, correlation_id: str, api: str, answer: HttpAnswer) -> bool:
        """Whether the connection of an answer may be used again."""
        if answer.status in ASK_AGAIN:
            return False
        echoed = answer.header(_CORRELATION_ID)
        # Nearly always, and then there is nothing to look at.
        return echoed == correlation_id or not self._echoes.refuses(self._echoes.read(echoed, correlation_id), api)
