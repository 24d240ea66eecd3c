"""A short soak: the processes, the mixed load and the judge of `make soak`."""

from __future__ import annotations

from tests.soak.judge import FEWEST_SAMPLES
from tests.soak.run import soak

SECONDS, PER_SECOND, REQUESTS = 6.4, 50, 320


async def test_a_gateway_stays_as_it_was_under_a_short_mixed_load() -> None:
    said: list[str] = []
    result = await soak(SECONDS, PER_SECOND, say=said.append)
    assert result.problems == {}
    assert [verdict for verdict in result.verdicts if not verdict.flat] == []
    assert result.passed
    # The load contains answers, all kinds of refusals, and clients that disconnect.
    assert {"200", "400", "401", "406", "413", "415", "left"} <= result.outcomes.keys()
    assert result.sent == sum(result.outcomes.values())
    assert result.sent + result.skipped == REQUESTS
    assert FEWEST_SAMPLES <= len(result.samples) == len(said)
    assert all(sample.megabytes > 20 and sample.descriptors > 5 and sample.tasks >= 1 for sample in result.samples)
