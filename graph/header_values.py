"""Header fields, and list-valued ones (RFC 9110 section 5.6)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, Literal, TypeAlias

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]
HeaderValues: TypeAlias = Mapping[str, Sequence[str]]
"""The values of each field in order of arrival, by its name in lower case."""

# Separators within quotes do not count. Each character matches in one way only, so that this is linear.
_PARTS: Final = {
    separator: re.compile(rf'(?:"(?:\\.|[^"\\])*"?|[^{separator}"])+', re.DOTALL) for separator in (",", ";")
}
# A clock in another one is broken, and no such time can be sent.
_CENTURY: Final = range(2000, 2100)


def by_name(headers: Iterable[tuple[bytes, bytes]]) -> HeaderValues:
    """Decode the headers of an ASGI scope."""
    values: dict[str, list[str]] = {}
    for raw, value in headers:
        values.setdefault(raw.decode("latin-1"), []).append(value.decode("latin-1"))
    return values


def parts(value: str, separator: Literal[",", ";"] = ",") -> list[str]:
    """Split a value at its separators, and drop surrounding white space and empty parts.

    Args:
        value: of a field; the values of several fields are joined by commas.
        separator: of list elements, or of an element's parameters.
    """
    return [part for match in _PARTS[separator].findall(value) if (part := match.strip(" \t"))]


def is_encoded(content_encoding: str) -> bool:
    """Whether a `Content-Encoding` names an encoding other than identity (RFC 9110 section 8.4)."""
    return any(coding.lower() != "identity" for coding in parts(content_encoding))


def seconds_ahead(date: str | None) -> float | None:
    """How many seconds a `Date` is ahead of this machine's clock; None if it is no time of this century."""
    try:
        at = parsedate_to_datetime(date or "")
        # A date is in GMT, also one that does not say so (RFC 9110 section 5.6.7).
        return at.replace(tzinfo=at.tzinfo or UTC).timestamp() - time.time() if at.year in _CENTURY else None
    except (ValueError, OverflowError):
        return None
