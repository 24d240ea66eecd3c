"""The schema directive that tells client code generators what the type system cannot."""

from __future__ import annotations

from typing import Final, cast

import strawberry
from strawberry.schema_directive import Location


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="semanticNonNull",
    description=(
        "The field is null only if there is an error at its path. `levels` are the list levels that this "
        "holds for; 0 is the field itself."
    ),
)
class SemanticNonNull:
    """`@semanticNonNull(levels: [Int!]! = [0])`, see https://specs.apollo.dev/nullability/v0.4/."""

    # Strawberry tells graphql-core of a default, and not of a factory of one; a list would be shared.
    levels: list[int] = strawberry.field(default=cast("list[int]", (0,)))


SEMANTIC_NON_NULL: Final = (SemanticNonNull(),)
"""What a leaf carries that Konaplate requires: one bad field must not null the whole card."""


def without_defaults(sdl: str) -> str:
    """Leave out of a printed schema what the directive's definition says already, and Strawberry repeats."""
    return sdl.replace("@semanticNonNull(levels: [0])", "@semanticNonNull")
