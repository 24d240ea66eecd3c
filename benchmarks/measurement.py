"""The figures of one target under one load, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from benchmarks.processes import BenchmarkError

if TYPE_CHECKING:
    from benchmarks.load import Load
    from benchmarks.scenarios import Question


@dataclass(frozen=True, slots=True)
class Figures:
    """One target in one case of one round."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_request: float
    """CPU time of the server's processes alone."""
    server_share: float
    """How much of a core the server used; well below 1 means that something else held it back."""
    upstream_share: float
    generator_share: float
    upstream_calls_per_second: float
    upstream_calls_per_request: float
    """Of all requests that were begun; the ones without an answer at the end have made their calls, too."""
    resident_mb: float

    @classmethod
    def of(
        cls, seen: Load, own: float, upstream: float, *, calls: int, connections: int, resident_mb: float
    ) -> Self:
        """From what wrk saw, CPU seconds of server and upstream, the upstream's count, and the server's memory."""
        return cls(
            requests_per_second=round(seen.per_second, 1),
            p50_ms=round(seen.p50_ms, 2),
            p99_ms=round(seen.p99_ms, 2),
            cpu_us_per_request=round(own / seen.requests * 1e6, 1),
            server_share=round(own / seen.seconds, 3),
            upstream_share=round(upstream / seen.seconds, 3),
            generator_share=round(seen.generator_cpu_seconds / seen.seconds, 3),
            upstream_calls_per_second=round(calls / seen.seconds, 1),
            upstream_calls_per_request=round(calls / (seen.requests + connections), 3),
            resident_mb=round(resident_mb, 1),
        )


def check_calls(name: str, question: Question, *, requests: int, calls: int) -> None:
    """Compare the upstream's count with what the requests need. More is no fault: some were still under way.

    Raises:
        BenchmarkError: when there were fewer, as of a server that remembers or shares answers.
    """
    if calls < requests * question.upstream_calls:
        raise BenchmarkError(f"{name} made {calls} upstream calls for {requests} requests")
