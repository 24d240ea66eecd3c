"""A card product."""

from __future__ import annotations

import strawberry

from schema.directives import SEMANTIC_NON_NULL
from schema.fields import edge


@strawberry.type(description="A card product.")
class CardProduct:
    """A product's id and name."""

    service_id: str | None = strawberry.field(
        description="Its id (Konaplate: `serviceId`).", directives=SEMANTIC_NON_NULL
    )
    service_name: str | None = edge(
        "service_info",
        key="service_id",
        of="service_name",
        unless="service_name",
        description=(
            "Its name (Konaplate: `serviceName`). If it did not come with the card, one upstream call brings the "
            "names of all products of the request (Konaplate: Card Product ID Inquiry); null for a product that "
            "does not exist."
        ),
    )
