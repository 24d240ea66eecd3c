"""What the sandbox has to show, for the explorer: its members, its cards and its reserved numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS, MEMBERS, card_number
from graph.sandbox.wallets import WALLETS

# All numbers of the sandbox begin with it.
NUMBER_PREFIX = card_number(0)[:8]


def showcase() -> dict[str, Any]:
    """The members, cards and reserved numbers with what each demonstrates, as JSON values."""
    held = Counter(card.user_id for card in WALLETS)
    return {
        "numberPrefix": NUMBER_PREFIX,
        "members": [
            {"userId": str(user_id), "shows": f"{held[user_id]} card{'' if held[user_id] == 1 else 's'}"}
            for user_id in MEMBERS
        ],
        "cards": [{"cardNo": card.number, "shows": card.description} for card in CARDS.values()],
        "failures": [
            {"cardNo": fault.number, "shows": fault.description, "code": fault.code} for fault in FAULTS.values()
        ],
    }
