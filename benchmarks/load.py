"""wrk as the load generator, and what it says of a run."""

from __future__ import annotations

import resource
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from benchmarks.processes import BenchmarkError, run_pinned

_SCRIPT: Final = Path(__file__).with_name("load.lua")
_RESULT: Final = "RESULT "
_SAMPLE: Final = "WRONG "
_FAULTS: Final = ("connect", "read", "write", "status", "timeout", "wrong")
_PATIENCE: Final = 20


def placeholder(which: int = 1) -> str:
    """What stands for the first, second, … card in a body; the script replaces it by a card number."""
    return f"{'9' * 12}{which:04d}"


def placeholders(cards: int) -> list[str]:
    """The ones of a body with so many distinct cards."""
    return [placeholder(which + 1) for which in range(cards)]


def missing_tool() -> str | None:
    """What to install, in one line; None when nothing is missing."""
    return None if shutil.which("wrk") else "the benchmark needs wrk (on Debian: apt-get install wrk)"


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw, and what it cost."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    generator_cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


def run(
    url: str,
    body: bytes,
    *,
    connections: int,
    seconds: int,
    seed: int,
    core: int,
    expected: str = "",
    authorization: str = "",
    cards: Path | None = None,
    warms_up: bool = False,
) -> Load:
    """Send requests for some seconds over keep-alive connections, each with card numbers of its own.

    Args:
        url: where to POST.
        body: with placeholders in it.
        connections: how many; each has one request in flight.
        seconds: how long.
        seed: of the card numbers.
        core: where wrk runs.
        expected: what every answer must hold; empty for not looking at them.
        authorization: header of every request, or `Name: value` of another one; empty for none.
        cards: a file of card numbers to ask for in turn, instead of new ones.
        warms_up: nothing is measured, so there need not be an answer yet.

    Raises:
        BenchmarkError: when any answer was wrong or any connection failed.
    """
    before = _cpu_of_ended_children()
    # wrk's own two seconds are little for the slowest peer on a busy machine.
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--timeout",
        "10s",
        "-s",
        str(_SCRIPT),
        url,
        "--",
    ]
    arguments = [body.decode(), str(seed), expected, authorization, str(cards or "")]
    output = run_pinned([*command, *arguments], core=core, timeout=seconds + _PATIENCE)
    return parse(output, url, cpu_seconds=_cpu_of_ended_children() - before, may_be_empty=warms_up)


def parse(output: str, url: str, *, cpu_seconds: float, may_be_empty: bool = False) -> Load:
    """Read the script's last line.

    Raises:
        BenchmarkError: when any answer was wrong or any connection failed.
    """
    lines = [line for line in output.splitlines() if line.startswith(_RESULT)]
    if not lines:
        raise BenchmarkError(f"wrk gave no result for {url}")
    result = orjson.loads(lines[-1].removeprefix(_RESULT))
    faults = [f"{result[name]} x {name}" for name in _FAULTS if result[name]]
    if faults or not (result["requests"] or may_be_empty):
        samples = [f"; {line}" for line in output.splitlines() if line.startswith(_SAMPLE)]
        raise BenchmarkError(
            f"{url} under load: {result['requests']} answers; "
            f"faults: {', '.join(faults) or 'none'}{''.join(samples)}"
        )
    return Load(
        requests=result["requests"],
        seconds=result["microseconds"] / 1e6,
        p50_ms=result["p50"] / 1000,
        p99_ms=result["p99"] / 1000,
        generator_cpu_seconds=cpu_seconds,
    )


def _cpu_of_ended_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
