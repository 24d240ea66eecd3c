"""`@semanticNonNull`, which tells client code generators what the type system cannot."""

from __future__ import annotations

import re
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

    # A tuple, because Strawberry ignores default factories here and a list would be shared.
    levels: list[int] = strawberry.field(default=cast("list[int]", (0,)))


SEMANTIC_NON_NULL: Final = (SemanticNonNull(),)
"""For each leaf that Konaplate requires: one unreadable field must not null the whole card."""


# A default for errors has to be chosen with it: https://www.apollographql.com/docs/kotlin/advanced/nullability
_LINKED: Final = """\
extend schema
  @link(
    url: "https://specs.apollo.dev/nullability/v0.4"
    import: ["@semanticNonNull", "@semanticNonNullField", "@catch", "CatchTo", "@catchByDefault"]
  )
  @catchByDefault(to: THROW)

"""
_DEFINITION: Final = re.compile(r'"""[^"]*"""\ndirective @semanticNonNull\b[^\n]*\n\n')


def for_apollo_kotlin(sdl: str) -> str:
    """Link the directive to its specification instead of defining it, as Apollo Kotlin's compiler wants it."""
    return _LINKED + _DEFINITION.sub("", sdl)


def without_defaults(sdl: str) -> str:
    """Drop the directive's default argument, which Strawberry prints at each use."""
    return sdl.replace("@semanticNonNull(levels: [0])", "@semanticNonNull")
