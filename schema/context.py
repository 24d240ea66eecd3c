"""The port that the resolvers need: what a request can ask of the machine behind the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schema.secrets import CardNo, MemberId
    from schema.types import Card, MemberProfile


class Disclosure(Protocol):
    """Where it is noted that personal data was given out in clear."""

    def note(self, name: str) -> Exception | None:
        """Remember that a field was read; or return what the client shall see as its error, and nothing of it."""
        ...

    def refuse(self, name: str) -> Exception:
        """Remember that a field was asked for in vain; return what the client shall see as its error."""
        ...


class Withheld:
    """Stands for personal data that the viewer may not read; asking for it is a refusal, having it is none."""


class Context(Protocol):
    """One request's way to cards and members. Equal look-ups within a request are made once."""

    async def card(self, card_no: CardNo) -> Card:
        """Look one card up; raise what the client shall see as the field's error."""
        ...

    async def cards(self, card_nos: Sequence[CardNo]) -> Sequence[Card | Exception]:
        """Look cards up in the order asked; a card that fails is its exception."""
        ...

    async def member_profile(self, user_id: MemberId, card_no: CardNo) -> MemberProfile:
        """Look up the member that a card led to; raise what the client shall see as the field's error."""
        ...
