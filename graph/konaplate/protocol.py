"""The request side of Konaplate's protocol: headers, correlation id, tran-token. No I/O.

Sources: the vendor's pages "Common HTTP Header" (https://konaplate.com/en/developers/guidelines/189), "Tran Token"
(…/guidelines/trantoken) and "Message encryption" (…/guidelines/msgencryption).
"""

from __future__ import annotations

import base64
import functools
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from schema.secrets import Credential

ASP_ID: Final = "X-KM-User-AspId"
CORRELATION_ID: Final = "X-KM-Correlation-Id"
ACCESS_KEY: Final = "X-KM-Access-Key"
CRYPTO_KEY_ID: Final = "X-KM-Crypto-Key-Id"
TRAN_TOKEN: Final = "X-KM-Tran-Token"  # noqa: S105 - the name of a header
TRAN_TIME: Final = "X-KM-Tran-Time"
TIME_ZONE: Final = "X-KM-Time-Zone"

TOKEN_PREFIX: Final = "KMV1"  # noqa: S105 - the version that starts every token

_SIGNED: Final = [name.encode("ascii") for name in (CORRELATION_ID, TRAN_TOKEN, TRAN_TIME)]

RawHeaders = list[tuple[bytes, bytes]]


class Zone(StrEnum):
    """The two values of `X-KM-Time-Zone`; every time in the headers is in this zone."""

    KST = "KST"
    UTC = "UTC"


# Korea has had no daylight saving time since 1988, so a fixed offset is exact.
_KST: Final = timezone(timedelta(hours=9), "KST")


class Timestamp(NamedTuple):
    """One clock reading in the three forms that a request needs, so that they agree."""

    tran_time: str
    """14 digits `yyyyMMddHHmmss`."""
    token_time: str
    """17 digits `yyyyMMddHHmmssSSS`."""
    correlation_time: str
    """12 digits `yyMMddHHmmss`."""

    @classmethod
    def at(cls, epoch_ms: int, zone: Zone) -> Timestamp:
        """The time `epoch_ms` milliseconds after 1970 (UTC), as read on a clock in `zone`."""
        seconds, milliseconds = divmod(epoch_ms, 1000)
        tran_time = _tran_time(seconds, zone is Zone.KST)
        return cls(tran_time, f"{tran_time}{milliseconds:03d}", tran_time[2:])


# Most calls are made in the second of the call before.
@functools.lru_cache(maxsize=1)
def _tran_time(seconds: int, korean: bool) -> str:  # noqa: FBT001 - a member of an enumeration is hashed by a call
    return datetime.fromtimestamp(seconds, _KST if korean else UTC).strftime("%Y%m%d%H%M%S")


_CORRELATION_ID: Final = re.compile(r"[0-9]{12}-([0-9a-f]{7})", re.ASCII)


def is_correlation_id(text: str) -> bool:
    """Whether a text has the form of the ids that gateways make."""
    return _CORRELATION_ID.fullmatch(text) is not None


class CorrelationIds:
    """Makes correlation ids: `yyMMddHHmmss-` and seven lowercase hexadecimal digits, 20 characters.

    The seven digits count up from a start that the caller draws at random. Within a process an id can come again
    only after 2**28 calls within one second; between processes the random start keeps them apart. A longer id
    made the vendor's sandbox answer HTTP 500.
    """

    _SPAN: Final = 1 << 28

    def __init__(self, start: int) -> None:
        self._start = start
        self._made = 0

    def next(self, now: Timestamp) -> str:
        """The id of the next call."""
        number = self._start + self._made
        self._made += 1
        return f"{now.correlation_time}-{number % self._SPAN:07x}"

    def made(self, correlation_id: str) -> bool:
        """Whether an id is, by its seven digits, one of those made so far."""
        match = _CORRELATION_ID.fullmatch(correlation_id)
        return match is not None and (int(match[1], 16) - self._start) % self._SPAN < self._made


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls: what the vendor hands to a project, but for the encryption keys."""

    asp_id: str
    access_key: Credential
    secret_key: Credential
    zone: Zone
    mac: hmac.HMAC = field(init=False, repr=False, compare=False)
    """Of nothing yet, under the secret key: a copy costs half of what it costs to begin with the key."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "mac", hmac.new(self.secret_key.reveal().encode(), digestmod="sha256"))


def tran_token(secret_key: Credential, token_time: str, body: bytes) -> str:
    """`KMV1:<token time>:<HMAC-SHA256 of the exact bytes sent, Base64>`; the key is the secret's text as UTF-8.

    The result has 67 characters; the 66 of the vendor's header table is off by one, as its own sample shows.
    """
    return _token(hmac.new(secret_key.reveal().encode(), digestmod="sha256"), token_time, body)


def _token(mac: hmac.HMAC, token_time: str, body: bytes) -> str:
    mac.update(body)
    return f"{TOKEN_PREFIX}:{token_time}:{base64.b64encode(mac.digest()).decode('ascii')}"


def common_headers(identity: Identity, crypto_key_id: str | None) -> RawHeaders:
    """The headers that all calls of an API have in common.

    Args:
        identity: who calls.
        crypto_key_id: of an API that encrypts its requests, its answers or both; else None.
    """
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        # A compressed answer could grow without bound behind the byte cap.
        "Accept-Encoding": "identity",
        ASP_ID: identity.asp_id,
        ACCESS_KEY: identity.access_key.reveal(),
        TIME_ZONE: identity.zone.value,
    }
    if crypto_key_id is not None:
        headers[CRYPTO_KEY_ID] = crypto_key_id
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


def signed_headers(identity: Identity, now: Timestamp, correlation_id: str, body: bytes) -> RawHeaders:
    """The headers of one call over the exact `body`."""
    token = _token(identity.mac.copy(), now.token_time, body)
    id_name, token_name, time_name = _SIGNED
    return [
        (id_name, correlation_id.encode()),
        (token_name, token.encode()),
        (time_name, now.tran_time.encode()),
    ]
