"""Sends one request over any httpx transport, reads the whole response, and classifies failures.

The transport is called directly. An httpx client would add more than 5 % to the cost of a request, for cookies,
redirects and proxies, which must not be used here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from graph.header_values import is_encoded
from graph.konaplate.errors import (
    Cause,
    InvalidResponseError,
    KonaplateError,
    TimedOutError,
    UnavailableError,
)
from graph.konaplate.responses import Response
from graph.konaplate.transport.connection import NO_RESPONSE, ResponseRefusedError
from graph.konaplate.transport.lean import TOTAL, LeanTransport, WholeResponse

if TYPE_CHECKING:
    from graph.header_values import RawHeaders
    from graph.konaplate.errors import CallDetails

Trusts = Callable[[Response], bool]
"""Whether the connection that delivered this response may be reused."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one exchange. Seconds and bytes."""

    total: float = 2.5
    # Each of several addresses gets 0.25 s before the next one is tried beside it (RFC 8305).
    connect: float = 1.0
    pool: float = 0.25
    # A record is a few hundred bytes; a list of a member's cards has a few kilobytes.
    response_bytes: int = 256 * 1024


async def send(
    transport: httpx.AsyncBaseTransport,
    request: httpx.Request,
    details: CallDetails,
    *,
    seconds: float,
    max_bytes: int,
    trusts: Trusts,
) -> Response:
    """Send a request and read the whole response.

    Args:
        transport: sends the request.
        request: what to send.
        details: what is known of the call.
        seconds: the limit of the whole exchange. httpx's transports only limit the time between two reads, so a
            slow drip would never end.
        max_bytes: the limit of the response's body.
        trusts: see `Trusts`; called once.

    Raises:
        UnavailableError: there was no response.
        TimedOutError: there was no complete response in time.
        InvalidResponseError: the response is compressed or too large.
    """
    try:
        if isinstance(transport, LeanTransport):
            # All its connections share one timer.
            request.extensions[TOTAL] = seconds
            return await _exchanged(transport, request, max_bytes, trusts)
        async with asyncio.timeout(seconds):
            return await _exchanged(transport, request, max_bytes, trusts)
    # OSError: TLS failures after the handshake, such as the server rejecting our certificate.
    except (httpx.TransportError, OSError) as error:
        failure = _classified(error, details)
        # Protocol errors quote what was received. Setting the cause, even to None, suppresses the context.
        failure.__cause__ = None if isinstance(error, httpx.ProtocolError) else error
        raise failure  # noqa: B904 - its cause is set


async def _exchanged(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, max_bytes: int, trusts: Trusts
) -> Response:
    streamed = await transport.handle_async_request(request)
    # Bypasses the response's own methods, which cost as much as everything else here.
    stream: Any = streamed.stream
    try:
        whole = streamed if isinstance(streamed, WholeResponse) else None
        headers = _by_name(streamed.headers.raw if whole is None else whole.raw_headers)
        encoding = headers.get("content-encoding")
        # Decompression has no bound.
        if encoding is not None and is_encoded(encoding):
            raise ResponseRefusedError(streamed.status_code)
        body = await _read(stream, max_bytes) if whole is None else whole.body.read()
        if len(body) > max_bytes:
            raise ResponseRefusedError(streamed.status_code)
        response = Response(streamed.status_code, headers, body)
        trusted, connection = trusts(response), streamed.extensions.get("network_stream")
        if connection is not None and not trusted:
            await connection.aclose()
    except (httpx.NetworkError, OSError):
        # Distinct from a connection that ends before a response begins.
        raise httpx.RemoteProtocolError("The connection broke within the response.") from None
    finally:
        await stream.aclose()
    return response


def _by_name(raw_headers: RawHeaders) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw_headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _read(stream: httpx.AsyncByteStream, max_bytes: int) -> bytes:
    """Read a stream; stop once it exceeds `max_bytes`."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in stream:
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            break
    return b"".join(chunks)


def _classified(error: Exception, details: CallDetails) -> KonaplateError:
    """The error that a transport's failure amounts to."""
    if isinstance(error, httpx.ConnectTimeout):
        return TimedOutError(details, Cause.NOT_CONNECTED)
    if isinstance(error, TimeoutError | httpx.ReadTimeout | httpx.WriteTimeout):
        return TimedOutError(details)
    if isinstance(error, ResponseRefusedError):
        return InvalidResponseError(details.answered(error.status), "it is too large or compressed")
    return UnavailableError(details, _cause(error))


def _cause(error: Exception) -> Cause:
    """Why there is no response."""
    if isinstance(error, httpx.PoolTimeout):
        return Cause.NO_CONNECTION_FREE
    if _is_about_a_certificate(error):
        return Cause.CERTIFICATE
    if isinstance(error, httpx.ConnectError):
        return Cause.NOT_CONNECTED
    if isinstance(error, httpx.ProtocolError) and str(error) != NO_RESPONSE:
        return Cause.BROKEN_ANSWER
    return Cause.NO_ANSWER


def _is_about_a_certificate(error: BaseException | None) -> bool:
    """Whether either side rejected the other's certificate."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
            return True
        error = error.__cause__ or error.__context__
    return False
