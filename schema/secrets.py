"""Secret values, which print as a mask.

Every string that identifies a card or a person is wrapped in one of these types as soon as it enters the process.
Only `reveal()` returns the clear text, so a search for `reveal` finds every place that unmasks a secret.
"""

from __future__ import annotations

import hmac
import re
from typing import NoReturn, final

_HIDDEN = "****"
_VISIBLE = 4
_CARD_NUMBER = re.compile(r"[0-9]{16}", re.ASCII)
_MOBILE_NUMBER = re.compile(r"(?P<prefix>01[0-9])-?[0-9]{3,4}-?(?P<last>[0-9]{4})", re.ASCII)


class Secret:
    """A string whose `repr`, `str` and `format` are a mask.

    It is hashable, compares in constant time and only with its own type, and cannot be pickled or iterated.
    """

    __slots__ = ("_clear",)

    def __init__(self, clear: str) -> None:
        self._clear = clear

    @final
    def reveal(self) -> str:
        """Return the clear text."""
        return self._clear

    @property
    def masked(self) -> str:
        """What anybody may see."""
        return _HIDDEN

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.masked})"

    def __str__(self) -> str:
        return self.masked

    def __format__(self, spec: str) -> str:
        return format(self.masked, spec)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self._clear.encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash(self._clear)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be pickled or copied to another process")


class Credential(Secret):
    """A key, token or password, wholly masked."""

    __slots__ = ()


class CardNo(Secret):
    """A prepaid card's number: 16 ASCII digits. The mask shows the first six and the last four.

    Raises:
        ValueError: if the string is anything else. The message does not quote it.
    """

    __slots__ = ()

    def __init__(self, clear: str) -> None:
        if not _CARD_NUMBER.fullmatch(clear):
            raise ValueError("a card number is 16 ASCII digits")
        self._clear = clear

    @property
    def masked(self) -> str:
        """See `Secret`."""
        return f"{self._clear[:6]}******{self._clear[-4:]}"


class MemberId(Secret):
    """Konaplate's `userId`: up to 19 digits. The mask shows the last four."""

    __slots__ = ()

    @property
    def masked(self) -> str:
        """See `Secret`."""
        return _last_digits(self._clear)


class Par(Secret):
    """Konaplate's `par`, which stands for a card's number and gives access to its history; wholly masked.

    Raises:
        ValueError: if the string is empty.
    """

    __slots__ = ()

    def __init__(self, clear: str) -> None:
        if not clear:
            raise ValueError("a par is not empty")
        self._clear = clear


class PersonalText(Secret):
    """A name, an address, a birth date: wholly masked."""

    __slots__ = ()


class IdentityNo(Secret):
    """A number that identifies a person: a phone, cash-receipt card or business number.

    The mask of a Korean mobile number is `010-****-5678`; any other shows its last four characters.
    """

    __slots__ = ()

    @property
    def masked(self) -> str:
        """See `Secret`."""
        mobile = _MOBILE_NUMBER.fullmatch(self._clear)
        if mobile is not None:
            return f"{mobile['prefix']}-{_HIDDEN}-{mobile['last']}"
        return _last_digits(self._clear)


def _last_digits(clear: str) -> str:
    # The last four of four characters would be all of them.
    return _HIDDEN + clear[-_VISIBLE:] if len(clear) > _VISIBLE else _HIDDEN
