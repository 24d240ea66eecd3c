"""The header and body rules of the Konaplate Open API, each reported in words when broken."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .credentials import ACCESS_KEY_LENGTH, CRYPTO_KEY_ID_LENGTH, Credentials

if TYPE_CHECKING:
    from .http1 import Request

ASP_ID = "X-KM-User-AspId"
CORRELATION_ID = "X-KM-Correlation-Id"
ACCESS_KEY = "X-KM-Access-Key"
CRYPTO_KEY_ID = "X-KM-Crypto-Key-Id"
TRAN_TOKEN = "X-KM-Tran-Token"
TRAN_TIME = "X-KM-Tran-Time"
TIME_ZONE = "X-KM-Time-Zone"

CARD_PATH = "/open-api/api/v1/user/card/info"
MEMBER_PATH = "/open-api/api/v1/user/info"

_ZONES = {"KST": timezone(timedelta(hours=9)), "UTC": UTC}
_ALLOWED_SKEW = timedelta(minutes=5)
_MAX_USER_ID = 9999999999999999999
_CORRELATION = re.compile(r"[0-9]{12}-[0-9a-f]{7}")
_TOKEN = re.compile(r"KMV1:([0-9]{17}):([A-Za-z0-9+/]{43}=)")


class BodyError(ValueError):
    """A body broke a rule; the text names the rule and never the content."""


class HeaderInspection:
    """Checks the headers of one request and collects every rule it breaks in `found`."""

    def __init__(self, request: Request, credentials: Credentials, *, encrypted: bool | None) -> None:
        """Run every check; `correlation_id` stays None unless the id is well formed.

        `encrypted`: whether the request names the crypto key; None if it may.
        """
        self.found: list[str] = []
        self.correlation_id: str | None = None
        self._request = request
        self._check_repeated()
        self._check_json("Content-Type")
        self._check_json("Accept")
        self._check_fixed(ASP_ID, credentials.asp_id, len(credentials.asp_id))
        self._check_fixed(ACCESS_KEY, credentials.access_key, ACCESS_KEY_LENGTH)
        if encrypted or (encrypted is None and request.values(CRYPTO_KEY_ID)):
            self._check_fixed(CRYPTO_KEY_ID, credentials.crypto_key_id, CRYPTO_KEY_ID_LENGTH)
        elif request.values(CRYPTO_KEY_ID):
            self.found.append(f"{CRYPTO_KEY_ID}: present on a plain request")
        self._check_correlation_id()
        self._check_times(self._token_time(credentials.secret_key))

    def _check_repeated(self) -> None:
        for name, times in Counter(name for name, _ in self._request.headers).items():
            if times > 1:
                self.found.append(f"{name}: occurs {times} times")

    def _single(self, name: str) -> str | None:
        values = self._request.values(name)
        if not values:
            self.found.append(f"{name}: missing")
        # A repeated header has been reported already and has no value to judge.
        return values[0] if len(values) == 1 else None

    def _check_json(self, name: str) -> None:
        if self._single(name) not in (None, "application/json"):
            self.found.append(f"{name}: not application/json")

    def _check_fixed(self, name: str, expected: str, length: int) -> None:
        value = self._single(name)
        if value is None or value == expected:
            return
        if len(value) != length:
            self.found.append(f"{name}: length is not {length}")
        else:
            self.found.append(f"{name}: not the expected value")

    def _check_correlation_id(self) -> None:
        value = self._single(CORRELATION_ID)
        if value is None:
            return
        if len(value) != 20:
            self.found.append(f"{CORRELATION_ID}: length is not 20")
        elif not _CORRELATION.fullmatch(value):
            self.found.append(f"{CORRELATION_ID}: not 12 digits, a hyphen and 7 lower-case hex digits")
        else:
            self.correlation_id = value

    def _token_time(self, secret_key: str) -> str | None:
        """Check the token; returns its 17-digit time."""
        value = self._single(TRAN_TOKEN)
        if value is None:
            return None
        if len(value) != 67:
            self.found.append(f"{TRAN_TOKEN}: length is not 67")
            return None
        match = _TOKEN.fullmatch(value)
        mac = _canonical_base64(match[2]) if match else None
        if match is None or mac is None:
            self.found.append(f"{TRAN_TOKEN}: not KMV1, 17 digits and padded base64 of 32 bytes")
            return None
        expected = hmac.new(secret_key.encode("utf-8"), self._request.body, hashlib.sha256).digest()
        if not hmac.compare_digest(mac, expected):
            self.found.append(f"{TRAN_TOKEN}: not the HMAC-SHA256 of the body bytes with the secret key")
        return match[1]

    def _check_times(self, token_time: str | None) -> None:
        tran_time = self._single(TRAN_TIME)
        if tran_time is not None and not re.fullmatch(r"[0-9]{14}", tran_time):
            self.found.append(f"{TRAN_TIME}: not 14 digits")
            tran_time = None
        zone = self._single(TIME_ZONE)
        if zone is not None and zone not in _ZONES:
            self.found.append(f"{TIME_ZONE}: neither KST nor UTC")
            zone = None
        if self._agree(tran_time, token_time) and zone is not None:
            self._check_skew(token_time or tran_time, _ZONES[zone])

    def _agree(self, tran_time: str | None, token_time: str | None) -> bool:
        """One clock reading must have made all three times, so one wrong time is one violation."""
        if tran_time is None:
            return True
        differing = []
        if token_time is not None and token_time[:14] != tran_time:
            differing.append(TRAN_TOKEN)
        if self.correlation_id is not None and self.correlation_id[:12] != tran_time[2:]:
            differing.append(CORRELATION_ID)
        if differing:
            self.found.append(f"{' and '.join(differing)}: time differs from {TRAN_TIME}")
        return not differing

    def _check_skew(self, digits: str | None, zone: timezone) -> None:
        if digits is None:
            return
        try:
            sent = datetime.strptime(digits[:14], "%Y%m%d%H%M%S").replace(tzinfo=zone)
        except ValueError:
            self.found.append(f"{TRAN_TIME}: not a date and time")
            return
        if abs(datetime.now(zone) - sent) > _ALLOWED_SKEW:
            self.found.append(f"{TRAN_TIME}: more than 5 minutes from now in {TIME_ZONE}")


def _canonical_base64(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return raw if base64.b64encode(raw).decode("ascii") == text else None


def parse_object(raw: bytes, what: str) -> dict[str, Any]:
    """Read a strict JSON object: UTF-8, no repeated keys, no NaN or Infinity."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BodyError(f"{what}: not strict JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise BodyError(f"{what}: not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def read_envelope(body: bytes) -> str:
    """The compact JWE of `{"encData": "..."}`, which must be its only key."""
    envelope = parse_object(body, "body")
    if list(envelope) != ["encData"]:
        raise BodyError("body: encData is not the one and only key")
    sealed = envelope["encData"]
    if not isinstance(sealed, str):
        raise BodyError("body: encData is not a string")
    return sealed


def check_payload(path: str, payload: dict[str, Any]) -> None:
    """The clear request of the API at this path; an unknown path has no rule here."""
    if path == CARD_PATH:
        _require_only(payload, "cardNo")
        number = payload["cardNo"]
        if not isinstance(number, str) or not re.fullmatch(r"[0-9]{16}", number):
            raise BodyError("payload: cardNo is not a string of 16 digits")
    elif path == MEMBER_PATH:
        _require_only(payload, "userId")
        user_id = payload["userId"]
        if type(user_id) is not int or not 1 <= user_id <= _MAX_USER_ID:
            raise BodyError(f"payload: userId is not a JSON integer of 1 to {_MAX_USER_ID}")


def _require_only(payload: dict[str, Any], key: str) -> None:
    if list(payload) != [key]:
        raise BodyError(f"payload: {key} is not the one and only key")
