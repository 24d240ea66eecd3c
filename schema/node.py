"""Objects that can be asked for again by an id."""

from __future__ import annotations

import strawberry


@strawberry.interface(description="An object that `node` and `nodes` find by its id.")
class Node:
    """Relay's global object identification."""

    id: strawberry.ID = strawberry.field(
        description=(
            "An opaque id, the same for the same viewer each time. It is of no use to anybody else, and shows "
            "nothing of what it stands for."
        )
    )
