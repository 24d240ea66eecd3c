"""Values that must not print themselves.

Every text that identifies a card or a person is wrapped in one of these types from the moment it enters the
process. `repr`, `str` and `format` show a mask; only `reveal()` gives the clear text, so that a search for
`reveal` finds every place where it leaves the type.
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
    """A text whose `repr`, `str` and `format` are a mask.

    It compares in constant time with values of its own type only, can be a dictionary key, and refuses to be
    pickled or iterated, because both would give the clear text away.
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
        """What may be shown to anybody."""
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
    """A key, token or password. Nothing of it is ever shown."""

    __slots__ = ()


class CardNo(Secret):
    """A prepaid card's number: 16 ASCII digits. Shown as its first six and last four.

    Raises:
        ValueError: when the text is anything else. The message does not repeat the text.
    """

    __slots__ = ()

    def __init__(self, clear: str) -> None:
        if not _CARD_NUMBER.fullmatch(clear):
            raise ValueError("a card number is 16 ASCII digits")
        self._clear = clear

    @property
    def masked(self) -> str:
        """The first six digits and the last four."""
        return f"{self._clear[:6]}******{self._clear[-4:]}"


class MemberId(Secret):
    """Konaplate's `userId`: the digits of a whole number of up to 19 digits."""

    __slots__ = ()

    @property
    def masked(self) -> str:
        """The last four digits."""
        return _last_digits(self._clear)


class PersonalText(Secret):
    """A name, an address, a birth date: nothing of it is shown."""

    __slots__ = ()


class IdentityNo(Secret):
    """A number that identifies a person: a phone, cash-receipt card or business number.

    A Korean mobile number is shown as `010-****-5678`, anything else by its last four characters.
    """

    __slots__ = ()

    @property
    def masked(self) -> str:
        """A mobile number without its middle, anything else as its last four characters."""
        mobile = _MOBILE_NUMBER.fullmatch(self._clear)
        if mobile is not None:
            return f"{mobile['prefix']}-{_HIDDEN}-{mobile['last']}"
        return _last_digits(self._clear)


def _last_digits(clear: str) -> str:
    # Of a text of four characters the last four would be all of it.
    return _HIDDEN + clear[-_VISIBLE:] if len(clear) > _VISIBLE else _HIDDEN
