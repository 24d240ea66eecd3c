"""Rotated rounds: every round runs every target, each in a new process, and one after the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import orjson

from benchmarks import load
from benchmarks.processes import BenchmarkError, Child, Cores, server
from benchmarks.upstream import BASE_PATH, CALLS_PATH, CARD_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.scenarios import Scenario
    from benchmarks.targets import Target

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how hard."""

    rounds: int
    seconds: int
    warm_up: int
    connections: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One target in one scenario of one round."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_request: float
    """CPU time of the server process alone."""
    server_share: float
    """How much of its core the server used; well below 1 means that something else held it back."""
    upstream_share: float
    generator_share: float
    upstream_calls_per_second: float
    resident_mb: float


class Bench:
    """What all measurements of one run share.

    Args:
        upstream: the running upstream.
        cores: who runs where.
        options: how long and how hard.
    """

    def __init__(self, upstream: Child, cores: Cores, options: Options) -> None:
        self._upstream = upstream
        self._cores = cores
        self._options = options
        self._seed = 0

    def upstream_capacity(self) -> dict[str, float]:
        """How many calls a second the upstream can answer when wrk calls it directly, from the servers' core."""
        before = self._upstream.cpu_seconds()
        seen = load.run(
            self._upstream.url.removesuffix(BASE_PATH) + CARD_PATH,
            orjson.dumps({"cardNo": load.PLACEHOLDER}),
            connections=self._options.connections,
            seconds=self._options.warm_up + 1,
            seed=self._next_seed(),
            core=self._cores.server,
        )
        share = (self._upstream.cpu_seconds() - before) / seen.seconds
        return {"calls_per_second": round(seen.per_second), "upstream_share": round(min(share, 1.0), 2)}

    def run(
        self, targets: Sequence[Target], scenarios: Sequence[Scenario], progress: Callable[[str], None]
    ) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """All rounds; figures by scenario, target and round.

        Raises:
            BenchmarkError: when a target gives a wrong answer, fails under load or saves upstream calls.
        """
        figures: dict[str, dict[str, list[dict[str, Any]]]] = {
            scenario.name: {target.name: [] for target in targets} for scenario in scenarios
        }
        for number in range(self._options.rounds):
            for target in rotated(targets, number):
                with server(
                    target.arguments(self._upstream.url),
                    core=self._cores.server,
                    settings=target.settings(self._upstream.url),
                ) as child:
                    for scenario in rotated(scenarios, number):
                        measured = self._measure(child, target, scenario)
                        figures[scenario.name][target.name].append(asdict(measured))
                        speed = f"{measured.requests_per_second:,.0f} requests/s"
                        progress(f"round {number + 1}, {scenario.name}: {target.name} {speed}")
        return figures

    def _measure(self, child: Child, target: Target, scenario: Scenario) -> Figures:
        url = origin(child.url) + target.path(scenario)
        check_answer(url, scenario, target.authorization)
        self._load(url, scenario, self._options.warm_up, target.authorization)
        calls, own, upstream = self._calls(), child.cpu_seconds(), self._upstream.cpu_seconds()
        seen = self._load(url, scenario, self._options.seconds, target.authorization)
        own, upstream = child.cpu_seconds() - own, self._upstream.cpu_seconds() - upstream
        calls = self._calls() - calls
        check_calls(target.name, scenario, requests=seen.requests, calls=calls)
        return Figures(
            requests_per_second=round(seen.per_second, 1),
            p50_ms=round(seen.p50_ms, 2),
            p99_ms=round(seen.p99_ms, 2),
            cpu_us_per_request=round(own / seen.requests * 1e6, 1),
            server_share=round(own / seen.seconds, 3),
            upstream_share=round(upstream / seen.seconds, 3),
            generator_share=round(seen.generator_cpu_seconds / seen.seconds, 3),
            upstream_calls_per_second=round(calls / seen.seconds, 1),
            resident_mb=round(child.resident_megabytes(), 1),
        )

    def _load(self, url: str, scenario: Scenario, seconds: int, authorization: str) -> load.Load:
        return load.run(
            url,
            scenario.body(load.PLACEHOLDER),
            connections=self._options.connections,
            seconds=seconds,
            seed=self._next_seed(),
            core=self._cores.load,
            expected='"email":' if scenario.with_profile else '"balance":',
            authorization=authorization,
        )

    def _calls(self) -> int:
        answer = httpx.get(self._upstream.url.removesuffix(BASE_PATH) + CALLS_PATH, trust_env=False)
        return sum(answer.json().values())

    def _next_seed(self) -> int:
        self._seed += 1
        return self._seed


def rotated(items: Sequence[T], number: int) -> list[T]:
    """The order of one round: each item comes first, second, … equally often."""
    start = number % len(items)
    return [*items[start:], *items[:start]]


def origin(url: str) -> str:
    """Scheme, host and port of an address."""
    return str(httpx.URL(url).copy_with(raw_path=b"/")).removesuffix("/")


def check_answer(url: str, scenario: Scenario, authorization: str = "") -> None:
    """Ask for one card and compare the whole answer.

    Raises:
        BenchmarkError: when the answer is not the right one.
    """
    card_no = "9491339400001234"
    headers = {"Content-Type": "application/json"}
    if authorization:
        headers["Authorization"] = authorization
    answer = httpx.post(url, content=scenario.body(card_no), headers=headers, trust_env=False)
    if orjson.loads(answer.content) != scenario.answer(card_no):
        raise BenchmarkError(f"{url} gives a wrong answer: HTTP {answer.status_code} {answer.text[:300]}")


def check_calls(name: str, scenario: Scenario, *, requests: int, calls: int) -> None:
    """Compare the upstream's count with what the requests need. More is no fault: some were still under way.

    Raises:
        BenchmarkError: when there were fewer, as of a server that remembers or shares answers.
    """
    if calls < requests * scenario.upstream_calls:
        raise BenchmarkError(f"{name} made {calls} upstream calls for {requests} requests")
