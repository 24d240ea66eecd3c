"""What the tests of running commands ask for."""

from __future__ import annotations

from typing import Any

from graph.sandbox.faults import FAULTS, SLOW, Altered

(SLOW_CARD,) = (
    f.number for f in FAULTS.values() if isinstance(f.behaviour, Altered) and f.behaviour.delay == SLOW
)
BALANCE = "query ($cardNo: CardNumber!) { card(cardNo: $cardNo) { balance } }"
# At most the shutdown time of the tests, or the gateway would warn.
QUIET = {"KONAGRAPH_REQUEST_TIMEOUT": "2", "KONAPLATE_TIMEOUT": "2"}


def request(query: str, card: str) -> dict[str, Any]:
    """The body of a request for a card."""
    return {"query": query, "variables": {"cardNo": card}}
