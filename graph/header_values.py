"""The values of header fields that are lists (RFC 9110 section 5.6)."""

from __future__ import annotations

import re
from typing import Final, Literal

# A separator within quotes separates nothing. Each character fits one way only, so that this is linear.
_PARTS: Final = {
    separator: re.compile(rf'(?:"(?:\\.|[^"\\])*"?|[^{separator}"])+', re.DOTALL) for separator in (",", ";")
}


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
