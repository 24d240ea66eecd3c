"""Checks a call as strictly as the vendor's documentation allows: headers, token, encryption.

The vendor documents no response to a wrong header or token. `010_001` with HTTP 400 and 401 is this sandbox's
choice, after the codes that an older client of the vendor knew.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from graph.konaplate import protocol as wire
from graph.konaplate.encryption import CannotOpenError
from graph.sandbox.faults import RefusedCallError
from schema.secrets import Credential

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from graph.konaplate.encryption import Cipher
    from graph.sandbox.credentials import SandboxCredentials

BAD_HEADER: Final = "010_001"
BAD_PARAMETER: Final = "020_001"

_JSON: Final = re.compile(r"application/json *(;.*)?", re.ASCII | re.IGNORECASE)
# The vendor says "Hex String", so either case is allowed.
_CORRELATION_ID: Final = re.compile(r"\d{12}-[0-9A-Fa-f]{7}", re.ASCII)
_CORRELATION_LENGTH: Final = 20
_FORMS: Final = {
    "Content-Type": _JSON,
    "Accept": _JSON,
    wire.CORRELATION_ID: _CORRELATION_ID,
    wire.TRAN_TIME: re.compile(r"\d{14}", re.ASCII),
    wire.TRAN_TOKEN: re.compile(r"KMV1:(\d{17}):[A-Za-z0-9+/]{43}=", re.ASCII),
    wire.TIME_ZONE: re.compile("|".join(wire.Zone)),
}
_ONCE: Final = (wire.ASP_ID, wire.ACCESS_KEY, *(name for name in _FORMS if name.startswith("X-KM-")))


@dataclass(frozen=True, slots=True)
class Checks:
    """Checks calls to one API with one project's credentials.

    Args:
        credentials: the project's credentials.
        opener: opens requests; None if they are not encrypted.
        names_key: whether a call must name the crypto key, because its request or response is encrypted.
    """

    credentials: SandboxCredentials
    opener: Cipher | None
    names_key: bool

    def clear_fields(self, headers: Headers, body: bytes) -> dict[str, Any]:
        """Check a request and return its clear JSON.

        Raises:
            RefusedCallError: names the first violated rule.
        """
        self._check_headers(headers)
        self._check_token(headers, body)
        if self.names_key and headers.getlist(wire.CRYPTO_KEY_ID) != [self.credentials.crypto_key_id]:
            raise RefusedCallError(BAD_HEADER, f"{wire.CRYPTO_KEY_ID} is unknown.")
        fields = _json_object(body if self.opener is None else self._opened(body, self.opener))
        if fields is None:
            raise RefusedCallError(BAD_PARAMETER, "The body is not a JSON object.")
        return fields

    def _check_headers(self, headers: Headers) -> None:
        for name in _ONCE:
            if len(headers.getlist(name)) != 1:
                raise RefusedCallError(BAD_HEADER, f"{name} must be given once.")
        if len(headers[wire.CORRELATION_ID]) > _CORRELATION_LENGTH:
            # As the vendor's own sandbox was seen to do.
            raise RefusedCallError("900_001", "Internal error.", 500)
        for name, form in _FORMS.items():
            values = headers.getlist(name)
            if len(values) != 1 or not form.fullmatch(values[0]):
                raise RefusedCallError(BAD_HEADER, f"{name} does not have the documented form.")

    def _check_token(self, headers: Headers, body: bytes) -> None:
        known = self.credentials
        if headers[wire.ASP_ID] != known.asp_id or Credential(headers[wire.ACCESS_KEY]) != known.access_key:
            raise RefusedCallError(BAD_HEADER, "Unknown project.", 401)
        _, token_time, _ = headers[wire.TRAN_TOKEN].split(":")
        if not token_time.startswith(headers[wire.TRAN_TIME]):
            raise RefusedCallError(BAD_HEADER, "The times of the headers differ.")
        expected = wire.tran_token(known.secret_key, token_time, body)
        if not hmac.compare_digest(expected, headers[wire.TRAN_TOKEN]):
            raise RefusedCallError(BAD_HEADER, "The token does not match the body.", 401)

    def _opened(self, body: bytes, cipher: Cipher) -> bytes:
        envelope = _json_object(body)
        sealed = envelope.get("encData") if envelope is not None else None
        if not isinstance(sealed, str):
            raise RefusedCallError(BAD_PARAMETER, "encData is missing.")
        try:
            return cipher.open(sealed, self.credentials.crypto_key_id)
        except CannotOpenError:
            raise RefusedCallError(BAD_PARAMETER, "encData cannot be opened.") from None


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None
