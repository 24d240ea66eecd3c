"""One call of the probe, and what its answer is like: never what is in it."""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx

from graph.header_values import seconds_ahead
from graph.konaplate import protocol as wire
from graph.konaplate.encryption import (
    KNOWN_ALGORITHMS,
    KNOWN_CONTENT_ENCRYPTIONS,
    CannotOpenError,
    Cipher,
)
from graph.konaplate.errors import FAMILIES, SUCCESS, CallDetails, Cause, KonaplateError
from graph.konaplate.responses import REJECTED, code_and_place, read_object
from graph.konaplate.send import Limits, send

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graph.konaplate.encryption import KeyPair
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.responses import Response

_OK: Final = range(200, 300)
_WORDS: Final[Mapping[Cause, str]] = {
    Cause.NOT_CONNECTED: "refuses connections, or cannot be reached",
    Cause.CERTIFICATE: "one side does not accept the other's certificate",
    Cause.TOO_SLOW: "does not answer in time",
    Cause.NO_ANSWER: "closes the connection without an answer",
    Cause.BROKEN_ANSWER: "breaks its answer off, or does not speak HTTP",
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How a call is made."""

    sealed: bool
    """Whether the request is encrypted."""
    names_key: bool
    """Whether it names the crypto key."""
    zone: wire.Zone
    shift_ms: int = 0
    """Added to this machine's clock."""
    algorithm: str = KNOWN_ALGORITHMS[0]
    content_encryption: str = KNOWN_CONTENT_ENCRYPTIONS[0]


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What an answer is like."""

    fault: Cause | None = None
    """Why there is no usable answer; None if there is one."""
    status: int = 0
    fields: Mapping[str, Any] | None = field(default=None, repr=False)
    """Its members, opened; None if they cannot be read."""
    code: str | None = None
    place: str | None = None
    """Where the code stands."""
    jwe: tuple[str, str] | None = None
    """`alg` and `enc` of a sealed answer."""
    echo: wire.Echo | None = None
    skew: float | None = None
    """Seconds by which Konaplate's clock is ahead of this machine's, by its Date header."""

    @property
    def fault_in_words(self) -> str:
        """What Konaplate does instead of giving a usable answer."""
        return _WORDS.get(self.fault, f"answers HTTP {self.status}") if self.fault else ""

    @property
    def is_success(self) -> bool:
        """Whether it has what was asked for."""
        return self.code == SUCCESS or (self.code is None and self.status in _OK and self.fields is not None)

    @property
    def is_refused(self) -> bool:
        """Whether Konaplate refuses the call itself: credentials, times, headers or encryption."""
        if self.code is None:
            return self.status in REJECTED or (self.status not in _OK and not self.fault)
        return self.code[:4] in FAMILIES or self.status in REJECTED


class ProbeClient:
    """Makes calls in any manner.

    Args:
        base_url: of Konaplate.
        identity: whose zone is replaced by that of each call.
        pairs: of encryption; none on a private line.
        transport: sends the requests.
    """

    def __init__(
        self,
        base_url: str,
        identity: wire.Identity,
        pairs: Sequence[KeyPair],
        transport: httpx.AsyncBaseTransport,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._identity = identity
        self._pairs = pairs
        self._transport = transport
        self._ids = wire.CorrelationIds(secrets.randbits(28))
        self._check = wire.CorrelationCheck(self._ids, wire.EchoRule.IGNORE)
        self._limits = Limits(total=10.0, connect=5.0)
        self.count = 0
        """How many calls were made."""

    @property
    def encrypts(self) -> bool:
        """Whether there are keys."""
        return bool(self._pairs)

    async def call(self, endpoint: Endpoint[Any, Any], body: Mapping[str, Any], manner: Manner) -> ProbeAnswer:
        """Make a call, and look at its answer."""
        self.count += 1
        clock = time.time_ns() // 1_000_000 + manner.shift_ms
        identity = replace(self._identity, zone=manner.zone)
        now = wire.Timestamp.at(clock, manner.zone)
        correlation_id = self._ids.next(now)
        content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        if manner.sealed and self._pairs:
            content = self._cipher(manner).seal(content)
        key_id = self._pairs[0].key_id if manner.names_key and self._pairs else None
        headers = [
            *wire.common_headers(identity, key_id),
            *wire.signed_headers(identity, now, correlation_id, content),
        ]
        limits = self._limits
        timeouts = httpx.Timeout(limits.total, connect=limits.connect).as_dict()
        request = httpx.Request(
            "POST",
            self._base_url + endpoint.path,
            headers=headers,
            content=content,
            extensions={"timeout": timeouts},
        )
        try:
            response = await send(
                self._transport,
                request,
                CallDetails(correlation_id, api=endpoint.path),
                seconds=limits.total,
                max_bytes=limits.response_bytes,
                trusts=lambda _response: False,
            )
        except KonaplateError as error:
            return ProbeAnswer(fault=error.cause or Cause.BROKEN_ANSWER, status=error.details.status or 0)
        return self._read(response, correlation_id)

    def _read(self, response: Response, correlation_id: str) -> ProbeAnswer:
        fields, jwe = read_object(response.body), None
        sealed = None if fields is None else fields.get("encData")
        if isinstance(sealed, str):
            jwe = _jwe_header(sealed)
            try:
                fields = read_object(self._cipher(None).open(sealed, None)) if self._pairs else None
            except CannotOpenError:
                fields = None
        code, place = (fields and code_and_place(fields)) or (None, None)
        echo = self._check.compare(response.headers.get(wire.CORRELATION_ID.lower()), correlation_id)
        return ProbeAnswer(
            status=response.status,
            fields=fields,
            code=code,
            place=place,
            jwe=jwe,
            echo=echo,
            skew=seconds_ahead(response.headers.get("date")),
        )

    def _cipher(self, manner: Manner | None) -> Cipher:
        if manner is None:
            return Cipher(self._pairs, algorithms=KNOWN_ALGORITHMS, content_encryptions=KNOWN_CONTENT_ENCRYPTIONS)
        return Cipher(self._pairs, algorithms=[manner.algorithm], content_encryptions=[manner.content_encryption])


def _jwe_header(sealed: str) -> tuple[str, str] | None:
    protected = sealed.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(protected + "=" * (-len(protected) % 4)))
        algorithm, content_encryption = header["alg"], header["enc"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    known = algorithm in KNOWN_ALGORITHMS and content_encryption in KNOWN_CONTENT_ENCRYPTIONS
    # Nothing else of an answer is printed.
    return (algorithm, content_encryption) if known else ("unknown", "unknown")
