"""Konaplate's data as typed records: one declaration per field, from which the reading follows. No I/O.

A field that is missing, out of range or of the wrong type becomes an `InvalidFieldError` in its own place; the
other fields stand. A text that is longer than documented is kept and reported as drift.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    NamedTuple,
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


class Text(NamedTuple):
    """The documented size of a text. A longer one is kept and noted as drift."""

    size: int


class Whole(NamedTuple):
    """The largest value that a whole number may have; the smallest is 0."""

    max: int


class Wire(NamedTuple):
    """A field's name in Konaplate's JSON, where it is not the attribute's name in camel case."""

    name: str


class UnfitError(ValueError):
    """A value that is not what its field's documentation says. Carries nothing of the value."""


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
    bound: int | None
    """The size of a text, or the largest number."""

    @property
    def sensitive(self) -> bool:
        """Whether the value must not print itself."""
        return issubclass(self.item or self.kind, Secret)

    def read(self, value: Any, details: CallDetails, drift: list[str]) -> Any:
        """What the record holds for a value of Konaplate's; the field's fault for one that cannot be read.

        Args:
            value: None for null and for nothing.
            details: the call that it came with.
            drift: takes the names of the fields that are longer than documented.
        """
        try:
            if value is not None and self.item is None:
                value = self._one(self.kind, value, details, drift)
            elif value is not None:
                value = self._items(self.item, value, details, drift)
        # ValueError: of a secret that refuses its text.
        except ValueError:
            return InvalidFieldError(details, self.wire)
        return InvalidFieldError(details, self.wire) if value is None and self.required else value

    def _items(self, kind: Any, value: Any, details: CallDetails, drift: list[str]) -> list[Any]:
        """A list in which an item that cannot be read fails alone."""
        if not isinstance(value, list):
            raise UnfitError
        item = Field(self.name, self.wire, kind, None, required=True, bound=self.bound)
        return [item.read(each, details, drift) for each in value]

    def _one(self, kind: Any, value: Any, details: CallDetails, drift: list[str]) -> Any:
        if issubclass(kind, Record):
            if not isinstance(value, dict):
                raise UnfitError
            return kind(**_values(kind, value, details, drift))
        if kind is MemberId:
            return _member_id(value)
        if kind is int:
            return _whole(value, self.bound or 0)
        if not isinstance(value, bool if kind is bool else str):
            raise UnfitError
        if isinstance(value, str) and self.bound is not None and len(value) > self.bound:
            drift.append(self.wire)
        return kind(value)


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
    return {field.name: field.read(fields.get(field.wire), details, drift) for field in record.__record_fields__}


def _field(name: str, hint: Any) -> Field:
    """The field that an annotation declares.

    Raises:
        TypeError: when nothing of that kind can be read strictly.
    """
    kind, notes, optional = _unwrapped(hint)
    first, *others = name.split("_")
    wire, item = first + "".join(map(str.title, others)), None
    if get_origin(kind) is list:
        item, of_item, _ = _unwrapped(get_args(kind)[0])
        kind, notes = list, notes + of_item
    bound = None
    for note in notes:
        if isinstance(note, Wire):
            wire = note.name
        else:
            (bound,) = note
    read = item or kind
    if not (read in (str, bool) or issubclass(read, Secret | Record) or (read is int and bound is not None)):
        raise TypeError(f"no record can have the field {wire}: {read}")
    return Field(name, wire, kind, item, not optional, bound)


def _unwrapped(hint: Any) -> tuple[Any, list[Any], bool]:
    """A type without its notes and without `| None`, the notes, and whether it was optional."""
    notes: list[Any] = []
    optional = False
    while get_origin(hint) in (Annotated, Union, UnionType):
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            notes += more
        else:
            optional = True
            (hint,) = (kind for kind in get_args(hint) if kind is not NoneType)
    return hint, notes, optional


def _whole(value: Any, largest: int) -> int:
    """A whole number from 0 to `largest`, also written as digits in a string or with a fraction of zero."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    # Beyond what a float holds exactly, who wrote a fraction or an exponent may have rounded.
    if isinstance(value, Decimal) and 0 <= value <= min(largest, _MAX_EXACT_FLOAT) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= largest:
        raise UnfitError
    return value


def _member_id(value: Any) -> MemberId | None:
    """Zero in any form is nobody's id: so a live operator marks cards that are not registered."""
    if isinstance(value, str) and _ZERO.fullmatch(value):
        return None
    number = _whole(value, MAX_USER_ID)
    return MemberId(str(number)) if number else None
