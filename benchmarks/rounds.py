"""Paired rounds: each starts all servers anew and asks them one right after the other, in a rotating order."""

from __future__ import annotations

import contextlib
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import httpx
import orjson

from benchmarks import load
from benchmarks.attack import attack
from benchmarks.processes import BenchmarkError, Child, Cores, server
from benchmarks.scenarios import CARD_32
from benchmarks.upstream import BASE_PATH, CALLS_PATH, CHECK_PATH, DELAY_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.scenarios import Case, Question
    from benchmarks.targets import Run, Target

T = TypeVar("T")
Rounds = dict[str, dict[str, dict[str, list[float]]]]
"""By case, server and figure: its values, one for each round."""

_FIRST_CARD: Final = 9_491_339_400_001_234
_PATIENCE: Final = 30
_ATTACK_SECONDS: Final = 5
"""An attack begins with a burst, and is measured for longer."""


@dataclass(frozen=True, slots=True)
class Options:
    """How often, and for how many seconds."""

    rounds: int = 3
    seconds: int = 2
    warm_up: int = 1
    """Before each measurement."""
    first_warm_up: int = 2
    """Before the first case of a new process: those that compile as they run take their time."""


class Bench:
    """What all measurements of one run share.

    Args:
        upstream: the running upstream.
        cores: where servers and load run.
        options: how long and how often.
        folder: for files of the run.
        say: is told what was measured.
    """

    def __init__(
        self, upstream: Child, cores: Cores, options: Options, folder: Path, say: Callable[[str], None]
    ) -> None:
        self._upstream = upstream
        self._cores = cores
        self._options = options
        self._folder = folder
        self._say = say
        self._seed = 0
        self.failed: dict[tuple[str, str], str] = {}
        """Why another's server has no figures, by case and server."""

    def round(self, number: int, runs: Sequence[Run], figures: Rounds) -> None:
        """One round; its figures are added.

        Raises:
            BenchmarkError: the gateway gives a wrong answer, fails under load or saves upstream calls.
        """
        with contextlib.ExitStack() as stack:
            started: list[tuple[Run, Child]] = []
            for run in rotated(runs, number * -(-len(runs) // self._options.rounds)):
                with self._forgiven(run.target, run.cases):
                    child = stack.enter_context(self._started(run.target))
                    self._prepare(child, run.target, CARD_32)
                    self._load(child, run.target, CARD_32, self._options.first_warm_up, warms_up=True)
                    started.append((run, child))
            for case in dict.fromkeys(case for run in runs for case in run.cases):
                for run, child in started:
                    if case in run.cases and (case.name, run.target.name) not in self.failed:
                        with self._forgiven(run.target, [case]):
                            self._add(number, child, run.target, case, figures)

    @contextlib.contextmanager
    def _forgiven(self, target: Target, cases: Sequence[Case]) -> Iterator[None]:
        """Another's server may fail; the gateway may not."""
        try:
            yield
        except BenchmarkError as error:
            self._say(f"{target.name} failed at {', '.join(case.name for case in cases)}: {error}")
            if target.ours:
                raise
            self.failed |= {(case.name, target.name): str(error) for case in cases}

    @contextlib.contextmanager
    def _started(self, target: Target) -> Iterator[Child]:
        with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
            settings = target.environment(self._upstream.url, Path(folder))
            with server(target.command, core=self._cores.server, settings=settings, log=log) as child:
                yield child

    def _add(self, number: int, child: Child, target: Target, case: Case, figures: Rounds) -> None:
        self._prepare(child, target, case)
        self._load(child, target, case, self._options.warm_up, warms_up=True)
        measured = self._measured(child, target, case, self._options.seconds)
        if case.attacked:
            before = measured["requests_per_second"]
            with attack(self._url(child, target, case), self._cores.load):
                measured = self._measured(child, target, case, _ATTACK_SECONDS)
            measured["kept"] = round(measured["requests_per_second"] / before, 3)
        of_target = figures.setdefault(case.name, {}).setdefault(target.name, {})
        for figure, value in measured.items():
            of_target.setdefault(figure, []).append(value)
        speed = f"{measured['requests_per_second']:,.0f} requests/s, {measured['cpu_us']:,.0f} µs"
        self._say(f"round {number + 1}, {case.name}: {target.name} {speed}")

    def _prepare(self, child: Child, target: Target, case: Case) -> None:
        """Set the upstream's time, and see that the server gives the whole right answer by right calls."""
        self._control(f"{DELAY_PATH}{case.upstream_ms}")
        self._control(f"{CHECK_PATH}{'sealed' if target.sealed else 'clear'}")
        check_answer(self._url(child, target, case), target, case.question)
        self._control(f"{CHECK_PATH}off")

    def _measured(self, child: Child, target: Target, case: Case, seconds: int) -> dict[str, float]:
        """One server's figures in one case of one round.

        `cpu_us` is the server's own CPU time for each answer, `calls` are upstream calls for each request that was
        begun, and `load_share` is how much of their core upstream and load generator used.
        """
        calls, own, upstream = self._control(CALLS_PATH), child.cpu_seconds(), self._upstream.cpu_seconds()
        seen = self._load(child, target, case, seconds * target.times)
        own, upstream = child.cpu_seconds() - own, self._upstream.cpu_seconds() - upstream
        calls = self._control(CALLS_PATH) - calls
        if case.hot is None:
            check_calls(target.name, case.question, requests=seen.requests, calls=calls)
        return {
            "requests_per_second": round(seen.requests / seen.seconds, 1),
            "cpu_us": round(own / seen.requests * 1e6, 1),
            "p50_ms": round(seen.p50_ms, 2),
            "p99_ms": round(seen.p99_ms, 2),
            # Requests without an answer at the end have made their calls, too.
            "calls": round(calls / (seen.requests + case.connections), 3),
            "resident_mb": round(child.resident_megabytes(), 1),
            "load_share": round((upstream + seen.generator_cpu_seconds) / seen.seconds, 3),
        }

    def _load(
        self, child: Child, target: Target, case: Case, seconds: int, *, warms_up: bool = False
    ) -> load.Load:
        self._seed += 1
        return load.run(
            self._url(child, target, case),
            case.question.body(*load.placeholders(case.question.cards)),
            connections=case.connections,
            seconds=seconds,
            seed=self._seed,
            core=self._cores.load,
            expected=case.question.expected,
            credential=target.credential(),
            cards=None if case.hot is None else self._hot_cards(case.hot),
            warms_up=warms_up,
        )

    def _hot_cards(self, exponent: float) -> Path:
        """The same cards for every server and in every round."""
        path = self._folder / f"hot-cards-{exponent:g}"
        if not path.exists():
            path.write_text("\n".join(hot_cards(exponent, seed=1)), encoding="ascii")
        return path

    @staticmethod
    def _url(child: Child, target: Target, case: Case) -> str:
        return str(httpx.URL(child.url).copy_with(path=target.path(case.question)))

    def _control(self, path: str) -> int:
        """Tell the upstream something; how many calls it has answered."""
        return int(httpx.get(self._upstream.url.removesuffix(BASE_PATH) + path, trust_env=False).content)


def rotated(items: Sequence[T], places: int) -> list[T]:
    """The items, from another one on."""
    start = places % len(items)
    return [*items[start:], *items[:start]]


def hot_cards(exponent: float, *, seed: int, cards: int = 10_000, count: int = 200_000) -> list[str]:
    """Card numbers by Zipf's law: the one of a rank is drawn with the weight 1 / rank^exponent."""
    weights = [1 / rank**exponent for rank in range(1, cards + 1)]
    # Hot ones are no neighbours.
    numbers = [f"94{rank * 7_368_787 % 10_000_019:014d}" for rank in range(cards)]
    return random.Random(seed).choices(numbers, weights, k=count)  # noqa: S311 - a load, no secret


def check_answer(url: str, target: Target, question: Question) -> None:
    """Ask once and compare the whole answer.

    Raises:
        BenchmarkError: it is not the right one.
    """
    # Even ones: JavaScript knows no odd numbers beyond 2^53.
    card_nos = [str(_FIRST_CARD + 2 * at) for at in range(question.cards)]
    name, _, value = target.credential().partition(": ")
    headers = {"Content-Type": "application/json", **({name: value} if name else {})}
    answer = httpx.post(url, content=question.body(*card_nos), headers=headers, trust_env=False, timeout=_PATIENCE)
    with contextlib.suppress(ValueError):
        if orjson.loads(answer.content) == question.answer(*card_nos):
            return
    raise BenchmarkError(f"{target.name} gives a wrong answer: HTTP {answer.status_code} {answer.content[:400]!r}")


def check_calls(name: str, question: Question, *, requests: int, calls: int) -> None:
    """Compare the upstream's count with what the requests need. More is no fault: some are still under way.

    Raises:
        BenchmarkError: there were fewer, as of a server that remembers or shares answers.
    """
    if calls < requests * question.upstream_calls:
        raise BenchmarkError(f"{name} made {calls} upstream calls for {requests} requests")
