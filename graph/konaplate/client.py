"""The Konaplate client: one method per endpoint, over an httpx transport that is passed in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import msgspec

from graph.konaplate import wire
from graph.konaplate.errors import (
    CallDetails,
    Cause,
    InvalidResponseError,
    KonaplateError,
    TimedOutError,
    UnavailableError,
)
from graph.konaplate.exchange import Limits, exchange_over, post
from graph.konaplate.records import (
    CARD_REQUIRED,
    MEMBER_REQUIRED,
    CardRecord,
    MemberRecord,
    card_record,
    member_record,
)
from graph.konaplate.replies import Reply, business_fields, seconds_to_wait

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    import httpx

    from graph.konaplate.encryption import Cipher
    from graph.transport.answer import HttpAnswer
    from schema.secrets import CardNo, MemberId

R = TypeVar("R", CardRecord, MemberRecord)

_CORRELATION_ID: Final = wire.CORRELATION_ID.lower().encode("ascii")
_CRYPTO_KEY_ID: Final = wire.CRYPTO_KEY_ID.lower().encode("ascii")
_RETRY_AFTER: Final = b"retry-after"

Echo = Literal["same", "missing", "different", "another call's"]


@dataclass(frozen=True, slots=True)
class CallReport:
    """What is known of one call once it is over; made for logs and metrics, free of secrets."""

    api: str
    """The path of the API."""
    outcome: str
    """`ok`, the name of the error's class, `cancelled`, or `unexpected` for a fault of our own."""
    details: CallDetails
    seconds: float
    echo: Echo | None
    """Whether the answer repeated our correlation id; None when there was no answer."""
    drift: tuple[str, ...]
    """Names of the fields that were longer than documented."""
    attempt: int = 1
    """Which attempt it was, from 1."""
    cause: Cause | None = None
    """Why there was no usable answer; None when there was one."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API of the vendor: where it is, and which fields make an answer without a code a success."""

    path: str
    required: AbstractSet[str]


CARD_INFO: Final = Endpoint(wire.CARD_INFO_PATH, CARD_REQUIRED)
USER_INFO: Final = Endpoint(wire.USER_INFO_PATH, MEMBER_REQUIRED)


@dataclass(frozen=True, slots=True)
class _Credentials:
    """What a call uses from its beginning to its end."""

    identity: wire.Identity
    cipher: Cipher | None


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
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._credentials = _Credentials(identity, cipher)
        self._correlation_ids = correlation_ids
        self._clock_ms = clock_ms
        self._on_call = on_call
        self._limits = limits or Limits()
        self._exchange = exchange_over(transport, self._limits)

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
        return await self._call(CARD_INFO, payload, card_record, seconds, attempt)

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
        self._credentials = _Credentials(identity, cipher)

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
        moment = wire.Moment.at(self._clock_ms(), own.identity.zone)
        details = CallDetails(self._correlation_ids.next(moment))
        started = time.perf_counter()
        outcome, echo, cause = "cancelled", None, None
        drift: tuple[str, ...] = ()
        try:
            answer = await self._send(endpoint, payload, own, moment, details, seconds=seconds)
            echo = self._echo(answer, details)
            _refuse_another_calls(echo, CallDetails(details.correlation_id, answer.status))
            crypto_key_id = answer.header(_CRYPTO_KEY_ID)
            reply = Reply(answer.status, answer.body, crypto_key_id, self._retry_after(answer))
            fields, details = business_fields(
                reply, cipher=own.cipher, required=endpoint.required, correlation_id=details.correlation_id
            )
            record = read(fields, details)
            outcome, drift = "ok", record.drift
        except KonaplateError as error:
            outcome, details = type(error).__name__, error.details
            cause = error.cause if isinstance(error, UnavailableError | TimedOutError) else None
            raise
        except Exception:
            outcome = "unexpected"
            raise
        finally:
            spent = time.perf_counter() - started
            self._on_call(CallReport(endpoint.path, outcome, details, spent, echo, drift, attempt, cause))
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
    ) -> HttpAnswer:
        """Seal, sign and send one request."""
        clear = msgspec.json.encode(payload)
        content = clear if own.cipher is None else own.cipher.seal(clear)
        headers = wire.request_headers(
            own.identity,
            moment,
            details.correlation_id,
            content,
            crypto_key_id=None if own.cipher is None else own.cipher.key_id,
        )
        limit = self._limits.total if seconds is None else min(seconds, self._limits.total)
        url = self._base_url + endpoint.path

        def trusts(answer: HttpAnswer) -> bool:
            return self._echo(answer, details) != "another call's"

        return await post(self._exchange, url, headers, content, details=details, seconds=limit, trusts=trusts)

    def _retry_after(self, answer: HttpAnswer) -> float | None:
        asked = answer.header(_RETRY_AFTER)
        return None if asked is None else seconds_to_wait(asked, self._clock_ms() / 1000)

    def _echo(self, answer: HttpAnswer, details: CallDetails) -> Echo:
        """Whether the answer repeats our correlation id.

        That it does is inferred, not documented, so another id is only noted. The id of another call of ours is
        not: then the connection is out of step, and the answer is about somebody else's card.
        """
        echoed = answer.header(_CORRELATION_ID)
        if echoed is None:
            return "missing"
        if echoed == details.correlation_id:
            return "same"
        return "another call's" if self._correlation_ids.made(echoed) else "different"


def _refuse_another_calls(echo: Echo, details: CallDetails) -> None:
    if echo == "another call's":
        raise InvalidResponseError(details)
