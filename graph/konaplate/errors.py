"""Everything that can go wrong between this gateway and Konaplate.

    KonaplateError
    ├── RetryMayHelpError
    │   ├── UnavailableError        no connection, or 5xx, 408, 421, 425 and 429 without a known code
    │   ├── TimedOutError           no response in time
    │   └── SystemFaultError        the vendor's own "System Error."
    └── RetryWillNotHelpError
        ├── InvalidInputError       the vendor rejects a value of the request
        ├── CardNotFoundError
        ├── MemberNotFoundError
        ├── RejectedError           the vendor rejects our credentials or our protocol
        ├── InvalidResponseError    a response in none of the documented forms
        │   ├── UnsealedError       an unencrypted success where encryption is required
        │   └── InvalidFieldError   one field of an otherwise good response
        └── UnknownCodeError        a code that is in none of the tables below

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
    """What clients may see of an upstream call."""

    correlation_id: str
    """Identifies the call to the vendor's support."""
    status: int | None = None
    """The HTTP status; None without a response."""
    code: str | None = None
    """The vendor's code; None when the response held none."""
    api: str | None = None
    """The path of the API."""
    retry_after: float | None = None
    """The delay that the response asks for, in seconds."""
    answered_at: int = 0
    """When the response arrived, in milliseconds since 1970 (UTC); 0 if none was read."""

    def answered(self, status: int, code: str | None = None) -> CallDetails:
        """The same call with its response's status and code."""
        return CallDetails(self.correlation_id, status, code, self.api, self.retry_after, self.answered_at)


class Cause(StrEnum):
    """Why a call got no usable response. Decides whether it is retried: see `graph.konaplate.retry_policy`."""

    NOT_CONNECTED = "not_connected"  # refused, unreachable, or no connection in time
    CERTIFICATE = "certificate"  # one side rejects the other's certificate
    NO_CONNECTION_FREE = "no_connection_free"  # all of our own connections were in use
    NO_ANSWER = "no_answer"  # the connection closed before a response began, as idle connections do
    BROKEN_ANSWER = "broken_answer"  # the connection closed within the response, or the response is not HTTP
    TOO_SLOW = "too_slow"  # connected, but no complete response in time
    ASKS_AGAIN = "asks_again"  # 408, 421 or 425: asks for a retry on another connection
    THROTTLED = "throttled"  # 429
    BAD_GATEWAY = "bad_gateway"  # 502, 503 or 504
    SERVER_FAULT = "server_fault"  # any other status of 500 and above


class KonaplateError(Exception):
    """Root of the tree. It has no free text, so nothing of a response can leak through it."""

    cause: Cause | None = None
    """Why there was no usable response; None when there was one."""

    def __init__(self, details: CallDetails, cause: Cause | None = None) -> None:
        super().__init__(details)
        self.details = details
        if cause is not None:
            self.cause = cause


class RetryMayHelpError(KonaplateError):
    """The same call may succeed later."""


class UnavailableError(RetryMayHelpError):
    """Konaplate is unreachable, or reports that it cannot serve the call."""

    cause = Cause.SERVER_FAULT


class TimedOutError(RetryMayHelpError):
    """Konaplate did not respond or accept a connection in time."""

    cause = Cause.TOO_SLOW


class SystemFaultError(RetryMayHelpError):
    """Konaplate reports a fault of its own."""


class RetryWillNotHelpError(KonaplateError):
    """The same call will fail again."""


class InvalidInputError(RetryWillNotHelpError):
    """Konaplate rejects a value of the request."""


class CardNotFoundError(RetryWillNotHelpError):
    """The card does not exist, or no longer exists."""


class MemberNotFoundError(RetryWillNotHelpError):
    """The member does not exist, or no longer exists."""


class RejectedError(RetryWillNotHelpError):
    """Konaplate rejects our credentials or our protocol: a matter for the operator."""


class InvalidResponseError(RetryWillNotHelpError):
    """The response has none of the documented forms."""

    def __init__(self, details: CallDetails, problem: str = "") -> None:
        super().__init__(details)
        self.problem = problem
        """What is wrong with it, for the log: a phrase of ours, with nothing of the response."""


class UnsealedError(InvalidResponseError):
    """A success came unencrypted from an API that encrypts: anybody in between could have forged it."""


class InvalidFieldError(InvalidResponseError):
    """One field of an otherwise good response is missing, out of range or of the wrong type."""

    def __init__(self, details: CallDetails, field: str) -> None:
        super().__init__(details)
        self.field = field

    def __eq__(self, other: object) -> bool:
        # So that records are equal that lack the same.
        return isinstance(other, InvalidFieldError) and self.field == other.field

    def __hash__(self) -> int:
        return hash(self.field)


class UnknownCodeError(RetryWillNotHelpError):
    """Konaplate responds with a code that is not in the tables."""


CODES: Final[Mapping[str, type[KonaplateError]]] = MappingProxyType(
    {
        "000_002": InvalidInputError,  # Invalid input parameter.
        "000_003": InvalidInputError,  # Missing required values. cardNo
        "000_015": InvalidInputError,  # length does not match
        "001_006": MemberNotFoundError,  # Wallet user not found.
        "001_087": MemberNotFoundError,  # a dormant member is not found
        "002_018": SystemFaultError,  # gateway communication error
        "003_001": CardNotFoundError,  # Invalid card info.
        "003_008": CardNotFoundError,  # Par not found from cardNo.
        "003_021": CardNotFoundError,  # Cannot find par
        "003_022": CardNotFoundError,  # Card already terminated
        "006_022": SystemFaultError,  # System Error., sent with HTTP 400
        "006_029": CardNotFoundError,  # Card is not found with the card no.
        "900_001": SystemFaultError,  # internal error, known from an older client only
    }
)
"""The documented codes, from all pages. Which one card inquiries give for "no such card" is not documented.

One code can mean different things at two APIs, such as `003_024`; an endpoint's own `codes` come first.
"""

FAMILIES: Final[Mapping[str, type[KonaplateError]]] = MappingProxyType(
    {
        "010_": RejectedError,  # gateway validation of headers
        "020_": RejectedError,  # gateway validation of parameters and methods
    }
)
"""Codes that are known only by their first digits."""


def error_of_code(code: str) -> type[KonaplateError] | None:
    """The error that a vendor's code stands for, or None when the code is not in the tables."""
    return CODES.get(code) or FAMILIES.get(code[:4])
