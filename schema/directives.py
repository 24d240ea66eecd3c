"""The schema directive that tells client code generators what the type system cannot."""

from __future__ import annotations

from typing import Final

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

    levels: list[int] = strawberry.field(default_factory=lambda: [0])


SEMANTIC_NON_NULL: Final = (SemanticNonNull(),)
"""What a leaf carries that Konaplate requires: one bad field must not null the whole card."""

_PRINTED_BY_STRAWBERRY: Final = "directive @semanticNonNull(levels: [Int!]!) on FIELD_DEFINITION"
_WITH_DEFAULT: Final = "directive @semanticNonNull(levels: [Int!]! = [0]) on FIELD_DEFINITION"


def mend_directive_definition(sdl: str) -> str:
    """Give the printed directive definition its default value, which Strawberry leaves out.

    Raises:
        ValueError: when the definition is not there as it was known, so that an update of Strawberry is noticed.
    """
    if sdl.count(_PRINTED_BY_STRAWBERRY) != 1:
        raise ValueError("Strawberry prints @semanticNonNull in another way than this mend expects")
    mended = sdl.replace(_PRINTED_BY_STRAWBERRY, _WITH_DEFAULT)
    return mended.replace("@semanticNonNull(levels: [0])", "@semanticNonNull")
