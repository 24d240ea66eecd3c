"""Konaplate's data as typed records: one declaration per field, from which the reading follows. No I/O.

A field that is missing, out of range or of the wrong type becomes an `InvalidFieldError` in its own place; the
other fields stand. A text that is longer than documented is kept and reported as drift.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
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

from graph import DeclarationError
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


_Read = Callable[[Any, CallDetails, list[str]], Any]


_Slot = tuple[str, type, Callable[[str], Any] | None, _Read, bool, int]
"""What reading a field needs, made ready once: its name in JSON, the class that its value most often has there,
what makes a secret of a text, what reads any other value, whether there must be one, and its bound. It has no
class of its own: a plain tuple is unpacked in a third of the time."""


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
    __record_slots__: ClassVar[tuple[_Slot, ...]]

    drift: tuple[str, ...] = ()
    """Konaplate's names of the fields that were longer than documented, also of records within this one."""

    def __init_subclass__(cls) -> None:
        inherited = {field.name for base in cls.__bases__ for field in getattr(base, "__record_fields__", ())}
        again = sorted(inherited.intersection(cls.__annotations__))
        if again:
            # It would stand in another place than where `read` puts it.
            raise DeclarationError(f"{cls.__name__} cannot declare inherited fields again: {', '.join(again)}")
        hints = get_type_hints(cls, include_extras=True)
        cls.__record_fields__ = tuple(_field(name, hints[name]) for name in hints if name not in _OWN)
        cls.__record_slots__ = tuple(map(_slot, cls.__record_fields__))

    @classmethod
    def read(cls, fields: dict[str, Any], details: CallDetails) -> Self:
        """The record that an object of an answer holds."""
        drift: list[str] = []
        values = _values(cls.__record_slots__, fields, details, drift)
        # By position, which costs a quarter of doing it by name.
        return cls(*values, drift=tuple(drift)) if drift else cls(*values)


_OWN: Final = ("drift", "__record_fields__", "__record_slots__")


def record_fields(record: type[Record]) -> tuple[Field, ...]:
    """The declared fields of a record, in their order."""
    return record.__record_fields__


def _values(slots: tuple[_Slot, ...], sent: dict[str, Any], details: CallDetails, drift: list[str]) -> list[Any]:
    """What the attributes of a record hold, in their order.

    Args:
        slots: those of the record.
        sent: the object of the answer.
        details: the call that it came with.
        drift: takes the names of the fields that are longer than documented.
    """
    values: list[Any] = []
    get = sent.get
    for wire, clean, wrap, read, required, bound in slots:
        value = get(wire)
        try:
            # By class, and without a call where there is nothing to make: nearly every field is a clean one.
            if clean is str and value.__class__ is str:
                if len(value) > bound:
                    drift.append(wire)
                if wrap is not None:
                    value = wrap(value)
            elif value is not None and not (
                0 <= value <= bound if clean is int and value.__class__ is int else value.__class__ is clean
            ):
                value = read(value, details, drift)
        # ValueError: of a secret that refuses its text, too.
        except ValueError:
            value = InvalidFieldError(details, wire)
        values.append(InvalidFieldError(details, wire) if value is None and required else value)
    return values


def _slot(field: Field) -> _Slot:
    kind = field.kind
    clean = str if field.is_text else kind if kind in (bool, int) else NoneType
    wrap = kind if field.is_text and kind is not str else None
    return (field.wire, clean, wrap, _reader(field), field.required, field.bound)


def _reader(field: Field) -> _Read:
    """What reads the values of a field that are not of the class that they most often are of."""
    kind, bound = field.kind, field.bound
    if kind is MemberId:
        return _member_id
    if kind is int:
        return lambda value, _details, _drift: _whole(value, bound)
    if field.item is not None:
        return _list_reader(field.item)
    if issubclass(kind, Record):
        return _record_reader(kind)
    return _unfit


def _list_reader(item: Field) -> _Read:
    slots = (_slot(item),)

    def read(value: Any, details: CallDetails, drift: list[str]) -> list[Any]:
        if not isinstance(value, list):
            raise UnfitError
        # As if each item were an object's only field: one that cannot be read fails alone.
        return [_values(slots, {item.wire: each}, details, drift)[0] for each in value]

    return read


def _record_reader(kind: type[Record]) -> _Read:
    def read(value: Any, details: CallDetails, drift: list[str]) -> Record:
        if not isinstance(value, dict):
            raise UnfitError
        return kind(*_values(kind.__record_slots__, value, details, drift))

    return read


def _unfit(_value: Any, _details: CallDetails, _drift: list[str]) -> Any:
    raise UnfitError


def _field(name: str, hint: Any, wire: str | None = None) -> Field:
    """The field that an annotation declares.

    Raises:
        DeclarationError: when nothing of that kind can be read strictly.
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
        raise DeclarationError(f"no record can have the field {wire}: {kind}")
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


def _member_id(value: Any, _details: CallDetails, _drift: list[str]) -> MemberId | None:
    """Zero in any form is nobody's id: so a live operator marks cards that are not registered."""
    if isinstance(value, str) and _ZERO.fullmatch(value):
        return None
    clean = value.__class__ is int and 0 <= value <= MAX_USER_ID
    number = value if clean else _whole(value, MAX_USER_ID)
    return MemberId(str(number)) if number else None
