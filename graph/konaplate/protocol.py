"""The request side of Konaplate's protocol: headers, tran-token, correlation ids. No I/O.

Sources: the vendor's pages "Common HTTP Header" (https://konaplate.com/en/developers/guidelines/189), "Tran Token"
(…/guidelines/trantoken) and "Message encryption" (…/guidelines/msgencryption).
"""

from __future__ import annotations

import base64
import functools
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

if TYPE_CHECKING:
    from graph.header_values import RawHeaders
    from schema.secrets import Credential

ASP_ID: Final = "X-KM-User-AspId"
CORRELATION_ID: Final = "X-KM-Correlation-Id"
ACCESS_KEY: Final = "X-KM-Access-Key"
CRYPTO_KEY_ID: Final = "X-KM-Crypto-Key-Id"
TRAN_TOKEN: Final = "X-KM-Tran-Token"  # noqa: S105 - the name of a header
TRAN_TIME: Final = "X-KM-Tran-Time"
_SIGNED: Final = tuple(name.encode("ascii") for name in (CORRELATION_ID, TRAN_TOKEN, TRAN_TIME))
TIME_ZONE: Final = "X-KM-Time-Zone"


class Zone(StrEnum):
    """The two values of `X-KM-Time-Zone`; every time in the headers is in this zone."""

    KST = "KST"
    UTC = "UTC"


# Korea has had no daylight saving time since 1988, so a fixed offset is exact.
KST: Final = timezone(timedelta(hours=9), "KST")


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


# Most calls fall within the same second as the call before.
@functools.lru_cache(maxsize=1)
def _tran_time(seconds: int, korean: bool) -> str:  # noqa: FBT001 - hashing an enum member would cost a call
    return datetime.fromtimestamp(seconds, KST if korean else UTC).strftime("%Y%m%d%H%M%S")


@dataclass(frozen=True, slots=True)
class Identity:
    """The credentials that the vendor issues to a project, except for the encryption keys."""

    asp_id: str
    access_key: Credential
    secret_key: Credential
    zone: Zone
    mac: HMAC = field(init=False, repr=False, compare=False)
    """Keyed with the secret key, to be copied for each call, which costs half of keying a new one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "mac", _keyed(self.secret_key))


def tran_token(secret_key: Credential, token_time: str, body: bytes) -> str:
    """`KMV1:<token time>:<HMAC-SHA256 of the exact bytes sent, Base64>`; the key is the secret's text as UTF-8.

    The result has 67 characters; the 66 in the vendor's header table is off by one, as its own sample shows.
    """
    return _token(_keyed(secret_key), token_time, body)


def _keyed(secret_key: Credential) -> HMAC:
    return HMAC(secret_key.reveal().encode(), SHA256())


def _token(mac: HMAC, token_time: str, body: bytes) -> str:
    mac.update(body)
    return f"KMV1:{token_time}:{base64.b64encode(mac.finalize()).decode('ascii')}"


def common_headers(identity: Identity, crypto_key_id: str | None) -> RawHeaders:
    """The headers that all calls to an API share.

    Args:
        identity: the caller.
        crypto_key_id: for an API that encrypts its requests, its responses or both; otherwise None.
    """
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        # A compressed response could expand past the limit on its size.
        "Accept-Encoding": "identity",
        ASP_ID: identity.asp_id,
        ACCESS_KEY: identity.access_key.reveal(),
        TIME_ZONE: identity.zone.value,
    }
    if crypto_key_id is not None:
        headers[CRYPTO_KEY_ID] = crypto_key_id
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


def signed_headers(identity: Identity, now: Timestamp, correlation_id: str, body: bytes) -> RawHeaders:
    """The headers of one call, signed over the exact `body`."""
    token = _token(identity.mac.copy(), now.token_time, body)
    values = (correlation_id.encode(), token.encode(), now.tran_time.encode())
    return list(zip(_SIGNED, values, strict=True))


_CORRELATION_ID: Final = re.compile(r"[0-9]{12}-([0-9a-f]{7})", re.ASCII)


class CorrelationIds:
    """Generates correlation ids: `yyMMddHHmmss-` and seven lowercase hexadecimal digits, 20 characters.

    The seven digits count up from a start that the caller draws at random. Within a process an id repeats only
    after 2**28 calls within one second; between processes the random start keeps ids apart. A longer id made the
    vendor's sandbox answer HTTP 500.
    """

    _SPAN: Final = 1 << 28

    def __init__(self, start: int) -> None:
        self._start = start
        self._issued = 0

    def next(self, now: Timestamp) -> str:
        """The id of the next call."""
        number = self._start + self._issued
        self._issued += 1
        return f"{now.correlation_time}-{number % self._SPAN:07x}"

    def issued(self, correlation_id: str) -> bool:
        """Whether this process has issued an id, judged by its seven digits."""
        match = _CORRELATION_ID.fullmatch(correlation_id)
        return match is not None and (int(match[1], 16) - self._start) % self._SPAN < self._issued


Echo = Literal["same", "missing", "different", "another process's", "another call's"]
"""The id in a response: ours, none, not an id, one that this process has not issued, or that of another call."""
FOREIGN_ECHOES: Final = frozenset(get_args(Echo)) - {"same", "missing"}
"""Another id than the call's. A missing one is no fault: whether answers repeat our ids is not documented."""


class EchoRule(StrEnum):
    """When another process's id makes a response unusable. Another call's id of this process always does."""

    LEARN = "learn"
    """Once the API has echoed one of our ids."""
    REQUIRE = "require"
    """From the first call on."""
    IGNORE = "ignore"
    """Never."""


class CorrelationCheck:
    """Compares the correlation ids of responses with those of their calls.

    That Konaplate echoes the id of a call is inferred, not documented, so it is learned for each API: once a
    response has echoed one of our ids, a response with a foreign id is about somebody else's card.
    """

    def __init__(self, ids: CorrelationIds, rule: EchoRule) -> None:
        self._ids = ids
        self._rule = rule
        self._echoing: set[str] = set()

    def compare(self, echoed: str | None, correlation_id: str) -> Echo:
        """Compare the id in a response with the id of its call."""
        if echoed == correlation_id:
            return "same"
        if not echoed:
            return "missing"
        # A header that came twice is one value with commas. Hexadecimal digits are equal in either case.
        others = {value.strip(" \t").lower() for value in echoed.split(",")} - {correlation_id, ""}
        if not others:
            return "same"
        if any(map(self._ids.issued, others)):
            return "another call's"
        return "another process's" if any(map(_CORRELATION_ID.fullmatch, others)) else "different"

    def accepts(self, echo: Echo | None, api: str) -> bool:
        """Whether a response of an API can belong to its call. Learns which APIs echo ids.

        A response that belongs to another call also means that its connection is out of step.
        """
        if echo == "same":
            self._echoing.add(api)
        if echo == "another process's":
            return self._rule is EchoRule.IGNORE or (self._rule is EchoRule.LEARN and api not in self._echoing)
        return echo != "another call's"
