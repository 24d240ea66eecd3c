"""Which types fit together: those of records, of the schema, and of the keys of endpoints."""

from __future__ import annotations

from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from schema.secrets import CardNo, Secret


def plain_type(hint: Any) -> Any:
    """A type without `| None`, without its list, and without its name, if it is one of `NewType`."""
    while True:
        origin = get_origin(hint)
        if origin in (Union, UnionType):
            (hint,) = (each for each in get_args(hint) if each is not NoneType)
        elif origin in (Annotated, list):
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        else:
            return hint


def type_name(kind: Any) -> str:
    """What a message calls a type."""
    return getattr(kind, "__name__", str(kind))


def is_shown_as(held: type, shown: Any) -> bool:
    """Whether a value can be shown as it is: a secret as nothing but its own type, which the audit log knows."""
    if isinstance(shown, type) and issubclass(shown, Enum):
        return all(type(member.value) is held for member in shown if member.name != "UNKNOWN")
    return shown is held or (held is int and shown is float)


def key_parts(key: type) -> list[Any]:
    """The types of a composed key's parts, in their order, as a `NamedTuple` declares them.

    Raises:
        NameError: when an annotation cannot be read at run time.
    """
    return [plain_type(hint) for hint in get_type_hints(key).values()]


def given_type(kind: Any) -> Any:
    """The type that an argument's value has: the scalars of all secrets but card numbers give texts."""
    kind = plain_type(kind)
    is_text = isinstance(kind, type) and issubclass(kind, Secret) and kind is not CardNo
    return str if is_text else kind


def is_key(given: Any, key: Any) -> bool:
    """Whether an argument's value is a key, or a text of which one is made.

    No text becomes a card number: what is none must be refused as a `CardNumber`.
    """
    return given is key or (given is str and issubclass(key, Secret) and key is not CardNo)
