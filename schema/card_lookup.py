"""One card, or the error as an object."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import strawberry

from schema.card import Card
from schema.errors import ErrorCode
from schema.secrets import CardNo

_NOT_FOUND: Final = (ErrorCode.CARD_NOT_FOUND, ErrorCode.NODE_NOT_FOUND)


@strawberry.input(one_of=True, description="How to find a card: by exactly one of these.")
class CardLookupInput:
    """What `card` and `node` take."""

    card_no: CardNo | None = strawberry.field(
        default=strawberry.UNSET, description="The card number, 16 digits (Konaplate: `cardNo`)."
    )
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="A card's `id` that this caller has been given."
    )


@strawberry.interface(description="Why there is no card. Errors of fields below a card are in `errors`.")
class CardError:
    """What is also in an entry of `errors`."""

    code: ErrorCode = strawberry.field(description="What went wrong, as in `extensions.code`.")
    message: str = strawberry.field(description="The same, in English, for developers.")
    retryable: bool = strawberry.field(description="Whether the same request may succeed later.")


@strawberry.type(description="There is no such card, or the caller may not see it.")
class CardNotFoundError(CardError):
    """`CARD_NOT_FOUND`, or `NODE_NOT_FOUND` for an id."""


@strawberry.type(description="The card cannot be read now; the same request may succeed later.")
class CardUnavailableError(CardError):
    """An error of another kind that is retryable."""

    retry_after_ms: int | None = strawberry.field(
        description="Milliseconds until the same request may pass; null if unknown."
    )


@strawberry.type(description="The card cannot be read, and trying again will not help.")
class CardUnreadableError(CardError):
    """Any other error."""


CardLookupResult: TypeAlias = Annotated[
    Card | CardNotFoundError | CardUnavailableError | CardUnreadableError,
    strawberry.union("CardLookupResult", description="A card, or why there is none."),
]


def type_of_error(code: ErrorCode, *, retryable: bool) -> str:
    """Return the name of the type that an error is shown as."""
    if code in _NOT_FOUND:
        return CardNotFoundError.__name__
    return (CardUnavailableError if retryable else CardUnreadableError).__name__
