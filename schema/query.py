"""The query type, and the schema."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import strawberry
from graphql import is_input_object_type
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter

from schema.card import Card
from schema.card_lookup import CardLookupInput, CardLookupResult, type_of_error
from schema.directives import SEMANTIC_NON_NULL, without_defaults
from schema.error_catalog import ErrorCatalogEntry
from schema.errors import ErrorCode
from schema.fields import Argument, ById, Edge, by_id, edge, outcome, part
from schema.member import Member
from schema.node import Node
from schema.scalars import SCALARS
from schema.secrets import CardNo, MemberId
from schema.terms import ACTION_TYPE, LOCALE, Terms
from schema.viewer import Viewer

if TYPE_CHECKING:
    from graphql import GraphQLSchema


@strawberry.type(description="The entry points.")
class Query:
    """Root fields are nullable, so that a look-up that fails leaves the others intact."""

    card: Card | None = edge(
        "card_info",
        key=Argument("card_no", CardNo, description="The card number, 16 digits (Konaplate: `cardNo`)."),
        description="One card by its number; null with an error if it cannot be read.",
    )
    cards: list[Card | None] = edge(
        "card_info",
        key=Argument(
            "card_nos",
            list[CardNo],
            description="The card numbers, 16 digits each; duplicates are looked up once.",
        ),
        description=(
            "Cards by their numbers, in the order given; a card that fails is null with an error of its own."
        ),
    )
    card_lookup: CardLookupResult = outcome(
        by=Argument("by", CardLookupInput, description="The card's number or id."),
        ways={
            "card_no": Edge("card_info", key=Argument("card_no", CardNo, description="Its number.")),
            "id": ById(Argument("id", strawberry.ID, description="Its id.")),
        },
        found="Card",
        failed_as=type_of_error,
        description=(
            "One card by its number, like `card`, or by its id, like `node`; if it cannot be read, the error is "
            "data."
        ),
    )
    viewer: Viewer = part(description="The caller. Costs no upstream call.")
    member: Member | None = edge(
        "member",
        key=Argument("user_id", MemberId, description="The member's id (Konaplate: `userId`)."),
        description=(
            "A member by id: the caller, or with the scope `members:read:any` any member. Costs no upstream call, "
            "so it is not null even if there is no such member."
        ),
    )
    node: Node | None = by_id(
        Argument("id", strawberry.ID, description="An `id` that this caller has been given."),
        description=(
            "The object that an id stands for; null with an error if there is none, or the caller may not see it."
        ),
    )
    nodes: list[Node | None] = by_id(
        Argument("ids", list[strawberry.ID], description="Values of `id` that this caller has been given."),
        description="The objects that ids stand for, in the order given, each looked up as by `node`.",
    )
    terms: list[Terms] | None = edge(
        "terms",
        key=(LOCALE, ACTION_TYPE),
        of="in_order",
        description=(
            "The terms of the service, sorted by `order` (Konaplate: Terms List). Costs one upstream call."
        ),
        directives=SEMANTIC_NON_NULL,
    )
    error_catalog: list[ErrorCatalogEntry] = edge(
        "error_catalog",
        key=(),
        of="entries",
        size=len(ErrorCode),
        description="Every error code, with what it means and what to do about it. Costs no upstream call.",
    )


def build_schema(query: type = Query) -> GraphQLSchema:
    """Build the graphql-core schema. Its fields have no resolvers yet: `graph` binds them to their sources."""
    # Strawberry has no public name for the graphql-core schema that it wraps.
    schema = _strawberry_schema(query)._schema  # noqa: SLF001
    for kind in schema.type_map.values():
        if is_input_object_type(kind) and kind.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].is_one_of:
            # So that graphql-core checks it, already in validation. Strawberry would do so when values are read.
            kind.is_one_of = True
            vars(kind)["out_type"] = dict
    # Introspection lists types in the order of the printed schema.
    schema.type_map = dict(sorted(schema.type_map.items()))
    return schema


@functools.cache
def print_schema(query: type = Query) -> str:
    """Print the schema as SDL, ending in a line break."""
    sdl = without_defaults(_strawberry_schema(query).as_str())
    # It belongs to the language, which Strawberry does not know yet.
    return sdl.replace("directive @oneOf on INPUT_OBJECT\n\n", "") + "\n"


def _strawberry_schema(query: type) -> strawberry.Schema:
    return strawberry.Schema(query=query, config=StrawberryConfig(scalar_map=SCALARS))
