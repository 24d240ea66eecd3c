"""A request's header fields, read once for everybody who asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Fields:
    """The header fields of one request, by their names in lower case, as ASGI gives them.

    A name that is given twice keeps all its values: who checks a field must be able to refuse that.

    Args:
        raw: `scope["headers"]`.
    """

    __slots__ = ("_last", "_repeated")

    def __init__(self, raw: Collection[tuple[bytes, bytes]]) -> None:
        self._last = dict(raw)
        self._repeated = None if len(self._last) == len(raw) else _repeated(raw)

    def get(self, name: bytes) -> bytes | None:
        """The first value of a field, or None."""
        if self._repeated is not None and name in self._repeated:
            return self._repeated[name][0]
        return self._last.get(name)

    def all(self, name: bytes) -> Sequence[bytes]:
        """Every value of a field, in the order of the request."""
        if self._repeated is not None and name in self._repeated:
            return self._repeated[name]
        value = self._last.get(name)
        return () if value is None else (value,)

    def joined(self, name: bytes) -> bytes | None:
        """All values of a field that is a list, which may be given in several fields; or None."""
        if self._repeated is not None and name in self._repeated:
            return b", ".join(self._repeated[name])
        return self._last.get(name)

    def __contains__(self, name: bytes) -> bool:
        """Whether there is a field of this name."""
        return name in self._last


def _repeated(raw: Collection[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    values: dict[bytes, list[bytes]] = {}
    for name, value in raw:
        values.setdefault(name, []).append(value)
    return {name: given for name, given in values.items() if len(given) > 1}
