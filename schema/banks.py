"""The names of Korean banks by their common codes."""

from __future__ import annotations

from typing import Final

_BANKS: Final = {
    "002": "KDB산업은행",
    "003": "IBK기업은행",
    "004": "KB국민은행",
    "007": "수협은행",
    "011": "NH농협은행",
    "020": "우리은행",
    "023": "SC제일은행",
    "027": "한국씨티은행",
    "031": "iM뱅크",
    "032": "부산은행",
    "034": "광주은행",
    "035": "제주은행",
    "037": "전북은행",
    "039": "경남은행",
    "045": "새마을금고",
    "048": "신협",
    "071": "우체국",
    "081": "하나은행",
    "088": "신한은행",
    "089": "케이뱅크",
    "090": "카카오뱅크",
    "092": "토스뱅크",
}
"""By the codes that Korean banks use among themselves. Of Konaplate, only 020 was seen."""


def bank_name(code: str | None) -> str | None:
    """Return the name of a bank; None for an unknown code."""
    return None if code is None else _BANKS.get(code)
