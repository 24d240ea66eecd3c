"""What answers say to our correlation ids, and which of them may be used. No I/O.

That Konaplate repeats the id of a call in its answer is inferred, not documented. So it is learned of each API:
once an answer has repeated one of our ids, an answer with somebody else's is about somebody else's card.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from graph.konaplate.protocol import is_correlation_id

if TYPE_CHECKING:
    from graph.konaplate.protocol import CorrelationIds

Echo = Literal["same", "missing", "different", "another process's", "another call's"]
"""The answer's id: ours, none, no id at all, one that this process has not made, or another one of ours."""


class EchoRule(StrEnum):
    """When the id of another process makes an answer unusable. One of this process's other calls always does."""

    LEARN = "learn"
    """Once the API has repeated one of our ids."""
    REQUIRE = "require"
    """From the first call on."""
    IGNORE = "ignore"
    """Never."""


class CorrelationCheck:
    """Compares the correlation ids of answers with those of their calls.

    Args:
        ids: those of this process.
        rule: see `EchoRule`.
    """

    def __init__(self, ids: CorrelationIds, rule: EchoRule) -> None:
        self._ids = ids
        self._rule = rule
        # No more than there are APIs.
        self._repeating: set[str] = set()

    def compare(self, echoed: str | None, correlation_id: str) -> Echo:
        """What an answer to the call of an id says."""
        if echoed == correlation_id:
            return "same"
        if not echoed:
            return "missing"
        # A header that came twice is one value with commas. Hexadecimal digits are the same in either case.
        others = {value.strip(" \t").lower() for value in echoed.split(",")} - {correlation_id, ""}
        if not others:
            return "same"
        if any(map(self._ids.made, others)):
            return "another call's"
        return "another process's" if any(map(is_correlation_id, others)) else "different"

    def accepts(self, echo: Echo | None, api: str) -> bool:
        """Whether an answer of an API may be to this call; learn from it.

        One that is to another call puts its connection out of step, too.
        """
        if echo == "same":
            self._repeating.add(api)
        if echo == "another process's":
            return self._rule is EchoRule.IGNORE or (self._rule is EchoRule.LEARN and api not in self._repeating)
        return echo != "another call's"
