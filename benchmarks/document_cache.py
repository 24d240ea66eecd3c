"""Shows that the document cache hits, and what a hit is worth.

`python -m benchmarks.document_cache REQUESTS` prints JSON.
"""

from __future__ import annotations

import gc
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks.inprocess import ask, gateway, print_result
from benchmarks.processes import BenchmarkError
from benchmarks.scenarios import TWO_CALLS, Scenario
from graph.graphql.documents import Documents

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Cached:
    """The counters of the app's cache after a number of requests."""

    requests: int
    hits: int
    misses: int
    cpu_us_per_request: float


async def measure(requests: int) -> dict[str, dict[str, float]]:
    """One document text for all requests, and a new text in each; every request asks for another card."""
    return {
        "one text": asdict(await _run(requests, lambda _number: TWO_CALLS.query)),
        "a new text each": asdict(
            await _run(requests, lambda number: TWO_CALLS.query.replace("query (", f"query Q{number} (", 1))
        ),
    }


async def _run(requests: int, text: Callable[[int], str]) -> Cached:
    others = _caches()
    async with gateway() as app:
        # The app keeps its cache to itself, so it is found as the one that is new.
        (documents,) = (cache for cache in _caches() if not any(cache is other for other in others))
        before = time.process_time()
        for number in range(requests):
            card_no = str(9_000_000_000_000_000 + number)
            scenario = Scenario("", text(number), upstream_calls=2, with_profile=True)
            answer = await ask(app, scenario.body(card_no))
            if card_no.encode() not in answer or b'"errors"' in answer:
                raise BenchmarkError("the gateway gives a wrong answer")
        spent = time.process_time() - before
        return Cached(requests, documents.hits, documents.misses, round(spent / requests * 1e6, 1))


def _caches() -> list[Documents]:
    """Every cache of documents in this process."""
    return [item for item in gc.get_objects() if isinstance(item, Documents)]


if __name__ == "__main__":
    print_result(measure(int(sys.argv[1])))
