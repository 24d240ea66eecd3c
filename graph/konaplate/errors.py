"""Everything that can go wrong between this gateway and Konaplate.

    KonaplateError
    ├── RetryMayHelpError
    │   ├── UnavailableError        no connection, or 5xx, 408, 421, 425 and 429 without a known code
    │   ├── TimedOutError           no answer in time
    │   └── SystemFaultError        the vendor's own "System Error."
    └── RetryWillNotHelpError
        ├── InvalidInputError       the vendor refuses a value of the request
        ├── CardNotFoundError
        ├── MemberNotFoundError
        ├── RejectedError           our credentials or our protocol
        ├── InvalidResponseError    an answer that is none of the documented forms
        │   ├── UnsealedError       a success in clear where answers are sealed
        │   └── InvalidFieldError   one field of an otherwise good answer
        └── UnknownCodeError        a code that the table below does not know

The vendor's messages vary (a trailing dot, a field name appended), so only the code decides.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

SUCCESS: Final = "000_000"


class CallDetails(msgspec.Struct, frozen=True):
    """What a client may know of the upstream call that failed."""

    correlation_id: str
    """Konaplate's id of the call, for the vendor's support."""
    status: int | None = None
    """The HTTP status; None when there was no answer."""
    code: str | None = None
    """The vendor's code; None when the answer held none."""
    api: str | None = None
    """The path of the API that was called."""
    retry_after: float | None = None
    """The seconds after which the answer asks us to call again."""

    def answered(self, status: int, code: str | None = None) -> CallDetails:
        """The same call, once it has an answer."""
        return CallDetails(self.correlation_id, status, code, self.api, self.retry_after)


class Cause(StrEnum):
    """Why a call got no usable answer. Decides whether it is tried again: see `graph.konaplate.retry_policy`."""

    NOT_CONNECTED = "not_connected"  # refused, unreachable, or no connection in time
    CERTIFICATE = "certificate"  # the other side's certificate, or ours, is not accepted
    NO_CONNECTION_FREE = "no_connection_free"  # all of our own connections were in use
    NO_ANSWER = "no_answer"  # the connection ended before an answer began, as one does that was idle for too long
    BROKEN_ANSWER = "broken_answer"  # the connection ended within the answer, or the answer is no HTTP
    TOO_SLOW = "too_slow"  # connected, but no whole answer in time
    ASKS_AGAIN = "asks_again"  # 408, 421 or 425: Konaplate wants to be asked on another connection
    THROTTLED = "throttled"  # 429
    BAD_GATEWAY = "bad_gateway"  # 502, 503 or 504
    SERVER_FAULT = "server_fault"  # any other status of 500 and above


class KonaplateError(Exception):
    """Root of the tree. It has no free text, so nothing of an answer can leak through it."""

    cause: Cause | None = None
    """Why there was no usable answer; None when there was one."""

    def __init__(self, details: CallDetails, cause: Cause | None = None) -> None:
        super().__init__(details)
        self.details = details
        if cause is not None:
            self.cause = cause


class RetryMayHelpError(KonaplateError):
    """The same call may succeed later."""


class UnavailableError(RetryMayHelpError):
    """Konaplate cannot be reached, or answers that it cannot serve."""

    cause = Cause.SERVER_FAULT


class TimedOutError(RetryMayHelpError):
    """Konaplate did not answer, or did not accept a connection, in time."""

    cause = Cause.TOO_SLOW


class SystemFaultError(RetryMayHelpError):
    """Konaplate reports a fault of its own."""


class RetryWillNotHelpError(KonaplateError):
    """The same call will fail again."""


class InvalidInputError(RetryWillNotHelpError):
    """Konaplate refuses a value of the request."""


class CardNotFoundError(RetryWillNotHelpError):
    """There is no such card, or no longer."""


class MemberNotFoundError(RetryWillNotHelpError):
    """There is no such member, or no longer."""


class RejectedError(RetryWillNotHelpError):
    """Konaplate refuses our credentials or our protocol: a matter for the operator."""


class InvalidResponseError(RetryWillNotHelpError):
    """The answer has none of the documented forms."""


class UnsealedError(InvalidResponseError):
    """A success came in clear from an API that seals its answers: anybody on the way could have written it."""


class InvalidFieldError(InvalidResponseError):
    """One field of an otherwise good answer is missing, out of range or of the wrong type."""

    def __init__(self, details: CallDetails, field: str) -> None:
        super().__init__(details)
        self.field = field


class UnknownCodeError(RetryWillNotHelpError):
    """Konaplate answers with a code that is not in the table."""


CODES: Final[Mapping[str, type[KonaplateError]]] = MappingProxyType(
    {
        "000_002": InvalidInputError,  # Invalid input parameter.
        "000_003": InvalidInputError,  # Missing required values. cardNo
        "000_015": InvalidInputError,  # length does not match
        "001_006": MemberNotFoundError,  # Wallet user not found.
        "003_001": CardNotFoundError,  # Invalid card info.
        "003_008": CardNotFoundError,  # Par not found from cardNo.
        "003_021": CardNotFoundError,  # Cannot find par
        "003_022": CardNotFoundError,  # Card already terminated
        "006_022": SystemFaultError,  # System Error., sent with HTTP 400
        "900_001": SystemFaultError,  # internal error, known from an older client only
    }
)
"""The documented codes. The code of "no such card" is not documented; `003_001` is the best candidate."""

FAMILIES: Final[Mapping[str, type[KonaplateError]]] = MappingProxyType(
    {
        "010_": RejectedError,  # gateway validation of headers
        "020_": RejectedError,  # gateway validation of parameters and methods
    }
)
"""Codes that are known by their first digits only."""


def error_of_code(code: str) -> type[KonaplateError] | None:
    """The error that a vendor's code stands for, or None when the code is not in the tables."""
    return CODES.get(code) or FAMILIES.get(code[:4])
