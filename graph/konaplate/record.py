"""Konaplate's data as typed records: one declaration per field, from which the reading follows. No I/O.

A field that is missing, out of range or of the wrong type becomes an `InvalidFieldError` in its own place; the
other fields stand. A text that is longer than documented is kept and reported as drift.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Self,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from graph.konaplate.errors import CallDetails, InvalidFieldError
from schema.secrets import MemberId, Secret

MAX_USER_ID: Final = 9_999_999_999_999_999_999
_MAX_EXACT_FLOAT: Final = 2**53
_DIGITS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_ZERO: Final = re.compile(r"-?0+(\.0+)?", re.ASCII)

Read = Callable[[Any, CallDetails, list[str]], object]
"""From a value, the call, and the names of what drifts so far, to what the record holds."""


class UnfitError(ValueError):
    """A value that is not what its field's documentation says. Carries nothing of the value."""


@dataclass(frozen=True, slots=True)
class Text:
    """The documented size of a text. A longer one is kept and noted as drift."""

    size: int


@dataclass(frozen=True, slots=True)
class Whole:
    """The largest value that a whole number may have; the smallest is 0."""

    max: int


@dataclass(frozen=True, slots=True)
class Wire:
    """A field's name in Konaplate's JSON, where it is not the attribute's name in camel case."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record."""

    name: str
    """The attribute."""
    wire: str
    """Its name in Konaplate's JSON."""
    kind: type
    """What the attribute holds: `str`, `int`, `bool`, a secret, a record, or `list`."""
    item: type | None
    """What a list holds."""
    required: bool
    read: Read

    @property
    def sensitive(self) -> bool:
        """Whether the value must not print itself."""
        return issubclass(self.item or self.kind, Secret)


@dataclass_transform(frozen_default=True)
class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Data of one thing, as Konaplate sends it.

    A subclass annotates each field:

    - `str`, `int`, `bool`, a `Secret`, another record, or a `list` of one of these;
    - `Annotated[str, Text(256)]`, `Annotated[int, Whole(max=9)]` with what the vendor's page says of it;
    - `X | None` for an optional field, for which null and absent are the same.

    Any of them may hold an `InvalidFieldError` in place of its value.
    """

    __record_fields__: ClassVar[tuple[Field, ...]]

    drift: tuple[str, ...] = ()
    """Konaplate's names of the fields that were longer than documented, also of records within this one."""

    def __init_subclass__(cls) -> None:
        hints = get_type_hints(cls, include_extras=True)
        cls.__record_fields__ = tuple(_field(name, hints[name]) for name in hints if name not in _OWN)

    @classmethod
    def read(cls, fields: dict[str, Any], details: CallDetails) -> Self:
        """The record that an object of an answer holds."""
        drift: list[str] = []
        return cls(**_values(cls, fields, details, drift), drift=tuple(drift))


_OWN: Final = ("drift", "__record_fields__")


def record_fields(record: type[Record]) -> tuple[Field, ...]:
    """The declared fields of a record, in their order."""
    return record.__record_fields__


def _values(
    record: type[Record], fields: dict[str, Any], details: CallDetails, drift: list[str]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in record.__record_fields__:
        value = fields.get(field.wire)
        try:
            if value is not None:
                value = field.read(value, details, drift)
            if value is None and field.required:
                value = InvalidFieldError(details, field.wire)
        # ValueError: of a secret that refuses its text.
        except ValueError:
            value = InvalidFieldError(details, field.wire)
        values[field.name] = value
    return values


def _field(name: str, hint: Any) -> Field:
    kind, notes, optional = _unwrapped(hint)
    first, *others = name.split("_")
    wire = next((note.name for note in notes if isinstance(note, Wire)), first + "".join(map(str.title, others)))
    if get_origin(kind) is not list:
        return Field(name, wire, kind, None, not optional, _reader(kind, notes, wire))
    item, notes, _ = _unwrapped(get_args(kind)[0])
    return Field(name, wire, list, item, not optional, partial(_list, wire, _reader(item, notes, wire)))


def _unwrapped(hint: Any) -> tuple[Any, list[object], bool]:
    """A type without its notes and without `| None`, the notes, and whether it was optional."""
    notes: list[object] = []
    optional = False
    while get_origin(hint) in (Annotated, Union, UnionType):
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            notes += more
        else:
            optional = True
            (hint,) = (kind for kind in get_args(hint) if kind is not NoneType)
    return hint, notes, optional


def _reader(kind: type, notes: list[object], wire: str) -> Read:
    """How a value of a kind is read.

    Raises:
        TypeError: when a record cannot have a field of that kind.
    """
    size = next((note.size for note in notes if isinstance(note, Text)), None)
    largest = next((note.max for note in notes if isinstance(note, Whole)), None)
    if kind is bool:
        return _boolean
    if kind is str:
        return partial(_text, wire, size)
    if kind is int and largest is not None:
        return partial(_whole, largest)
    if issubclass(kind, MemberId):
        return _member_id
    if issubclass(kind, Secret):
        return partial(_secret, kind, partial(_text, wire, size))
    if issubclass(kind, Record):
        return partial(_record, kind)
    raise TypeError(f"no record can have the field {wire}: {kind}")


def _text(wire: str, size: int | None, value: Any, _details: CallDetails, drift: list[str]) -> str:
    if not isinstance(value, str):
        raise UnfitError
    if size is not None and len(value) > size:
        drift.append(wire)
    return value


def _secret(
    kind: type[Secret], text: Callable[..., str], value: Any, details: CallDetails, drift: list[str]
) -> Secret:
    return kind(text(value, details, drift))


def _boolean(value: Any, _details: CallDetails, _drift: list[str]) -> bool:
    if not isinstance(value, bool):
        raise UnfitError
    return value


def _whole(largest: int, value: Any, _details: CallDetails, _drift: list[str]) -> int:
    """A whole number from 0 to `largest`, also written as digits in a string or with a fraction of zero."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    # Beyond what a float holds exactly, who wrote a fraction or an exponent may have rounded.
    if isinstance(value, Decimal) and 0 <= value <= min(largest, _MAX_EXACT_FLOAT) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= largest:
        raise UnfitError
    return value


def _member_id(value: Any, details: CallDetails, drift: list[str]) -> MemberId | None:
    """Zero in any form is nobody's id: so a live operator marks cards that are not registered."""
    if isinstance(value, str) and _ZERO.fullmatch(value):
        return None
    number = _whole(MAX_USER_ID, value, details, drift)
    return MemberId(str(number)) if number else None


def _record(record: type[Record], value: Any, details: CallDetails, drift: list[str]) -> Record:
    if not isinstance(value, dict):
        raise UnfitError
    return record(**_values(record, value, details, drift))


def _list(wire: str, read: Read, value: Any, details: CallDetails, drift: list[str]) -> list[object]:
    """A list in which one item that cannot be read fails alone."""
    if not isinstance(value, list):
        raise UnfitError
    items: list[object] = []
    for each in value:
        try:
            item = read(each, details, drift)
        except ValueError:
            item = None
        items.append(InvalidFieldError(details, wire) if item is None else item)
    return items
