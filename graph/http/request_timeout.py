"""How long a client is willing to wait for its response."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from graph.http.error_responses import HttpError

if TYPE_CHECKING:
    from graph.header_values import HeaderValues

_MESSAGE: Final = "The x-request-timeout-ms header must be one whole number of milliseconds."
# Longer numbers are beyond any timeout of ours; thousands of digits Python refuses to convert.
_MAX_DIGITS: Final = 9


def request_timeout(headers: HeaderValues, ours: float) -> float:
    """Seconds that a request may take: ours, or fewer when the client says so.

    Raises:
        HttpError: 400, when the header is there and holds anything but one whole number.
    """
    given = headers.get("x-request-timeout-ms")
    if not given:
        return ours
    if len(given) > 1 or not (given[0].isascii() and given[0].isdigit()):
        raise HttpError(HTTPStatus.BAD_REQUEST, _MESSAGE)
    digits = given[0].lstrip("0") or "0"
    return ours if len(digits) > _MAX_DIGITS else min(ours, int(digits) / 1000)
