"""Finds card numbers in what is about to be shown or logged."""

from __future__ import annotations

import re
from typing import Final

from schema.secrets import CardNo

_CARD_DIGITS: Final = 16
# 13 to 19 digits are a card number in some scheme. Separators are what people type between the groups. A longer
# run may hold one, too. It is taken as a whole: what is left of it would make a new run with the end of the mask.
# A dot before a single digit is a number's own.
_DIGIT_RUN: Final = re.compile(r"\d(?:(?:[ \-]|[._](?=\d\d))?\d){12,}")
_FEWEST_DIGITS: Final = 13
_MANY_DIGITS: Final = 8
HIDDEN: Final = "[hidden]"


def redact(text: str) -> str:
    """Mask every run of 13 or more digits: a card number as its first six and last four, others wholly."""
    # Most of what is logged is too short to look at.
    return text if len(text) < _FEWEST_DIGITS else _DIGIT_RUN.sub(_mask, text)


def holds_card_number(text: str) -> bool:
    """Whether redaction would change the text."""
    return _DIGIT_RUN.search(text) is not None


def safe_name(name: str) -> str:
    """A name out of a caller's document as it may be shown: one with many digits could spell a card number."""
    return HIDDEN if sum(character.isdigit() for character in name) > _MANY_DIGITS else name


def _mask(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    if len(digits) == _CARD_DIGITS and digits.isascii():
        return CardNo(digits).masked
    return HIDDEN
