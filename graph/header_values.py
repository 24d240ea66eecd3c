"""The header fields of a request, and the values of those that are lists (RFC 9110 section 5.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

HeaderValues: TypeAlias = Mapping[str, Sequence[str]]
"""By name, in lower case, what each field says, in the order in which they came."""

# A separator within quotes separates nothing. Each character fits one way only, so that this is linear.
_PARTS: Final = {
    separator: re.compile(rf'(?:"(?:\\.|[^"\\])*"?|[^{separator}"])+', re.DOTALL) for separator in (",", ";")
}


def by_name(headers: Iterable[tuple[bytes, bytes]]) -> HeaderValues:
    """The headers of an ASGI scope, read once: a dozen rules look at them."""
    values: dict[str, list[str]] = {}
    for raw, value in headers:
        name = raw.decode("latin-1")
        if name in values:
            values[name].append(value.decode("latin-1"))
        else:
            values[name] = [value.decode("latin-1")]
    return values


def parts(value: str, separator: Literal[",", ";"] = ",") -> list[str]:
    """What stands between the separators, without white space around it and without empty parts.

    Args:
        value: of the field; of several ones, their values joined by commas.
        separator: of the elements of a list, or of the parameters of one element.
    """
    return [part for match in _PARTS[separator].findall(value) if (part := match.strip(" \t"))]


def is_encoded(content_encoding: str) -> bool:
    """Whether a `Content-Encoding`, which may be empty, names any encoding but identity (RFC 9110 section 8.4)."""
    return any(coding.lower() != "identity" for coding in parts(content_encoding))
