"""One HTTP exchange with Konaplate, and what its failures mean.

There are two ways to move the bytes. `LeanExchange` sends prepared bytes over this gateway's own transport.
`HttpxExchange` takes any transport of httpx: its own one, the sandbox, a fault. Both write what is the same in
every call of an API once, into a `Line`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, Protocol

import httpx

from graph.header_values import is_encoded
from graph.konaplate.errors import (
    Cause,
    InvalidResponseError,
    KonaplateError,
    TimedOutError,
    UnavailableError,
)
from graph.konaplate.transport.answer import AnswerRefusedError, HttpAnswer
from graph.konaplate.transport.connection import NO_ANSWER
from graph.konaplate.transport.kept import FRESH
from graph.konaplate.transport.lean import LeanTransport, request_head

if TYPE_CHECKING:
    from graph.konaplate.errors import CallDetails
    from graph.konaplate.protocol import RawHeaders
    from graph.konaplate.transport.pool import Pool


Trusts = Callable[[HttpAnswer], bool]

FAILURES: Final = (httpx.TransportError, OSError)
"""What a line raises. OSError: what TLS reports after the handshake, such as a refused certificate of ours."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one exchange. Seconds and bytes."""

    total: float = 2.5
    connect: float = 1.0
    pool: float = 0.25
    response_bytes: int = 256 * 1024


class Line(Protocol):
    """Sends requests to one URL and reads whole answers."""

    def post(
        self, fields: RawHeaders, content: bytes, seconds: float, trusts: Trusts, *, fresh: bool
    ) -> Awaitable[HttpAnswer]:
        """Send one by POST.

        Args:
            fields: header fields of this request.
            content: the body.
            seconds: for all of it.
            trusts: whether a connection that gave this answer may be used again.
            fresh: whether it needs a connection of its own: what went wrong on one that was kept may go wrong on
                the others, too.

        Raises:
            httpx.TransportError: without an answer.
            TimeoutError: without a whole answer in time.
            AnswerRefusedError: with one that is compressed or beyond the cap.
            OSError: for what TLS reports after its handshake.
        """
        ...


class Exchange(Protocol):
    """Makes lines, and owns the connections."""

    def line(self, url: str, fields: RawHeaders) -> Line:
        """A line to a URL, all of whose requests have some header fields in common."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


def exchange_over(transport: httpx.AsyncBaseTransport, limits: Limits) -> Exchange:
    """The shortest way over a transport, which is closed with it."""
    return LeanExchange(transport) if isinstance(transport, LeanTransport) else HttpxExchange(transport, limits)


class LeanExchange:
    """Prepared bytes over the lean transport, whose bounds are its own."""

    def __init__(self, transport: LeanTransport) -> None:
        self._transport = transport

    def line(self, url: str, fields: RawHeaders) -> Line:
        """See `Exchange`."""
        return _LeanLine(self._transport, url, fields)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


class _LeanLine:
    """A line over the lean transport."""

    def __init__(self, transport: LeanTransport, url: str, fields: RawHeaders) -> None:
        self._transport = transport
        self._url = url
        self._fields = fields
        self._prepared: tuple[Pool, bytes] | None = None

    def post(
        self, fields: RawHeaders, content: bytes, seconds: float, trusts: Trusts, *, fresh: bool
    ) -> Awaitable[HttpAnswer]:
        """See `Line`."""
        pool, start = self._prepared or self._prepare()
        lines = b"".join([b"%b: %b\r\n" % field for field in fields])
        request = b"%b%bContent-Length: %d\r\n\r\n%b" % (start, lines, len(content), content)
        return pool.exchange(request, seconds, trusts=trusts, fresh=fresh)

    def _prepare(self) -> tuple[Pool, bytes]:
        """The connections, and the start of every head. Not before the first call: a URL may be none."""
        request = httpx.Request("POST", self._url, headers=self._fields)
        del request.headers["Content-Length"]
        self._prepared = self._transport.pool(request.url), request_head(request).removesuffix(b"\r\n")
        return self._prepared


class HttpxExchange:
    """A client of httpx over any transport.

    Args:
        transport: moves the bytes.
        limits: the bounds of every exchange.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, limits: Limits) -> None:
        self._limit = limits.response_bytes
        self._http = httpx.AsyncClient(
            transport=transport,
            follow_redirects=False,
            # No proxies, certificates or passwords from the environment or a .netrc.
            trust_env=False,
            # Calls share nothing but the connections: no cookie of one answer goes out with the next call.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            event_hooks={"response": [_forget_location]},
            timeout=httpx.Timeout(limits.total, connect=limits.connect, pool=limits.pool),
        )

    def line(self, url: str, fields: RawHeaders) -> Line:
        """See `Exchange`."""
        return _HttpxLine(self, url, fields)

    async def send(
        self, url: str, headers: RawHeaders, content: bytes, trusts: Trusts, *, fresh: bool
    ) -> HttpAnswer:
        """Send one request by POST; see `Line`."""
        request = self._http.build_request(
            "POST", url, content=content, headers=headers, extensions={FRESH: fresh}
        )
        response = await self._http.send(request, stream=True)
        try:
            answer = await self._whole(response)
            connection = response.extensions.get("network_stream")
            if connection is not None and not trusts(answer):
                await connection.aclose()
        except (httpx.NetworkError, OSError):
            # Told apart from a connection that ends before an answer begins.
            raise httpx.RemoteProtocolError("The connection broke within the answer.") from None
        finally:
            await response.aclose()
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _whole(self, response: httpx.Response) -> HttpAnswer:
        if is_encoded(response.headers.get("Content-Encoding", "")):
            raise AnswerRefusedError(response.status_code)
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._limit:
                raise AnswerRefusedError(response.status_code)
        fields: dict[bytes, bytes] = {}
        for name, value in response.headers.raw:
            earlier = fields.get(name.lower())
            fields[name.lower()] = value if earlier is None else earlier + b", " + value
        return HttpAnswer(response.status_code, fields, bytes(body))


class _HttpxLine:
    """A line over httpx."""

    def __init__(self, exchange: HttpxExchange, url: str, fields: RawHeaders) -> None:
        self._exchange = exchange
        self._url = url
        self._fields = fields

    async def post(
        self, fields: RawHeaders, content: bytes, seconds: float, trusts: Trusts, *, fresh: bool
    ) -> HttpAnswer:
        """See `Line`. httpx limits the time between two reads only: a slow drip would never end."""
        async with asyncio.timeout(seconds):
            return await self._exchange.send(self._url, [*self._fields, *fields], content, trusts, fresh=fresh)


async def _forget_location(response: httpx.Response) -> None:
    # httpx reads the address of a redirect even when it must not follow it, and some addresses make it fail.
    response.headers.pop("Location", None)


def failure_of(error: Exception, details: CallDetails) -> KonaplateError:
    """What it means that a line has raised an error, with its cause where that may be shown.

    - UnavailableError: without an answer.
    - TimedOutError: without a whole answer in time.
    - InvalidResponseError: when the answer is compressed or too large.
    """
    failure = _meaning(error, details)
    # Those of the protocol quote what came over the wire. To set it, also to None, hides the context.
    failure.__cause__ = None if isinstance(error, httpx.ProtocolError) else error
    return failure


def _meaning(error: Exception, details: CallDetails) -> KonaplateError:
    if isinstance(error, httpx.ConnectTimeout):
        return TimedOutError(details, Cause.NOT_CONNECTED)
    if isinstance(error, TimeoutError | httpx.ReadTimeout | httpx.WriteTimeout):
        return TimedOutError(details)
    if isinstance(error, AnswerRefusedError):
        return InvalidResponseError(details.answered(error.status))
    return UnavailableError(details, _cause(error))


def _cause(error: Exception) -> Cause:
    """Why there is no answer."""
    if isinstance(error, httpx.PoolTimeout):
        return Cause.NO_CONNECTION_FREE
    if _is_about_a_certificate(error):
        return Cause.CERTIFICATE
    if isinstance(error, httpx.ConnectError):
        return Cause.NOT_CONNECTED
    if isinstance(error, httpx.ProtocolError) and str(error) != NO_ANSWER:
        return Cause.BROKEN_ANSWER
    return Cause.NO_ANSWER


def _is_about_a_certificate(error: BaseException | None) -> bool:
    """Whether a certificate was refused, the other side's by us or ours by it."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
            return True
        error = error.__cause__ or error.__context__
    return False
