"""Custom scalars. Errors never quote the refused value."""

from __future__ import annotations

import datetime as dt
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NewType

import strawberry
from graphql import GraphQLError, StringValueNode, ValueNode
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY

from schema.secrets import CardNo, IdentityNo, MemberId, PersonalText

if TYPE_CHECKING:
    from collections.abc import Mapping

    from strawberry.types.scalar import ScalarDefinition

_NOT_A_DATE: Final = "A Date is a string of the form yyyy-MM-dd."
_ENTITIES: Final = ("Card", "Member")
_NOT_A_REPRESENTATION: Final = (
    "A representation is an object with the `__typename` and the `id` of a Card or a Member."
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

Won = NewType("Won", int)
"""An amount of whole Korean won."""

# The largest integer that a JSON number carries exactly in JavaScript.
_MAX_SAFE_INTEGER: Final = 2**53 - 1
_NOT_A_CARD_NUMBER: Final = "A CardNumber is a string of 16 digits."
FORMS: Final[Mapping[str, str]] = MappingProxyType({"CardNumber": _NOT_A_CARD_NUMBER, "Date": _NOT_A_DATE})
"""What the message about a value of a scalar says of its form, by the scalar's name."""


def _parse_card_number(value: object, node: ValueNode | None = None) -> CardNo:
    if isinstance(value, str):
        try:
            return CardNo(value)
        except ValueError:
            # Raised below: as a cause, its traceback would keep the refused text in memory.
            pass
    raise GraphQLError(_NOT_A_CARD_NUMBER, nodes=node)


def _parse_card_number_literal(node: ValueNode, _variables: Mapping[str, Any] | None = None) -> CardNo:
    # The node gives the error a location, which graphql-core does not add.
    return _parse_card_number(node.value if isinstance(node, StringValueNode) else None, node)


def _serialize_card_number(value: object) -> str:
    if isinstance(value, CardNo):
        return value.reveal()
    # The resolver has already revealed the secret; anything else is our own bug.
    if isinstance(value, str):
        return CardNo(value).reveal()
    raise TypeError("a CardNumber is made from a CardNo")


def _whole_won(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MAX_SAFE_INTEGER:
        raise TypeError("an amount in won is a whole number within the range of a JSON number")
    return value


def _parse_date(value: object, node: ValueNode | None = None) -> dt.date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            # A day that no month has.
            pass
    raise GraphQLError(_NOT_A_DATE, nodes=node)


def _parse_date_literal(node: ValueNode, _variables: Mapping[str, Any] | None = None) -> dt.date:
    return _parse_date(node.value if isinstance(node, StringValueNode) else None, node)


def _serialize_date(value: object) -> str:
    if type(value) is not dt.date:
        raise TypeError("a Date is made from a date")
    return value.isoformat()


def _serialize_date_time(value: object) -> str:
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise TypeError("a DateTime is made from a time with a zone")
    return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds")


def _parse_date_time(_value: object) -> Any:
    raise GraphQLError("No argument is a DateTime.")


class Representation(str):
    """The id of an entity that a router asks for, and the type that it expects."""

    __slots__ = ("type_name",)

    type_name: str


def _parse_representation(value: object) -> Representation:
    given = value if isinstance(value, dict) else {}
    type_name, handle = given.get("__typename"), given.get("id")
    if type_name not in _ENTITIES or not isinstance(handle, str):
        raise GraphQLError(_NOT_A_REPRESENTATION)
    parsed = Representation(handle)
    parsed.type_name = type_name
    return parsed


SCALARS: Final[dict[object, ScalarDefinition]] = {
    CardNo: strawberry.scalar(
        name="CardNumber",
        description="The number of a prepaid card: a string of 16 ASCII digits (Konaplate: `cardNo`).",
        serialize=_serialize_card_number,
        parse_value=_parse_card_number,
        parse_literal=_parse_card_number_literal,
    ),
    Won: strawberry.scalar(
        name="Won",
        description=(
            "An amount of whole Korean won: a JSON number up to 2^53 - 1, because an amount can exceed `Int`."
        ),
        serialize=_whole_won,
        parse_value=_whole_won,
    ),
    Representation: strawberry.scalar(
        name="_Any",
        description="The `__typename` and the key of an object.",
        parse_value=_parse_representation,
    ),
    dt.date: strawberry.scalar(
        name="Date",
        description="A day, as `yyyy-MM-dd`.",
        serialize=_serialize_date,
        parse_value=_parse_date,
        parse_literal=_parse_date_literal,
    ),
    dt.datetime: strawberry.scalar(
        name="DateTime",
        description="A time by RFC 3339, such as `2026-11-26T09:30:00+09:00`.",
        serialize=_serialize_date_time,
        parse_value=_parse_date_time,
    ),
    # Clients see these secrets as ordinary scalars.
    PersonalText: DEFAULT_SCALAR_REGISTRY[str],
    IdentityNo: DEFAULT_SCALAR_REGISTRY[str],
    MemberId: DEFAULT_SCALAR_REGISTRY[strawberry.ID],
}
