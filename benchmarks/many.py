"""Questions about many cards at once: by aliases, and in a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from benchmarks.scenarios import WHOLE_CARD, card

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY: Final = 20
_ALL_THERE: Final = f'"a{MANY - 1}":{{"cardNo":'


@dataclass(frozen=True, slots=True)
class Aliases:
    """Twenty `card` fields under aliases; the last ones ask for the first ones' cards again."""

    name: str
    cards: int
    inline: bool
    """Card numbers stand in the query itself, so that no two requests have the same text."""

    @property
    def upstream_calls(self) -> int:
        """One for each distinct card."""
        return self.cards

    @property
    def expected(self) -> str:
        """The beginning of the last alias."""
        return _ALL_THERE

    def body(self, *card_nos: str) -> bytes:
        """The same selection under each alias, written out."""
        asked = _repeated(card_nos)
        if self.inline:
            fields = (f'a{at}: card(cardNo: "{card_no}") {{ {WHOLE_CARD} }}' for at, card_no in enumerate(asked))
            return orjson.dumps({"query": f"{{ {' '.join(fields)} }}"})
        variables = ", ".join(f"$c{at}: CardNumber!" for at in range(MANY))
        fields = (f"a{at}: card(cardNo: $c{at}) {{ {WHOLE_CARD} }}" for at in range(MANY))
        return orjson.dumps(
            {
                "query": f"query ({variables}) {{ {' '.join(fields)} }}",
                "variables": {f"c{at}": card_no for at, card_no in enumerate(asked)},
            }
        )

    def answer(self, *card_nos: str) -> dict[str, Any]:
        """Twenty cards."""
        return {"data": {f"a{at}": card(card_no) for at, card_no in enumerate(_repeated(card_nos))}}


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of twenty card numbers, of which some are distinct."""

    cards: int

    @property
    def name(self) -> str:
        """Of its own for each number of distinct cards."""
        return f"list of {MANY}, {self.cards} distinct"

    @property
    def upstream_calls(self) -> int:
        """One for each distinct card."""
        return self.cards

    @property
    def expected(self) -> str:
        """A field of the upstream's answer."""
        return '"balance":'

    def body(self, *card_nos: str) -> bytes:
        """The numbers are one variable."""
        query = f"query ($cardNos: [CardNumber!]!) {{ cards(cardNos: $cardNos) {{ {WHOLE_CARD} }} }}"
        return orjson.dumps({"query": query, "variables": {"cardNos": _repeated(card_nos)}})

    def answer(self, *card_nos: str) -> dict[str, Any]:
        """Twenty cards, in order."""
        return {"data": {"cards": [card(card_no) for card_no in _repeated(card_nos)]}}


def _repeated(card_nos: Sequence[str]) -> list[str]:
    """Twenty numbers, each of the given ones equally often or once more."""
    return [card_nos[at % len(card_nos)] for at in range(MANY)]


BY_VARIABLES: Final = Aliases("20 aliases of 15 cards, variables", 15, inline=False)
INLINE: Final = Aliases("20 aliases of 15 cards, inline", 15, inline=True)
LISTS: Final = tuple(Listed(distinct) for distinct in (1, 5, 10, MANY))
