"""The request side of Konaplate's protocol: headers, correlation id, tran-token. No I/O.

Sources: the vendor's pages "Common HTTP Header" (https://konaplate.com/en/developers/guidelines/189), "Tran Token"
(…/guidelines/trantoken) and "Message encryption" (…/guidelines/msgencryption).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from schema.secrets import Credential

CARD_INFO_PATH: Final = "/api/v1/user/card/info"
"""Card-User Mapped Inquiry."""
USER_INFO_PATH: Final = "/api/v1/user/info"
"""Search for Member Information."""

ASP_ID: Final = "X-KM-User-AspId"
CORRELATION_ID: Final = "X-KM-Correlation-Id"
ACCESS_KEY: Final = "X-KM-Access-Key"
CRYPTO_KEY_ID: Final = "X-KM-Crypto-Key-Id"
TRAN_TOKEN: Final = "X-KM-Tran-Token"  # noqa: S105 - the name of a header
TRAN_TIME: Final = "X-KM-Tran-Time"
TIME_ZONE: Final = "X-KM-Time-Zone"

TOKEN_PREFIX: Final = "KMV1"  # noqa: S105 - the version that starts every token

# What differs from call to call.
_LINES: Final = f"{CORRELATION_ID}: %s\r\n{TRAN_TOKEN}: %s\r\n{TRAN_TIME}: %s\r\n"


class Zone(StrEnum):
    """The two values of `X-KM-Time-Zone`; every time in the headers is in this zone."""

    KST = "KST"
    UTC = "UTC"


# Korea has had no daylight saving time since 1988, so a fixed offset is exact.
_ZONES: Final = {Zone.KST: timezone(timedelta(hours=9), "KST"), Zone.UTC: UTC}


class Moment(NamedTuple):
    """One clock reading in the three forms that a request needs, so that they agree."""

    tran_time: str
    """14 digits `yyyyMMddHHmmss`."""
    token_time: str
    """17 digits `yyyyMMddHHmmssSSS`."""
    correlation_time: str
    """12 digits `yyMMddHHmmss`."""

    @classmethod
    def at(cls, epoch_ms: int, zone: Zone) -> Moment:
        """The moment `epoch_ms` milliseconds after 1970 (UTC), as read on a clock in `zone`."""
        seconds, milliseconds = divmod(epoch_ms, 1000)
        tran_time = datetime.fromtimestamp(seconds, _ZONES[zone]).strftime("%Y%m%d%H%M%S")
        return cls(tran_time, f"{tran_time}{milliseconds:03d}", tran_time[2:])


class Moments:
    """Reads a clock in one zone; what is the same for a whole second is written once for it."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._second = 0
        self._start = Moment.at(0, zone)

    def at(self, epoch_ms: int) -> Moment:
        """What `Moment.at` says."""
        second, milliseconds = divmod(epoch_ms, 1000)
        if second != self._second:
            self._second, self._start = second, Moment.at(second * 1000, self._zone)
        tran_time, _, correlation_time = self._start
        return Moment(tran_time, f"{tran_time}{milliseconds:03d}", correlation_time)


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

    def next(self, moment: Moment) -> str:
        """The id of the next call, made at `moment`."""
        number = self._start + self._made
        self._made += 1
        return f"{moment.correlation_time}-{number % self._SPAN:07x}"

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


def tran_token(secret_key: Credential, token_time: str, body: bytes) -> str:
    """`KMV1:<token time>:<HMAC-SHA256 of the exact bytes sent, Base64>`; the key is the secret's text as UTF-8.

    The result has 67 characters; the 66 of the vendor's header table is off by one, as its own sample shows.
    """
    return _token(_keyed(secret_key), token_time, body)


class Signer:
    """Writes the header fields of calls.

    Args:
        identity: who calls.
        crypto_key_id: the id of the key that bodies are sealed with; None when they are not encrypted.
    """

    def __init__(self, identity: Identity, crypto_key_id: str | None) -> None:
        self.common = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            # A compressed answer could grow without bound behind the byte cap.
            "Accept-Encoding": "identity",
            ASP_ID: identity.asp_id,
            ACCESS_KEY: identity.access_key.reveal(),
            TIME_ZONE: identity.zone.value,
        }
        """The fields that are the same in every call."""
        if crypto_key_id is not None:
            self.common[CRYPTO_KEY_ID] = crypto_key_id
        self._keyed = _keyed(identity.secret_key)

    def lines(self, moment: Moment, correlation_id: str, body: bytes) -> bytes:
        """The other fields, for one call over the exact `body`, as they go over the wire."""
        token = _token(self._keyed, moment.token_time, body)
        return (_LINES % (correlation_id, token, moment.tran_time)).encode("ascii")


def fields_of(lines: bytes) -> dict[str, str]:
    """Header fields that are written as lines, by name."""
    fields = (line.partition(": ") for line in lines.decode("ascii").removesuffix("\r\n").split("\r\n"))
    return {name: value for name, _, value in fields}


def request_headers(
    identity: Identity, moment: Moment, correlation_id: str, body: bytes, *, crypto_key_id: str | None
) -> dict[str, str]:
    """All header fields of one call; see `Signer`."""
    signer = Signer(identity, crypto_key_id)
    return signer.common | fields_of(signer.lines(moment, correlation_id, body))


def _keyed(secret_key: Credential) -> hmac.HMAC:
    return hmac.new(secret_key.reveal().encode(), digestmod=hashlib.sha256)


def _token(keyed: hmac.HMAC, token_time: str, body: bytes) -> str:
    # A copy of what knows the key already costs half of starting from the key.
    mac = keyed.copy()
    mac.update(body)
    return f"{TOKEN_PREFIX}:{token_time}:{base64.b64encode(mac.digest()).decode('ascii')}"
