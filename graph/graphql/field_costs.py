"""The costs of declared fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import get_nullable_type, is_list_type

from graph.graphql.binding_checks import is_list
from graph.graphql.cost import FieldCost
from schema.fields import Argument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from graphql import GraphQLField

    from graph.graphql.handles import Opening
    from graph.graphql.origins import Attribute
    from graph.konaplate.view import LookedUp
    from schema.fields import Edge, Part


def part_cost(spec: Part, field: GraphQLField) -> FieldCost:
    """Return the cost of an object, or a list of objects, that came with the record."""
    if is_list(field) and spec.size is None:
        return FieldCost(listed=True, item=1)
    return FieldCost(each=1, size=1 if spec.size is None else spec.size)


def handle_cost(openings: Iterable[Opening], field: GraphQLField, argument: str) -> FieldCost:
    """Return the cost of what a handle, or each of a list of handles, may lead to."""
    call = max((opening.source.cost for opening in openings), default=0)
    return FieldCost(each=call, items=argument) if is_list(field.args[argument]) else FieldCost(once=call)


def edge_cost(
    spec: Edge, source: LookedUp, field: GraphQLField, arguments: Mapping[str, str], of: Attribute | None
) -> FieldCost:
    """Return the cost of an edge.

    Args:
        spec: its declaration.
        source: the endpoint or view that it leads to.
        field: of the schema.
        arguments: the names of the field's arguments in the schema, by those in Python.
        of: the attribute of the answer that it shows; None for all of it.
    """
    if isinstance(spec.size, str):
        return FieldCost(once=source.cost, amount=arguments[spec.size])
    kind: Any = get_nullable_type(field.type)
    nested = is_list(field) and is_list_type(get_nullable_type(kind.of_type))
    for part in spec.keys:
        if isinstance(part, Argument) and is_list(field.args[arguments[part.name]]):
            return FieldCost(each=source.cost, items=arguments[part.name], listed=nested)
    if not is_list(field):
        return FieldCost(once=source.cost, size=spec.size or 1)
    if nested or of is None or not of.is_list:
        return FieldCost(each=source.cost, size=spec.size, listed=nested)
    # A list within an answer takes one call; a list of keys takes one call for each.
    if spec.size is None:
        return FieldCost(once=source.cost, listed=True)
    return FieldCost(once=source.cost, size=spec.size)
