"""Objects that can be asked for again by an id."""

from __future__ import annotations

import strawberry


@strawberry.interface(description="An object that `node` and `nodes` find by its id.")
class Node:
    """Relay's global object identification."""

    id: strawberry.ID = strawberry.field(
        description=(
            "An opaque id, always the same for one viewer and object. It is useless to others, and reveals "
            "nothing about the object."
        )
    )
