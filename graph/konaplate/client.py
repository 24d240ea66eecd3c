"""The Konaplate client: one method per endpoint, over an httpx transport that is passed in."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import httpx
import msgspec

from graph.konaplate import wire
from graph.konaplate.errors import (
    CallDetails,
    InvalidResponseError,
    KonaplateError,
    TimedOutError,
    UnavailableError,
)
from graph.konaplate.records import (
    CARD_REQUIRED,
    MEMBER_REQUIRED,
    CardRecord,
    MemberRecord,
    card_record,
    member_record,
)
from graph.konaplate.replies import Reply, business_fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from graph.konaplate.encryption import Cipher
    from schema.secrets import CardNo, MemberId

R = TypeVar("R", CardRecord, MemberRecord)

Echo = Literal["same", "missing", "different", "another call's"]


@dataclass(frozen=True, slots=True)
class CallReport:
    """What is known of one call once it is over; made for logs and metrics, free of secrets."""

    api: str
    """The path of the API."""
    outcome: str
    """`ok`, or the name of the error's class."""
    details: CallDetails
    seconds: float
    echo: Echo | None
    """Whether the answer repeated our correlation id; None when there was no answer."""
    drift: tuple[str, ...]
    """Names of the fields that were longer than documented."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one call. Seconds and bytes."""

    total: float = 2.5
    connect: float = 1.0
    pool: float = 0.25
    response_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API of the vendor: where it is, and which fields make an answer without a code a success."""

    path: str
    required: AbstractSet[str]


CARD_INFO: Final = Endpoint(wire.CARD_INFO_PATH, CARD_REQUIRED)
USER_INFO: Final = Endpoint(wire.USER_INFO_PATH, MEMBER_REQUIRED)


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
        self._identity = identity
        self._cipher = cipher
        self._correlation_ids = correlation_ids
        self._limits = limits or Limits()
        self._clock_ms = clock_ms
        self._on_call = on_call
        self._http = httpx.AsyncClient(
            transport=transport,
            follow_redirects=False,
            # No proxies, certificates or passwords from the environment or a .netrc.
            trust_env=False,
            # Calls share nothing but the connections: no cookie of one answer goes out with the next call.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            event_hooks={"response": [_forget_location]},
            timeout=httpx.Timeout(self._limits.total, connect=self._limits.connect, pool=self._limits.pool),
        )

    async def fetch_card(self, card_no: CardNo) -> CardRecord:
        """Card-User Mapped Inquiry.

        Raises:
            KonaplateError: see the tree in `graph.konaplate.errors`.
        """
        return await self._call(CARD_INFO, {"cardNo": card_no.reveal()}, card_record)

    async def fetch_member(self, user_id: MemberId) -> MemberRecord:
        """Search for Member Information.

        Raises:
            KonaplateError: see the tree in `graph.konaplate.errors`.
        """
        return await self._call(
            USER_INFO,
            {"userId": int(user_id.reveal())},
            lambda fields, details: member_record(fields, details, asked=user_id),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _call(
        self, endpoint: Endpoint, payload: dict[str, Any], read: Callable[[dict[str, Any], CallDetails], R]
    ) -> R:
        moment = wire.Moment.at(self._clock_ms(), self._identity.zone)
        details = CallDetails(self._correlation_ids.next(moment))
        started = time.perf_counter()
        outcome, echo = "cancelled", None
        drift: tuple[str, ...] = ()
        try:
            response, body = await self._exchange(endpoint, payload, moment, details)
            echo = self._echo(response, details)
            if echo == "another call's":
                raise InvalidResponseError(_with_status(details, response))
            reply = Reply(response.status_code, body, response.headers.get(wire.CRYPTO_KEY_ID))
            fields, details = business_fields(
                reply, cipher=self._cipher, required=endpoint.required, correlation_id=details.correlation_id
            )
            record = read(fields, details)
            outcome, drift = "ok", record.drift
        except KonaplateError as error:
            outcome, details = type(error).__name__, error.details
            raise
        finally:
            self._on_call(CallReport(endpoint.path, outcome, details, time.perf_counter() - started, echo, drift))
        return record

    async def _exchange(
        self, endpoint: Endpoint, payload: dict[str, Any], moment: wire.Moment, details: CallDetails
    ) -> tuple[httpx.Response, bytes]:
        """Send one request and read its whole answer, within the total time and the byte cap."""
        clear = msgspec.json.encode(payload)
        content = clear if self._cipher is None else self._cipher.seal(clear)
        headers = wire.request_headers(
            self._identity,
            moment,
            details.correlation_id,
            content,
            crypto_key_id=None if self._cipher is None else self._cipher.key_id,
        )
        request = self._http.build_request(
            "POST", self._base_url + endpoint.path, content=content, headers=headers
        )
        try:
            # httpx limits the time between two reads, not their sum: a slow drip would never end.
            async with asyncio.timeout(self._limits.total):
                response = await self._http.send(request, stream=True)
                try:
                    return response, await self._read(response, details)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout) as error:
            raise TimedOutError(details) from error
        except httpx.ProtocolError:
            # Its message quotes what came over the wire.
            raise UnavailableError(details) from None
        except (httpx.TransportError, OSError) as error:
            # OSError: httpx passes on what TLS reports after the handshake, such as a refused certificate of ours.
            raise UnavailableError(details) from error

    def _echo(self, response: httpx.Response, details: CallDetails) -> Echo:
        """Whether the answer repeats our correlation id.

        That it does is inferred, not documented, so another id is only noted. The id of another call of ours is
        not: then the connection is out of step, and the answer is about somebody else's card.
        """
        echoed = response.headers.get(wire.CORRELATION_ID)
        if echoed is None:
            return "missing"
        if echoed == details.correlation_id:
            return "same"
        return "another call's" if self._correlation_ids.made(echoed) else "different"

    async def _read(self, response: httpx.Response, details: CallDetails) -> bytes:
        limit = self._limits.response_bytes
        body = bytearray()
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            # Asked for identity, so a compressed answer is out of protocol, and inflating it has no bound.
            raise InvalidResponseError(_with_status(details, response))
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > limit:
                raise InvalidResponseError(_with_status(details, response))
        return bytes(body)


async def _forget_location(response: httpx.Response) -> None:
    # httpx reads the address of a redirect even when it must not follow it, and some addresses make it fail.
    response.headers.pop("Location", None)


def _with_status(details: CallDetails, response: httpx.Response) -> CallDetails:
    return CallDetails(details.correlation_id, response.status_code)
