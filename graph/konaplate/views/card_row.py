"""A card's row in its member's list, which has what the Card-User Mapped Inquiry does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from graph.konaplate.endpoints.card_list import CARD_LIST, CardRow
from graph.konaplate.view import Found, View
from schema.secrets import CardNo, MemberId, Par  # noqa: TC001 - the annotations of a key are read at run time

if TYPE_CHECKING:
    from graph.konaplate.view import LookUps


class CardKey(NamedTuple):
    """A card of a member, by its number."""

    user_id: MemberId
    card_no: CardNo


class ParKey(NamedTuple):
    """A card of a member, by its `par`: for a row without any number."""

    user_id: MemberId
    par: Par


async def _look_up(key: CardKey | ParKey, look_ups: LookUps) -> Found | None:
    user_id, sought = key
    cards = await look_ups.load(CARD_LIST, user_id)
    row = cards.row_of(sought)
    return None if row is None else Found(row, user_id)


CARD_ROW: Final = View(
    name="card_row", key=CardKey, record=CardRow, look_up=_look_up, keyed_as=CARD_LIST, cost=CARD_LIST.cost
)
CARD_BY_PAR: Final = View(
    name="card_by_par",
    key=ParKey,
    record=CardRow,
    look_up=_look_up,
    keyed_as=CARD_LIST,
    cost=CARD_LIST.cost,
    handle=3,
)
