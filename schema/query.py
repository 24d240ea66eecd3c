"""The root of the schema, and the schema itself."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from schema.context import Withheld
from schema.directives import without_defaults
from schema.scalars import SCALARS
from schema.secrets import CardNo, IdentityNo, PersonalText, Secret
from schema.types import Card, Info

if TYPE_CHECKING:
    from graphql import GraphQLField, GraphQLSchema

    from schema.context import Disclosure

CardNumberArgument = Annotated[
    CardNo, strawberry.argument(description="The card number, 16 digits (Konaplate: `cardNo`).")
]
CardNumbersArgument = Annotated[
    list[CardNo],
    strawberry.argument(description="The card numbers, 16 digits each; duplicates are looked up once."),
]


@strawberry.type(description="What can be asked.")
class Query:
    """Root look-ups are nullable, so that one that fails leaves the others intact."""

    @strawberry.field(description="One card by its number; null with an error when it cannot be had.")
    async def card(self, info: Info, card_no: CardNumberArgument) -> Card | None:
        """Look one card up."""
        return await info.context.card(card_no)

    @strawberry.field(
        description="Cards by their numbers, in the order asked; one that fails is null with an error of its own."
    )
    async def cards(self, info: Info, card_nos: CardNumbersArgument) -> list[Card | None]:
        """Look several cards up."""
        # graphql-core reports an exception in a list as the error of its place.
        return cast("list[Card | None]", list(await info.context.cards(card_nos)))


class _Personal(Protocol):
    """What every type with personal data has."""

    disclosure: Disclosure


def opened(source: object, name: str, value: Any) -> Any:
    """Open a secret on its way into the answer: the one place where an answer's clear text leaves its type.

    Personal data is noted as read here, so that what a query selects but skips is not.

    Args:
        source: the object that shows it.
        name: the object's attribute.
        value: the attribute's value; one that is no secret passes as it is.
    """
    if isinstance(value, Secret):
        if isinstance(value, PersonalText | IdentityNo):
            refusal = cast("_Personal", source).disclosure.note(_shown_name(name))
            if refusal is not None:
                return refusal
        return value.reveal()
    if isinstance(value, Withheld):
        return cast("_Personal", source).disclosure.refuse(_shown_name(name))
    return value


# One entry for each field of the schema at most.
_shown_name = functools.cache(to_camel_case)


def _field_value(source: object, name: str) -> Any:
    return opened(source, name, getattr(source, name))


def attribute_of(field: GraphQLField) -> str | None:
    """The attribute of the source that a field shows; None for a field that has a resolver of its own."""
    # Strawberry's own mark and its own field, behind the one that it made for graphql-core.
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(definition, StrawberryField) or not getattr(field.resolve, "_is_default", False):
        return None
    return definition.python_name


@functools.cache
def _strawberry_schema() -> strawberry.Schema:
    return strawberry.Schema(
        query=Query,
        config=StrawberryConfig(scalar_map=SCALARS, default_resolver=_field_value),
    )


def build_schema() -> GraphQLSchema:
    """Build the executable schema. Its resolvers expect a `schema.context.Context` as the context value."""
    # Strawberry has no public name for the graphql-core schema that it wraps.
    return _strawberry_schema()._schema  # noqa: SLF001


def export_schema() -> str:
    """Print the schema in the schema definition language, ending in a line break."""
    return without_defaults(_strawberry_schema().as_str()) + "\n"
