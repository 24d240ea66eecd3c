"""The root of the schema, and the schema itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.card import Card
from schema.directives import without_defaults
from schema.fields import argument, edge
from schema.scalars import SCALARS
from schema.secrets import CardNo

if TYPE_CHECKING:
    from graphql import GraphQLSchema


@strawberry.type(description="What can be asked.")
class Query:
    """Root look-ups are nullable, so that one that fails leaves the others intact."""

    card: Card | None = edge(
        "card_info",
        key=argument("card_no", CardNo, description="The card number, 16 digits (Konaplate: `cardNo`)."),
        description="One card by its number; null with an error when it cannot be had.",
    )
    cards: list[Card | None] = edge(
        "card_info",
        key=argument(
            "card_nos",
            list[CardNo],
            description="The card numbers, 16 digits each; duplicates are looked up once.",
        ),
        description=(
            "Cards by their numbers, in the order asked; one that fails is null with an error of its own."
        ),
    )


def build_schema(query: type = Query) -> GraphQLSchema:
    """Build the schema for graphql-core. Its fields have no resolvers: `graph` binds them to their sources.

    Args:
        query: the type of the root.
    """
    # Strawberry has no public name for the graphql-core schema that it wraps.
    return _strawberry_schema(query)._schema  # noqa: SLF001


def export_schema() -> str:
    """Print the schema in the schema definition language, ending in a line break."""
    return without_defaults(_strawberry_schema(Query).as_str()) + "\n"


def _strawberry_schema(query: type) -> strawberry.Schema:
    return strawberry.Schema(query=query, config=StrawberryConfig(scalar_map=SCALARS))
