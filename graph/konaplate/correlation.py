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


class Echoes:
    """Looks at the correlation ids of answers.

    Args:
        ids: those of this process.
        rule: see `EchoRule`.
    """

    def __init__(self, ids: CorrelationIds, rule: EchoRule) -> None:
        self._ids = ids
        self._rule = rule
        # No more than there are APIs.
        self._repeating: set[str] = set()

    def read(self, echoed: str | None, correlation_id: str) -> Echo:
        """What an answer to the call of an id says."""
        if echoed == correlation_id:
            return "same"
        if not echoed:
            return "missing"
        # A field that came twice is one value with commas here. Hexadecimal digits are the same in either case.
        others = {value.strip(" \t").lower() for value in echoed.split(",")} - {correlation_id, ""}
        if not others:
            return "same"
        if any(map(self._ids.made, others)):
            return "another call's"
        return "another process's" if any(map(is_correlation_id, others)) else "different"

    def note(self, echo: Echo, api: str) -> None:
        """Learn from an answer of an API."""
        if echo == "same":
            self._repeating.add(api)

    def refuses(self, echo: Echo, api: str) -> bool:
        """Whether an answer of an API is to another call, which also puts its connection out of step."""
        if echo == "another process's":
            return self._rule is EchoRule.REQUIRE or (self._rule is EchoRule.LEARN and api in self._repeating)
        return echo == "another call's"
