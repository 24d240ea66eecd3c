"""`_service`: the subgraph that this gateway is for a router of Apollo Federation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from graph.graphql.cost import SCHEMA_COST
from graph.graphql.error_catalog import NoKey
from graph.konaplate.record import Record, Text
from graph.konaplate.view import Found, View
from schema.federation import subgraph_sdl

if TYPE_CHECKING:
    from graph.konaplate.view import LookUps


class Subgraph(Record):
    """The only record of its view."""

    sdl: Annotated[str, Text(1_000_000)]


def subgraph_view() -> View[NoKey, Subgraph]:
    """Return the view of the subgraph's schema, which calls nothing."""

    async def look_up(_key: NoKey, _look_ups: LookUps) -> Found:
        return Found(Subgraph(sdl=subgraph_sdl()), NoKey())

    return View(name="subgraph", key=NoKey, record=Subgraph, look_up=look_up, cost=SCHEMA_COST)
