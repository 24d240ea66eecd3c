"""What objects of the schema are made of, and the attributes that they can show."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from graph import DeclarationError
from graph.konaplate.record import Record, record_fields
from graph.konaplate.view import View

if TYPE_CHECKING:
    from graph.konaplate.view import LookedUp


class Origin(NamedTuple):
    """What an object of the schema is made of."""

    record: type[Any]
    key: type | None
    """The type of the key that the record goes by; None at the root, which has none."""
    key_name: str = ""
    present: str | None = None
    """An attribute without which there is no object."""


class Attribute(NamedTuple):
    """An attribute of an origin."""

    name: str
    """For messages."""
    path: str
    """For `attrgetter`, from a source."""
    kind: type
    """The type of the value, or of each item if it is a list."""
    is_list: bool
    may_be_missing: bool
    bound: int = 0
    """The largest number that it may be; 0 if that is not declared."""

    @property
    def text(self) -> str:
        """Its type, for messages."""
        return f"list[{name_of(self.kind)}]" if self.is_list else name_of(self.kind)


def origin_of(looked_up: LookedUp) -> Origin:
    """Return what an endpoint or a view gives."""
    keyed_as = looked_up
    if isinstance(looked_up, View) and looked_up.keyed_as is not None:
        keyed_as = looked_up.keyed_as
    return Origin(looked_up.record, keyed_as.key, keyed_as.key_name)


def attribute_of(origin: Origin, name: str) -> Attribute | None:
    """Return an attribute of an origin: of its record, or else its key or a part of that; None if it has none."""
    record, key, key_name, present = origin
    shown, path = f"{record.__name__}.{name}", f"record.{name}"
    if issubclass(record, Record):
        for each in record_fields(record):
            if each.name == name:
                value, may_be_missing = each.item or each, not each.required and name != present
                return Attribute(shown, path, value.kind, each.item is not None, may_be_missing, value.bound)
    made = getattr(record, name, None)
    if isinstance(made, property):
        try:
            hint = get_type_hints(made.fget)["return"]
        except (KeyError, NameError) as error:
            raise DeclarationError(f"{shown}: the type that it returns is not declared: {error}") from error
        is_list = get_origin(required(hint)) is list
        may_be_missing = required(hint) is not hint and name != present
        return Attribute(shown, path, plain(hint), is_list, may_be_missing)
    if key is not None and name == key_name:
        return Attribute("the key", "key", plain(key), is_list=False, may_be_missing=False)
    parts = getattr(key, "_fields", ())
    if name in parts:
        hint = get_type_hints(key)[name]
        may_be_missing = required(hint) is not hint
        path = f"key.{name}"
        return Attribute(f"{name_of(key)}.{name}", path, plain(hint), is_list=False, may_be_missing=may_be_missing)
    return None


def plain(hint: Any) -> Any:
    """Strip a type of `| None`, lists, annotations and `NewType`."""
    while True:
        hint = required(hint)
        if get_origin(hint) in (Annotated, list):
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        else:
            return hint


def name_of(kind: Any) -> str:
    """Return a type's name, for messages."""
    return getattr(kind, "__name__", str(kind))


def required(hint: Any) -> Any:
    """Strip a type of `| None`."""
    if get_origin(hint) in (Union, UnionType):
        kinds = [each for each in get_args(hint) if each is not NoneType]
        if len(kinds) > 1:
            raise DeclarationError(
                f"nothing shows {hint}: properties and keys have one type, with or without None"
            )
        (hint,) = kinds
    return hint
