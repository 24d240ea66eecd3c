"""The Konaplate client: any endpoint, over an httpx transport that is passed in."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import httpx
import msgspec

from graph.konaplate import protocol as wire
from graph.konaplate.endpoint import by_name
from graph.konaplate.errors import CallDetails, Cause, InvalidResponseError, KonaplateError, UnsealedError
from graph.konaplate.responses import ASK_AGAIN, Response, read_success, seconds_to_wait
from graph.konaplate.send import Limits, send
from graph.konaplate.transport.lean import Template, TemplateRequest
from graph.konaplate.transport.pool import FRESH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from graph.konaplate.encryption import Cipher
    from graph.konaplate.endpoint import Endpoint

_encode: Final = msgspec.json.Encoder().encode
_CORRELATION_ID: Final = wire.CORRELATION_ID.lower()


class CallReport(msgspec.Struct):
    """One finished call, for logs and metrics. Free of secrets."""

    api: str
    """The path of the API."""
    outcome: str
    """`ok`, the name of the error's class, `cancelled`, or `unexpected` for a fault of our own."""
    details: CallDetails
    seconds: float = 0.0
    echo: wire.Echo | None = None
    """How the response's correlation id compares with ours; None without a response."""
    drift: tuple[str, ...] = ()
    """Names of the fields that were longer than documented."""
    attempt: int = 1
    """Counts from 1."""
    cause: Cause | None = None
    """Why there was no usable response; None when there was one."""
    endpoint: str = ""
    """The endpoint's name."""
    invalid_fields: tuple[str, ...] = ()
    """Names of the fields that were missing or could not be read."""
    problem: str = ""
    """What is wrong with a response, or a row of it, that is refused as a whole."""


class _Session:
    """The credentials that a call uses from beginning to end, and what is prepared from them for all calls."""

    def __init__(
        self,
        identity: wire.Identity,
        cipher: Cipher | None,
        base_url: str,
        endpoints: Iterable[Endpoint[Any, Any]],
        limits: Limits,
    ) -> None:
        self.identity = identity
        self.cipher = cipher
        self._timeout = httpx.Timeout(limits.total, connect=limits.connect, pool=limits.pool).as_dict()
        self._templates: dict[str, Template] = {}
        for endpoint in endpoints:
            # Also with a clear request: it names the key that the response is sealed with.
            # So does one that may be sealed, as far as is known.
            encrypts = endpoint.seals_request or endpoint.seals_response is not False
            headers = wire.common_headers(identity, cipher.key_id if cipher is not None and encrypts else None)
            self._templates[endpoint.name] = Template(base_url + endpoint.path, headers)

    def request(
        self, endpoint: Endpoint[Any, Any], asked: Any, correlation_id: str, now: wire.Timestamp, *, fresh: bool
    ) -> httpx.Request:
        """Seal and sign one request; `fresh` sends it over a new connection."""
        content = _encode(endpoint.request(asked))
        if endpoint.seals_request and self.cipher is not None:
            content = self.cipher.seal(content)
        headers = wire.signed_headers(self.identity, now, correlation_id, content)
        headers.append((b"Content-Length", b"%d" % len(content)))
        extensions = {"timeout": self._timeout, FRESH: fresh}
        return TemplateRequest(self._templates[endpoint.name], headers, content, extensions)


class KonaplateClient:
    """Speaks Konaplate's signed and encrypted protocol.

    Args:
        base_url: ends in `/open-api`, as the vendor writes it.
        identity: the caller.
        cipher: seals requests and opens responses; None sends plain JSON (for a private line).
        transport: sends the requests; closed with the client.
        correlation_ids: one for the whole process, so that no two calls share an id.
        endpoints: what can be called.
        limits: the bounds of every call.
        clock_ms: milliseconds since 1970 (UTC).
        on_call: receives a report of every finished call.
        echo_rule: when a response's correlation id makes it unusable.
    """

    def __init__(
        self,
        base_url: str,
        identity: wire.Identity,
        cipher: Cipher | None,
        transport: httpx.AsyncBaseTransport,
        correlation_ids: wire.CorrelationIds,
        *,
        endpoints: Iterable[Endpoint[Any, Any]],
        limits: Limits | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        on_call: Callable[[CallReport], None] = lambda _report: None,
        echo_rule: wire.EchoRule = wire.EchoRule.LEARN,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._correlation_ids = correlation_ids
        self._correlation = wire.CorrelationCheck(correlation_ids, echo_rule)
        self._endpoints = by_name(endpoints)
        self._clock_ms = clock_ms
        self._on_call = on_call
        self._limits = limits or Limits()
        self._transport = transport
        self.renew(identity, cipher)

    async def fetch(
        self, endpoint: Endpoint[Any, Any], asked: Any, seconds: float = math.inf, attempt: int = 1
    ) -> Any:
        """Call an endpoint.

        Args:
            endpoint: one of the client's endpoints.
            asked: a key, or a sequence of keys for a batch endpoint.
            seconds: the time limit of this call, if it is below the client's own.
            attempt: its number, from 1.

        Returns:
            The record; from a batch endpoint, the record or the error of each key.

        Raises:
            KonaplateError: see the tree in `graph.konaplate.errors`.
        """
        # The client's own copy: settings may override what is encrypted.
        endpoint = self._endpoints[endpoint.name]
        # Read once: keys must not change in the middle of a call.
        session, limits = self._session, self._limits
        now = wire.Timestamp.at(self._clock_ms(), session.identity.zone)
        call = CallDetails(self._correlation_ids.next(now), api=endpoint.path)
        report = CallReport(endpoint.path, "cancelled", call, attempt=attempt, endpoint=endpoint.name)
        started = time.perf_counter()
        try:
            request = session.request(endpoint, asked, call.correlation_id, now, fresh=attempt > 1)
            response = await send(
                self._transport,
                request,
                call,
                seconds=min(seconds, limits.total),
                max_bytes=limits.response_bytes,
                trusts=partial(self._trusts, report),
            )
            answer = self._read(endpoint, asked, session.cipher, response, report)
            report.outcome = "ok"
        except KonaplateError as error:
            report.outcome, report.details, report.cause = type(error).__name__, error.details, error.cause
            report.problem = _problem(error)
            raise
        except Exception:
            report.outcome = "unexpected"
            raise
        finally:
            report.seconds = time.perf_counter() - started
            self._on_call(report)
        return answer

    def renew(self, identity: wire.Identity, cipher: Cipher | None) -> None:
        """Use new credentials from the next call on; calls in progress finish with the old ones."""
        self._session = _Session(identity, cipher, self._base_url, self._endpoints.values(), self._limits)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    def _trusts(self, report: CallReport, response: Response) -> bool:
        """Whether the connection of a response may be reused. One that is out of step must not be."""
        echoed = response.headers.get(_CORRELATION_ID)
        report.echo = self._correlation.compare(echoed, report.details.correlation_id)
        return self._correlation.accepts(report.echo, report.api) and response.status not in ASK_AGAIN

    def _read(
        self,
        endpoint: Endpoint[Any, Any],
        asked: Any,
        cipher: Cipher | None,
        response: Response,
        report: CallReport,
    ) -> Any:
        """Read a response into records, provided that it belongs to this call."""
        now = self._clock_ms()
        retry_after = response.headers.get("retry-after")
        wait = None if retry_after is None else seconds_to_wait(retry_after, now / 1000)
        call = CallDetails(report.details.correlation_id, None, None, report.api, wait, now)
        if not self._correlation.accepts(report.echo, report.api):
            raise InvalidResponseError(call.answered(response.status), "its correlation id is not ours")
        success = read_success(endpoint, response, call, cipher)
        report.details = success.details
        if cipher is not None and endpoint.seals_response is True and not success.sealed:
            raise UnsealedError(success.details)
        if endpoint.batch:
            records = endpoint.read_batch(success.fields, success.details, asked)
            report.drift = _names(records.values(), "drift")
            report.invalid_fields = _names(records.values(), "invalid_fields")
            report.problem = next(filter(None, map(_problem, records.values())), "")
            return records
        record = endpoint.read(success.fields, success.details, asked)
        report.drift, report.invalid_fields = record.drift, record.invalid_fields
        return record


def _problem(answer: object) -> str:
    return answer.problem if isinstance(answer, InvalidResponseError) else ""


def _names(records: Iterable[Any], attribute: str) -> tuple[str, ...]:
    """The names that an attribute of some records lists, each once; some may be errors."""
    return tuple(dict.fromkeys(name for record in records for name in getattr(record, attribute, ())))
