"""Konaplate's data as typed records: one declaration per field, from which the reading follows. No I/O.

A field that is missing, out of range or of the wrong type becomes an `InvalidFieldError` in its own place; the
other fields stand. A text that is longer than documented is kept and reported as drift.
"""

from __future__ import annotations

import re
import sys
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
    item: Field | None
    """What a list holds, as if each item were a field of that name."""
    required: bool
    bound: int
    """The size of a text, or the largest number."""
    is_text: bool
    """Whether it is a text in Konaplate's JSON."""

    @property
    def sensitive(self) -> bool:
        """Whether the value must not print itself."""
        return self.item.sensitive if self.item else issubclass(self.kind, Secret)


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
        return cls(**_values(cls.__record_fields__, fields, details, drift), drift=tuple(drift))


_OWN: Final = ("drift", "__record_fields__")


def record_fields(record: type[Record]) -> tuple[Field, ...]:
    """The declared fields of a record, in their order."""
    return record.__record_fields__


def _values(
    fields: tuple[Field, ...], sent: dict[str, Any], details: CallDetails, drift: list[str]
) -> dict[str, Any]:
    """What the attributes of a record hold.

    Args:
        fields: those of the record.
        sent: the object of the answer.
        details: the call that it came with.
        drift: takes the names of the fields that are longer than documented.
    """
    values: dict[str, Any] = {}
    for field in fields:
        value = sent.get(field.wire)
        try:
            if field.is_text and isinstance(value, str):
                if len(value) > field.bound:
                    drift.append(field.wire)
                value = field.kind(value)
            elif value is not None:
                value = _read_other(field, value, details, drift)
        # ValueError: of a secret that refuses its text, too.
        except ValueError:
            value = InvalidFieldError(details, field.wire)
        missing = value is None and field.required
        values[field.name] = InvalidFieldError(details, field.wire) if missing else value
    return values


def _read_other(field: Field, value: Any, details: CallDetails, drift: list[str]) -> Any:
    """What a field that is no text holds."""
    if field.kind is MemberId:
        return _member_id(value)
    if field.kind is int:
        return _whole(value, field.bound)
    if field.kind is bool and isinstance(value, bool):
        return value
    if field.item is not None and isinstance(value, list):
        # As if each item were an object's only field: one that cannot be read fails alone.
        items = (_values((field.item,), {field.wire: each}, details, drift) for each in value)
        return [item[field.name] for item in items]
    if issubclass(field.kind, Record) and isinstance(value, dict):
        return field.kind(**_values(field.kind.__record_fields__, value, details, drift))
    raise UnfitError


def _field(name: str, hint: Any, wire: str | None = None) -> Field:
    """The field that an annotation declares.

    Raises:
        TypeError: when nothing of that kind can be read strictly.
    """
    kind, notes, required = _unwrapped(hint)
    if wire is None:
        first, *others = name.split("_")
        wire = first + "".join(map(str.title, others))
    bound, item = None, None
    for note in notes:
        if isinstance(note, Wire):
            wire = note.name
        else:
            (bound,) = note
    if get_origin(kind) is list:
        kind, item = list, _field(name, get_args(kind)[0], wire)
    is_text = kind is str or (issubclass(kind, Secret) and kind is not MemberId)
    if not (is_text or kind in (bool, list, MemberId) or issubclass(kind, Record) or (kind is int and bound)):
        raise TypeError(f"no record can have the field {wire}: {kind}")
    return Field(name, wire, kind, item, required, sys.maxsize if bound is None else bound, is_text)


def _unwrapped(hint: Any) -> tuple[Any, list[Any], bool]:
    """A type without its notes and without `| None`, the notes, and whether there must be a value."""
    notes: list[Any] = []
    required = True
    while get_origin(hint) in (Annotated, Union, UnionType):
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            notes += more
        else:
            required = False
            (hint,) = (kind for kind in get_args(hint) if kind is not NoneType)
    return hint, notes, required


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
