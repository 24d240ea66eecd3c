"""Finds card numbers in what is to be shown, logged or kept: the only detector.

A card number is 13 or more digits of any script, possibly escaped, with anything but ASCII letters between them;
the letters tell it from hashes and ids. Every search is linear in the text.
"""

from __future__ import annotations

import re
import string
from binascii import hexlify
from typing import TYPE_CHECKING, Final

from schema.secrets import CardNo

if TYPE_CHECKING:
    from collections.abc import Iterator

_CARD_DIGITS: Final = 16
_FEWEST_DIGITS: Final = 13
_MANY_DIGITS: Final = 8
HIDDEN: Final = "[hidden]"
_LETTERS: Final = bytes.maketrans(string.digits.encode(), b"ghijklmnop")

# Unicode digits that are not decimal: superscripts, subscripts, circled digits and the like.
_OTHER_DIGITS: Final = (
    "\u00b2\u00b3\u00b9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490"
    "\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792\U00010a40-\U00010a43\U00010e60-\U00010e68"
    "\U00011052-\U0001105a\U0001f100-\U0001f10a"
)
_DIGIT: Final = re.compile(rf"[\d{_OTHER_DIGITS}]")
# Long enough stretches without ASCII letters.
_SEGMENT: Final = re.compile(rf"[^A-Za-z]{{{_FEWEST_DIGITS},}}+")
_MAY_BE_RUN: Final = re.compile(rf"[^A-Za-z]{{{_FEWEST_DIGITS}}}")
# The same for ASCII, ten times as fast: digits become 0, and what is between them is deleted.
_ZEROS: Final = bytes.maketrans(string.digits.encode(), b"0" * len(string.digits))
_BETWEEN: Final = bytes(set(range(128)) - set((string.digits + string.ascii_letters).encode()))
_RUN: Final = b"0" * _FEWEST_DIGITS

# Escapes of JSON, GraphQL and other languages, of URLs (possibly escaped twice), and of HTML.
_ESCAPE: Final = re.compile(
    r"\\u\{0*([0-9A-Fa-f]{1,6})\}|\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|%(?:25)*+([0-9A-Fa-f]{2})"
    r"|&#[xX]0*([0-9A-Fa-f]{1,6});?|&#0*([0-9]{1,7});?|\\[abfnrtv]"
)
_DECIMAL: Final = 6
_LAST_CHARACTER: Final = 0x10FFFF
# Escapes may be nested.
_TIMES: Final = 3


def letters(raw: bytes) -> bytes:
    """Spell bytes in letters from a to p, two for each; digits could look like a card number and be masked."""
    return hexlify(raw).translate(_LETTERS)


def may_hold_card_number(text: str) -> bool:
    """Quickly rule out strings without a card number."""
    if len(text) < _FEWEST_DIGITS:
        return False
    if "\\" in text or "%" in text or "&" in text:
        return True
    if text.isascii():
        return _RUN in text.encode("ascii").translate(_ZEROS, _BETWEEN)
    return _MAY_BE_RUN.search(text) is not None


def holds_card_number(text: str) -> bool:
    """Whether a string contains what may be a card number, so that `redact` would change it."""
    return may_hold_card_number(text) and (_has_run(text) or _spells_card_number(text))


def redact(text: str) -> str:
    """Mask every run of 13 or more digits: 16 as a card number, others wholly.

    A string with an escaped card number is hidden as a whole.
    """
    if not may_hold_card_number(text):
        return text
    masked = _SEGMENT.sub(_masked, text)
    return HIDDEN if _spells_card_number(masked) else masked


def safe_name(name: str) -> str:
    """Return a name of a client's document as it may be shown: one with many digits could be a card number."""
    return HIDDEN if sum(character.isdigit() for character in name) > _MANY_DIGITS else name


def _has_run(text: str) -> bool:
    return any(len(_DIGIT.findall(segment)) >= _FEWEST_DIGITS for segment in _SEGMENT.findall(text))


def _spells_card_number(text: str) -> bool:
    """Whether a string contains a card number once its escapes are decoded."""
    for _ in range(_TIMES):
        read = _ESCAPE.sub(_character, text)
        if read == text:
            return False
        if any(map(_has_run, _readings(read))):
            return True
        text = read
    return False


def _readings(text: str) -> Iterator[str]:
    """Yield a decoded string, also with its characters read as UTF-16 code units or UTF-8 bytes."""
    yield text
    if not text.isascii():
        yield text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        yield text.encode("latin-1", "ignore").decode("utf-8", "ignore")


def _character(match: re.Match[str]) -> str:
    group = match.lastindex
    if group is None:
        # The escape of a control character, such as a line break.
        return " "
    number = int(match[group], 10 if group == _DECIMAL else 16)
    return chr(number) if number <= _LAST_CHARACTER else ""


def _masked(match: re.Match[str]) -> str:
    """Mask a segment from its first digit to its last, if they are many."""
    segment = match[0]
    digits = _DIGIT.findall(segment)
    if len(digits) < _FEWEST_DIGITS:
        return segment
    number = "".join(digits)
    mask = CardNo(number).masked if len(number) == _CARD_DIGITS and number.isascii() else HIDDEN
    return segment[: segment.index(digits[0])] + mask + segment[segment.rindex(digits[-1]) + 1 :]
