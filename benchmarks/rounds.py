"""Rotated rounds: every round runs every target, each in a new process, and one after the other."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import orjson

from benchmarks import load
from benchmarks.measurement import Figures, check_calls
from benchmarks.processes import BenchmarkError, Child, Cores, free_port, program
from benchmarks.targets import Start
from benchmarks.upstream import BASE_PATH, CALLS_PATH, CARD_PATH, DELAY_PATH
from benchmarks.zipf import card_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.cases import Case
    from benchmarks.scenarios import Question
    from benchmarks.targets import Target

T = TypeVar("T")
Rounds = dict[str, dict[str, list[dict[str, Any]]]]
"""Figures by case, target and round."""

_FIRST_CARD = 9_491_339_400_001_234
_PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how often."""

    rounds: int
    seconds: int
    warm_up: int
    first_warm_up: int = 0
    """Of a new process, besides: those that compile as they run take their time."""


class Bench:
    """What all measurements of one run share.

    Args:
        upstream: the running upstream.
        cores: who runs where.
        options: how long and how often.
        folder: for files of the run.
        progress: is told what was measured.
    """

    def __init__(
        self, upstream: Child, cores: Cores, options: Options, folder: Path, progress: Callable[[str], None]
    ) -> None:
        self._upstream = upstream
        self._cores = cores
        self._options = options
        self._progress = progress
        self._seed = 0
        self.failed: dict[tuple[str, str], str] = {}
        """Why another server has no figures, by case and server."""
        self._folder = folder

    @property
    def upstream_url(self) -> str:
        """The upstream's base URL."""
        return self._upstream.url

    def upstream_capacity(self) -> dict[str, float]:
        """How many calls a second the upstream can answer when wrk calls it directly, from the servers' core."""
        self._control(f"{DELAY_PATH}0")
        before = self._upstream.cpu_seconds()
        seen = load.run(
            self._upstream.url.removesuffix(BASE_PATH) + CARD_PATH,
            orjson.dumps({"cardNo": load.placeholder()}),
            connections=32,
            seconds=self._options.warm_up + 1,
            seed=self._next_seed(),
            core=self._cores.server,
        )
        share = (self._upstream.cpu_seconds() - before) / seen.seconds
        return {"calls_per_second": round(seen.per_second), "upstream_share": round(min(share, 1.0), 2)}

    def run(self, targets: Sequence[Target], cases: Sequence[Case]) -> Rounds:
        """All rounds. Another server that fails in a case is left out of it.

        Raises:
            BenchmarkError: when the gateway gives a wrong answer, fails under load or saves upstream calls.
        """
        figures: Rounds = {}
        for number in range(self._options.rounds):
            self.round(number, targets, cases, figures)
        for case, target in self.failed:
            figures.get(case, {}).pop(target, None)
        # The first round's order is the tables' order.
        return {case.name: figures[case.name] for case in cases if case.name in figures}

    def round(self, number: int, targets: Sequence[Target], cases: Sequence[Case], figures: Rounds) -> None:
        """One round; its figures are added."""
        for target in rotated(targets, number):
            asked = [case for case in rotated(cases, number) if target.path(case.question) is not None]
            if not asked:
                continue
            with self._forgiven(target, asked), self._started(target) as child:
                self._warm(child, target, asked[0])
                for case in asked:
                    with self._forgiven(target, [case]):
                        self._add(number, child, target, case, figures)

    @contextlib.contextmanager
    def _forgiven(self, target: Target, cases: Sequence[Case]) -> Iterator[None]:
        """Another server may fail; the gateway may not."""
        try:
            yield
        except BenchmarkError as error:
            if target.ours:
                raise
            for case in cases:
                self.failed[case.name, target.name] = str(error)
            self._progress(f"{target.name} is left out of {', '.join(case.name for case in cases)}: {error}")

    def _add(self, number: int, child: Child, target: Target, case: Case, figures: Rounds) -> None:
        if (case.name, target.name) in self.failed:
            return
        measured = self._measure(child, target, case)
        figures.setdefault(case.name, {}).setdefault(target.name, []).append(asdict(measured))
        speed = f"{measured.requests_per_second:,.0f} requests/s"
        self._progress(f"round {number + 1}, {case.name}: {target.name} {speed}")

    @contextlib.contextmanager
    def _started(self, target: Target) -> Iterator[Child]:
        with tempfile.TemporaryDirectory() as folder:
            start = Start(self._upstream.url, free_port(), Path(folder))
            launch = target.launch(start)
            url = None if launch.announces else f"http://127.0.0.1:{start.port}"
            with (
                (start.folder / "log").open("wb") as log,
                program(
                    launch.command, cores={self._cores.server}, settings=launch.environment, log=log, url=url
                ) as child,
            ):
                yield child

    def _warm(self, child: Child, target: Target, case: Case) -> None:
        if self._options.first_warm_up:
            self._control(f"{DELAY_PATH}0")
            url = f"{origin(child.url)}{target.path(case.question)}"
            check_answer(url, target, case.question)
            self._load(url, target, case, self._options.first_warm_up, warms_up=True)

    def _measure(self, child: Child, target: Target, case: Case) -> Figures:
        path = target.path(case.question)
        url = f"{origin(child.url)}{path}"
        self._control(f"{DELAY_PATH}{case.upstream_ms}")
        check_answer(url, target, case.question)
        self._load(url, target, case, self._options.warm_up, warms_up=True)
        calls, own, upstream = self._calls(), child.cpu_seconds(), self._upstream.cpu_seconds()
        seen = self._load(url, target, case, self._options.seconds * target.times)
        own, upstream = child.cpu_seconds() - own, self._upstream.cpu_seconds() - upstream
        calls = self._calls() - calls
        if case.hot is None:
            check_calls(target.name, case.question, requests=seen.requests, calls=calls)
        memory = child.resident_megabytes()
        return Figures.of(seen, own, upstream, calls=calls, connections=case.connections, resident_mb=memory)

    def _load(self, url: str, target: Target, case: Case, seconds: int, *, warms_up: bool = False) -> load.Load:
        return load.run(
            url,
            case.question.body(*load.placeholders(case.question.cards)),
            connections=case.connections,
            seconds=seconds,
            seed=self._next_seed(),
            core=self._cores.load,
            expected=case.question.expected,
            authorization=target.authorization(),
            cards=None if case.hot is None else self._hot_cards(case.hot),
            warms_up=warms_up,
        )

    def _hot_cards(self, exponent: float) -> Path:
        """Which cards are asked for: the same ones of every server and in every round."""
        path = self._folder / f"hot-cards-{exponent:g}"
        if not path.exists():
            path.write_text(card_numbers(exponent, seed=1), encoding="ascii")
        return path

    def _calls(self) -> int:
        return sum(self._control(CALLS_PATH).json().values())

    def _control(self, path: str) -> httpx.Response:
        return httpx.get(self._upstream.url.removesuffix(BASE_PATH) + path, trust_env=False)

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


def check_answer(url: str, target: Target, question: Question) -> None:
    """Ask once and compare the whole answer.

    Raises:
        BenchmarkError: when the answer is not the right one.
    """
    # Even ones: beyond 2^53 JavaScript, which some of the servers are written in, knows no odd numbers.
    card_nos = [str(_FIRST_CARD + 2 * at) for at in range(question.cards)]
    headers = {"Content-Type": "application/json"}
    if authorization := target.authorization():
        headers["Authorization"] = authorization
    answer = httpx.post(url, content=question.body(*card_nos), headers=headers, trust_env=False, timeout=_PATIENCE)
    target.check(question, card_nos, answer.status_code, answer.content)
