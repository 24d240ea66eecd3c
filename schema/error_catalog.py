"""The error catalogue, from which apps can build their own messages and rules."""

from __future__ import annotations

import strawberry

from schema.errors import ErrorCode


@strawberry.type(description="What an error code means, and what to do about it.")
class ErrorCatalogEntry:
    """One code."""

    code: ErrorCode = strawberry.field(description="The code.")
    retryable: bool | None = strawberry.field(
        description=(
            "Whether the same request may succeed later; null if that depends on the cause: then see "
            "`extensions.retryable` of the error itself."
        )
    )
    http_status: int | None = strawberry.field(
        description=(
            "The HTTP status if the whole request is refused, for clients that accept "
            "`application/graphql-response+json`; null for errors of single fields, which come with 200."
        )
    )
    meaning: str = strawberry.field(description="What it means, for developers, in English.")
    meaning_ko: str = strawberry.field(description="What it means, for developers, in Korean.")
    advice: str = strawberry.field(description="What an app can tell the person who uses it, in English.")
    advice_ko: str = strawberry.field(description="What an app can tell the person who uses it, in Korean.")
    upstream_codes: list[str] = strawberry.field(
        description=(
            "Konaplate's codes that lead to it; `010_*` stands for all with that prefix. A code with another "
            "meaning at one API is listed under both. Most error codes have other causes as well."
        )
    )
