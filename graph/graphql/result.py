"""What the execution of an operation gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLError


class Result(NamedTuple):
    """What an executed operation gave: data, and the errors of the fields that failed."""

    data: dict[str, Any] | None
    errors: Sequence[GraphQLError]
