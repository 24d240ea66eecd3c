"""One HTTP exchange with Konaplate, and what its failures mean.

There are two ways to move the bytes. `LeanExchange` sends prepared bytes over this gateway's own transport.
`HttpxExchange` takes any transport of httpx: its own one, the sandbox, a fault.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Protocol

import httpx

from graph.konaplate.errors import CallDetails, Cause, InvalidResponseError, TimedOutError, UnavailableError
from graph.transport.answer import AnswerRefusedError, HttpAnswer, is_encoded
from graph.transport.connection import NO_ANSWER
from graph.transport.lean import LeanTransport, request_head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph.transport.pool import Pool


Trusts = Callable[[HttpAnswer], bool]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one exchange. Seconds and bytes."""

    total: float = 2.5
    connect: float = 1.0
    pool: float = 0.25
    response_bytes: int = 256 * 1024


class Exchange(Protocol):
    """Sends requests and reads whole answers."""

    async def send(self, url: str, headers: Mapping[str, str], content: bytes, trusts: Trusts) -> HttpAnswer:
        """Send one by POST, with no bound on the total time.

        Args:
            url: where to.
            headers: the protocol's.
            content: the body.
            trusts: whether a connection that gave this answer may be used again.

        Raises:
            httpx.TransportError: without an answer.
            AnswerRefusedError: with one that is compressed or beyond the cap.
            OSError: for what TLS reports after its handshake.
        """
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
        # Few: one for each API.
        self._prepared: dict[str, tuple[Pool, bytes]] = {}

    async def send(self, url: str, headers: Mapping[str, str], content: bytes, trusts: Trusts) -> HttpAnswer:
        """See `Exchange`."""
        pool, start = self._prepared.get(url) or self._prepare(url)
        # The values are ours: settings that hold no line break, and what `wire` makes of them.
        fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"{fields}Content-Length: {len(content)}\r\n\r\n".encode("ascii")
        return await pool.exchange(start + head + content, trusts=trusts)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    def _prepare(self, url: str) -> tuple[Pool, bytes]:
        request = httpx.Request("POST", url)
        del request.headers["Content-Length"]
        prepared = self._transport.pool(request.url), request_head(request).removesuffix(b"\r\n")
        self._prepared[url] = prepared
        return prepared


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

    async def send(self, url: str, headers: Mapping[str, str], content: bytes, trusts: Trusts) -> HttpAnswer:
        """See `Exchange`. Which connection it was, httpx does not tell, so `trusts` is not asked."""
        del trusts
        request = self._http.build_request("POST", url, content=content, headers=dict(headers))
        response = await self._http.send(request, stream=True)
        try:
            return await self._whole(response)
        except (httpx.NetworkError, OSError):
            # Told apart from a connection that ends before an answer begins.
            raise httpx.RemoteProtocolError("The connection broke within the answer.") from None
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _whole(self, response: httpx.Response) -> HttpAnswer:
        headers = tuple((name.lower(), value) for name, value in response.headers.raw)
        encoding = response.headers.get("Content-Encoding")
        if encoding is not None and is_encoded(encoding.encode("utf-8")):
            raise AnswerRefusedError(response.status_code)
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._limit:
                raise AnswerRefusedError(response.status_code)
        return HttpAnswer(response.status_code, headers, bytes(body))


async def _forget_location(response: httpx.Response) -> None:
    # httpx reads the address of a redirect even when it must not follow it, and some addresses make it fail.
    response.headers.pop("Location", None)


async def post(
    exchange: Exchange,
    url: str,
    headers: Mapping[str, str],
    content: bytes,
    *,
    details: CallDetails,
    seconds: float,
    trusts: Trusts = lambda _answer: True,
) -> HttpAnswer:
    """Make one exchange.

    Args:
        exchange: moves the bytes.
        url: where to.
        headers: the protocol's.
        content: the body.
        details: what may be told of the call if it fails.
        seconds: for all of it. httpx limits the time between two reads only: a slow drip would never end.
        trusts: whether a connection that gave this answer may be used again.

    Raises:
        UnavailableError: without an answer.
        TimedOutError: without a whole answer in time.
        InvalidResponseError: when the answer is compressed or too large.
    """
    try:
        async with asyncio.timeout(seconds):
            return await exchange.send(url, headers, content, trusts)
    except httpx.ConnectTimeout as error:
        raise TimedOutError(details, Cause.NOT_CONNECTED) from error
    except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout) as error:
        raise TimedOutError(details) from error
    except AnswerRefusedError as error:
        raise InvalidResponseError(CallDetails(details.correlation_id, error.status)) from None
    except httpx.ProtocolError as error:
        # `from None`: its message quotes what came over the wire.
        raise UnavailableError(details, _cause(error)) from None
    except (httpx.TransportError, OSError) as error:
        # OSError: httpx passes on what TLS reports after the handshake, such as a refused certificate of ours.
        raise UnavailableError(details, _cause(error)) from error


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
