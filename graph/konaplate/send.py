"""One request to Konaplate over any transport of httpx's, its whole response, and what its failures mean.

A transport is called directly: a client of httpx costs more than a twentieth of a request, for cookies, redirects
and proxies that must not be here.
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
from graph.konaplate.transport.connection import NO_RESPONSE
from graph.konaplate.transport.lean import TOTAL, LeanTransport
from graph.konaplate.transport.messages import WholeResponse
from graph.konaplate.transport.parser import ResponseRefusedError

if TYPE_CHECKING:
    from graph.konaplate.errors import CallDetails
    from graph.konaplate.transport.messages import RawHeaders

Trusts = Callable[[Response], bool]
"""Whether a connection that gave this response may be used again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one exchange. Seconds and bytes."""

    total: float = 2.5
    connect: float = 1.0
    pool: float = 0.25
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
    """Send a request, and read the whole response.

    Args:
        transport: moves the bytes.
        request: what to send.
        details: what is known of the call.
        seconds: for all of it. A transport of httpx limits the time between two reads only, so that a slow drip
            would never end.
        max_bytes: of the response's body.
        trusts: see `Trusts`; it is asked once.

    Raises:
        UnavailableError: without a response.
        TimedOutError: without a whole response in time.
        InvalidResponseError: with one that is compressed or beyond the cap.
    """
    try:
        if isinstance(transport, LeanTransport):
            # Its connections have one timer for all of them.
            request.extensions[TOTAL] = seconds
            return await _exchanged(transport, request, max_bytes, trusts)
        async with asyncio.timeout(seconds):
            return await _exchanged(transport, request, max_bytes, trusts)
    # OSError: what TLS reports after the handshake, such as a refused certificate of ours.
    except (httpx.TransportError, OSError) as error:
        failure = _meaning(error, details)
        # Those of the protocol quote what came over the wire. To set it, also to None, hides the context.
        failure.__cause__ = None if isinstance(error, httpx.ProtocolError) else error
        raise failure  # noqa: B904 - its cause is set


async def _exchanged(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, max_bytes: int, trusts: Trusts
) -> Response:
    streamed = await transport.handle_async_request(request)
    # Not through the response's own methods, which take as long as everything else here.
    stream: Any = streamed.stream
    try:
        whole = streamed if isinstance(streamed, WholeResponse) else None
        headers = _by_name(streamed.headers.raw if whole is None else whole.raw_headers)
        encoding = headers.get("content-encoding")
        # Inflating has no bound.
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
        # Told apart from a connection that ends before a response begins.
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
    """What a stream holds, if it is no more than may be; else some more than that."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in stream:
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            break
    return b"".join(chunks)


def _meaning(error: Exception, details: CallDetails) -> KonaplateError:
    """What it means that a transport has raised an error."""
    if isinstance(error, httpx.ConnectTimeout):
        return TimedOutError(details, Cause.NOT_CONNECTED)
    if isinstance(error, TimeoutError | httpx.ReadTimeout | httpx.WriteTimeout):
        return TimedOutError(details)
    if isinstance(error, ResponseRefusedError):
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
    if isinstance(error, httpx.ProtocolError) and str(error) != NO_RESPONSE:
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
