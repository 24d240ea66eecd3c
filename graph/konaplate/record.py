"""Konaplate's data as typed records: one declaration per field defines how it is read. No I/O.

A field that is missing, out of range or of the wrong type becomes an `InvalidFieldError` in its own place and
leaves the others intact; the record lists its name. A string that is longer than documented is kept and reported
as drift.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime
from itertools import repeat
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
from graph.konaplate.protocol import KST
from graph.konaplate.values import DAY, SECOND, UnfitError, of_class, time_of, whole
from schema.secrets import MemberId, Secret

MAX_USER_ID: Final = 9_999_999_999_999_999_999
MAX_WON: Final = 9_999_999_999
MAX_ITEMS: Final = 1_000
"""A longer list is unreadable: clients could have each of its items made into many errors."""
_ZERO: Final = re.compile(r"-?0+(\.0+)?", re.ASCII)


class Text(NamedTuple):
    """The documented size of a string. A longer one is kept and noted as drift."""

    size: int


class Whole(NamedTuple):
    """The largest value that a whole number may have; the smallest is 0."""

    max: int


class Wire(NamedTuple):
    """A field's name in Konaplate's JSON, where it is not the attribute's name in camel case."""

    name: str


class _Notes(NamedTuple):
    """What reading a record finds, by Konaplate's names of the fields. Each name is kept once, in order."""

    drift: dict[str, None]
    """Fields that are longer than documented."""
    invalid: dict[str, None]
    """Fields that are missing or cannot be read."""


_Read = Callable[[Any, CallDetails, _Notes], Any]
"""From a JSON value to an attribute."""


class Field(NamedTuple):
    """One field of a record."""

    name: str
    """The attribute."""
    wire: str
    """Its name in Konaplate's JSON."""
    kind: type[Any]
    """The attribute's type: `str`, `int`, `bool`, `date`, `datetime`, a secret, a record, or `list`."""
    item: Field | None
    """The items of a list, as if each were a field of that name."""
    required: bool
    bound: int
    """The size of a string, or the largest number."""
    read: _Read | None
    """Reads a value other than null; None for strings."""

    @property
    def sensitive(self) -> bool:
        """Whether the value must not print itself."""
        return self.item.sensitive if self.item else issubclass(self.kind, Secret)


_Rule = tuple[str, type[Any], bool, int, _Read | None]
"""`wire`, `kind`, `required`, `bound` and `read` of a field: a plain tuple takes half the time to unpack."""


class _ReadingRules(NamedTuple):
    """How a record is read."""

    names: tuple[str, ...]
    """Konaplate's names of its fields."""
    rules: tuple[_Rule, ...]


@dataclass_transform(frozen_default=True)
class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Data of one thing, as Konaplate sends it.

    A subclass annotates each field:

    - `str`, `int`, `bool`, a `Secret`, another record, or a `list` of one of these;
    - `date` for `yyyyMMdd` and `datetime` for `yyyyMMddHHmmss` or `yyyyMMddHHmmssSSS`, as text or number; the time
      after a date is left out;
    - `Annotated[str, Text(256)]`, `Annotated[int, Whole(max=9)]` with the limits from the vendor's page;
    - `X | None` for an optional field, for which null and absent are the same.

    Any of them may hold an `InvalidFieldError` in place of its value.
    """

    __record_fields__: ClassVar[tuple[Field, ...]]
    __reading_rules__: ClassVar[_ReadingRules]
    subject: ClassVar[Any] = None
    """A subclass may make it a property: the card whose data it is, for the audit log."""

    drift: tuple[str, ...] = ()
    """Konaplate's names of the fields that were longer than documented, including those of nested records."""
    invalid_fields: tuple[str, ...] = ()
    """Konaplate's names of the fields that hold an `InvalidFieldError`, including those of nested records."""
    as_of: int = 0
    """When Konaplate's answer arrived, in milliseconds since 1970 (UTC); 0 when that is unknown."""

    @property
    def answered_at(self) -> datetime:
        """`as_of` by Konaplate's clock."""
        return datetime.fromtimestamp(self.as_of / 1000, KST)

    def __init_subclass__(cls) -> None:
        own = sorted(set(dir(Record)).intersection(cls.__annotations__))
        if own:
            raise DeclarationError(
                f"{cls.__name__}.{own[0]}: every record has its own {own[0]!r}; take another name, and note "
                f'Konaplate\'s: Annotated[…, Wire("{_wire_name(own[0])}")]'
            )
        inherited = {field.name for base in cls.__bases__ for field in getattr(base, "__record_fields__", ())}
        again = sorted(inherited.intersection(cls.__annotations__))
        if again:
            # It would change its position, and `read` fills records by position.
            raise DeclarationError(f"{cls.__name__} cannot declare inherited fields again: {', '.join(again)}")
        try:
            hints = get_type_hints(cls, include_extras=True)
        except NameError as error:
            raise DeclarationError(f"{cls.__name__}: a type of its fields is not imported: {error}") from error
        fields = [_field(f"{cls.__name__}.{name}", name, hints[name]) for name in hints if name not in _OWN]
        cls.__record_fields__ = tuple(fields)
        cls.__reading_rules__ = _ReadingRules(tuple(field.wire for field in fields), tuple(map(_rule, fields)))

    @classmethod
    def read(cls, fields: dict[str, Any], details: CallDetails) -> Self:
        """Read a record from a JSON object of a response."""
        notes = _Notes({}, {})
        names, rules = cls.__reading_rules__
        values = _values(rules, map(fields.get, names), details, notes)
        # By position, which costs a quarter of passing names.
        return cls(
            *values, drift=tuple(notes.drift), invalid_fields=tuple(notes.invalid), as_of=details.answered_at
        )


_OWN: Final = ("drift", "invalid_fields", "as_of", "subject", "__record_fields__", "__reading_rules__")


def record_fields(record: type[Record]) -> tuple[Field, ...]:
    """The declared fields of a record, in order."""
    return record.__record_fields__


def has_attribute(record: type[Record], name: str) -> bool:
    """Whether a record has an attribute for the schema: a declared field, or a property."""
    return any(field.name == name for field in record_fields(record)) or isinstance(
        getattr(record, name, None), property
    )


def first_fault(*values: object) -> Any:
    """The first `InvalidFieldError` in place of a value, typed as a value; None without one."""
    return next((value for value in values if isinstance(value, InvalidFieldError)), None)


def _values(rules: Iterable[_Rule], sent: Iterable[Any], details: CallDetails, notes: _Notes) -> list[Any]:
    """Read values, each by its rule, in order; the shorter of the two says how many."""
    values: list[Any] = []
    for (wire, kind, required, bound, read), raw in zip(rules, sent, strict=False):
        value = raw
        try:
            # Clean strings, numbers and flags, which most fields are, cost no call.
            if value is None:
                pass
            elif read is None:
                if value.__class__ is not str:
                    raise UnfitError
                if len(value) > bound:
                    notes.drift[wire] = None
                if kind is not str:
                    value = kind(value)
            elif value.__class__ is not kind or kind is list or not 0 <= value <= bound:
                value = read(value, details, notes)
            if value is None and required:
                raise UnfitError
        # ValueError: some secrets validate their text.
        except ValueError:
            notes.invalid[wire] = None
            value = InvalidFieldError(details, wire)
        values.append(value)
    return values


def _rule(field: Field) -> _Rule:
    return field.wire, field.kind, field.required, field.bound, field.read


def _field(where: str, name: str, hint: Any, wire: str | None = None) -> Field:
    """The field that an annotation declares.

    Args:
        where: the record and the attribute, for messages.
        name: the attribute.
        hint: the annotation.
        wire: Konaplate's name, if it does not follow from the attribute's.

    Raises:
        DeclarationError: nothing of that type can be read strictly.
    """
    kind, notes, required = _unwrapped(where, hint)
    wire = _wire_name(name) if wire is None else wire
    bound, item, sizes = None, None, []
    for note in notes:
        if isinstance(note, Wire):
            wire = note.name
        elif isinstance(note, Text | Whole):
            sizes.append(note)
        else:
            raise DeclarationError(f"{where}: a note is Text(…), Whole(max=…) or Wire(…), not {note!r}")
    if get_origin(kind) is list:
        kind, item = list, _field(where, name, get_args(kind)[0], wire)
    if not isinstance(kind, type):
        raise DeclarationError(f"{where}: nothing reads {kind}")
    is_text = kind is str or (issubclass(kind, Secret) and kind is not MemberId)
    for size in sizes:
        (bound,) = size
        if not (is_text if isinstance(size, Text) else kind is int) or type(bound) is not int or bound < 1:
            raise DeclarationError(
                f"{where}: {size!r} does not fit {kind.__name__}; Text(20) is for strings, Whole(max=20) for int, "
                "each with a whole number from 1"
            )
    if kind is int and bound is None:
        raise DeclarationError(f"{where}: an int needs its largest value, as in Annotated[int, Whole(max=999)]")
    if not (is_text or kind in (bool, int, list, date, datetime, MemberId) or issubclass(kind, Record)):
        raise DeclarationError(f"{where}: nothing reads {kind.__name__}")
    bound = sys.maxsize if bound is None else bound
    return Field(name, wire, kind, item, required, bound, None if is_text else _reader(kind, item, bound))


def _wire_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


def _unwrapped(where: str, hint: Any) -> tuple[Any, list[Any], bool]:
    """A type without its notes and without `| None`, the notes, and whether a value is required."""
    notes: list[Any] = []
    required = True
    while get_origin(hint) in (Annotated, Union, UnionType):
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            notes += more
        else:
            required = False
            kinds = [kind for kind in get_args(hint) if kind is not NoneType]
            if len(kinds) > 1:
                raise DeclarationError(
                    f"{where}: nothing reads {hint}; a field has one type, with or without None"
                )
            (hint,) = kinds
    return hint, notes, required


def _reader(kind: Any, item: Field | None, bound: int) -> _Read:
    """The reader of a field that is not a string."""
    if kind is int:
        return lambda value, _details, _notes: whole(value, bound)
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if item is not None:
        # As if each item were a field: an unreadable one fails alone.
        rule = _rule(item)
        return lambda value, details, notes: _values(repeat(rule), _items_of(value), details, notes)
    names, rules = kind.__reading_rules__

    def read(value: Any, details: CallDetails, notes: _Notes) -> Any:
        if value.__class__ is not dict:
            raise UnfitError
        return kind(*_values(rules, map(value.get, names), details, notes), as_of=details.answered_at)

    return read


def _items_of(value: Any) -> list[Any]:
    """The items of a list.

    Raises:
        UnfitError: it is no list, or has more than `MAX_ITEMS`.
    """
    items: list[Any] = of_class(list, value)
    if len(items) > MAX_ITEMS:
        raise UnfitError
    return items


def _member_id(value: Any, _details: CallDetails, _notes: _Notes) -> MemberId | None:
    """Read a member id; zero in any form means an unregistered card, as a live operator sends it."""
    if isinstance(value, str) and _ZERO.fullmatch(value):
        return None
    number = whole(value, MAX_USER_ID)
    return MemberId(str(number)) if number else None


_SIMPLE: Final[dict[Any, _Read]] = {
    bool: lambda value, _details, _notes: of_class(bool, value),
    date: lambda value, _details, _notes: time_of(value, DAY).date(),
    datetime: lambda value, _details, _notes: time_of(value, SECOND),
    MemberId: _member_id,
}
