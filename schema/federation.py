"""The schema as a subgraph of Apollo Federation: what a router asks for by id.

Source: https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec
"""

from __future__ import annotations

import functools
from typing import Annotated, Final

import strawberry

from schema.card import Card
from schema.fields import Argument, by_id, edge, field
from schema.member import Member
from schema.query import Query, print_schema
from schema.scalars import Representation

Entity = Annotated[
    Card | Member, strawberry.union("_Entity", description="What other subgraphs may extend, by its id.")
]

_LINK: Final = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])\n\n'
# Composition libraries do not know the directive yet; the router drops it, and this gateway checks it.
_ONE_OF: Final = "directive @oneOf on INPUT_OBJECT\n\n"
_ENTITIES: Final = ("type Card implements Node", "type Member implements Node")


@strawberry.type(name="_Service", description="This subgraph, for composition.")
class Service:
    """What a router is told about the subgraph."""

    sdl: str = field(of="sdl", description="The subgraph's schema.")


@strawberry.type(name="Query", description="The entry points, and those of a router.")
class FederatedQuery(Query):
    """The root of a subgraph."""

    entities: list[Entity | None] = by_id(
        Argument(
            "representations",
            list[Representation],
            description="Objects with the `__typename` and the `id` of a card or a member.",
        ),
        name="_entities",
        description="The objects that ids stand for, in the order given, each looked up as by `node`.",
    )
    service: Service = edge(
        "subgraph", name="_service", key=(), description="This subgraph. For callers who may query the schema."
    )


def root_of(*, federation: bool) -> type:
    """Return the type of the root."""
    return FederatedQuery if federation else Query


@functools.cache
def subgraph_sdl() -> str:
    """Print the schema for composition, ending in a line break."""
    sdl = print_schema(Query)
    for entity in _ENTITIES:
        sdl = sdl.replace(f"{entity} {{", f'{entity} @key(fields: "id") {{')
    return _LINK + _ONE_OF + sdl
