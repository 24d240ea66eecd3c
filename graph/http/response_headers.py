"""The header fields of an answer, with those that keep it private.

Most answers differ in two fields only, the request's id and the length. The others are put together once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Field = tuple[bytes, bytes]

REQUEST_ID: Final = b"x-request-id"
CONTENT_SECURITY_POLICY: Final = b"content-security-policy"

_PRIVATE: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_OWN: Final = frozenset(name for name, _ in _PRIVATE)
_NOTHING_TO_LOAD: Final = (CONTENT_SECURITY_POLICY, b"default-src 'none'; frame-ancestors 'none'")
# What could end a field, and so begin another one or the body.
_UNSAFE: Final = re.compile(rb"[^\x20-\x7e\x80-\xff]")


def private_fields(given: Iterable[Field]) -> list[Field]:
    """The fields of an answer, with those that keep it private."""
    fields = [field for field in given if field[0] not in _OWN]
    policed = any(name == CONTENT_SECURITY_POLICY for name, _ in fields)
    return [*fields, *_PRIVATE] if policed else [*fields, *_PRIVATE, _NOTHING_TO_LOAD]


class FixedFields:
    """The fields that many answers share, with those that keep them private, in both forms of a `Heading`.

    Args:
        given: what is particular to these answers.

    Raises:
        ValueError: when a field could be read as two.
    """

    __slots__ = ("fields", "wire")

    def __init__(self, given: Iterable[Field]) -> None:
        self.fields = tuple(private_fields(given))
        for field in self.fields:
            if any(_UNSAFE.search(part) for part in field):
                raise ValueError("a header field holds a control character")
        self.wire = b"".join(b"%b: %b\r\n" % field for field in self.fields)


class Heading:
    """All header fields of one answer: an iterable of them for any server, and ready bytes for our own.

    Args:
        fixed: what other answers have, too.
        request_id: ours, or the caller's when it is harmless.
        length: of the body.
    """

    __slots__ = ("_fixed", "_request_id", "length")

    def __init__(self, fixed: FixedFields, request_id: str, length: int) -> None:
        self._fixed = fixed
        self._request_id = request_id.encode("ascii")
        self.length = length

    def __iter__(self) -> Iterator[Field]:
        """The fields, one by one."""
        yield from self._fixed.fields
        yield REQUEST_ID, self._request_id
        yield b"content-length", b"%d" % self.length

    @property
    def wire(self) -> bytes:
        """The fields as they are sent, without the empty line after the last one."""
        return b"%bx-request-id: %b\r\ncontent-length: %d\r\n" % (self._fixed.wire, self._request_id, self.length)


def prepared(*shared: Sequence[Field]) -> dict[tuple[Field, ...], FixedFields]:
    """The fixed fields of answers that are made again and again, by what is particular to them."""
    return {tuple(given): FixedFields(given) for given in shared}
