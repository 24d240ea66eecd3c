"""wrk as the load generator, and what it says of a run."""

from __future__ import annotations

import resource
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


def placeholders(cards: int) -> list[str]:
    """What stands for the first, second, … card in a body; the script replaces them by card numbers."""
    return [f"{'9' * 12}{which + 1:04d}" for which in range(cards)]


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw, and what it cost."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    generator_cpu_seconds: float


def run(
    url: str,
    body: bytes,
    *,
    connections: int,
    seconds: int,
    seed: int,
    core: int,
    expected: str,
    credential: str = "",
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
        expected: what every answer must hold.
        credential: `Name: value` of a header of every request; empty for none.
        cards: a file of card numbers to ask for in turn, instead of new ones.
        warms_up: nothing is measured, so there need not be an answer yet.

    Raises:
        BenchmarkError: any answer was wrong, or any connection failed.
    """
    before = _cpu_of_ended_children()
    # wrk's own two seconds are little for the slowest server on a busy machine.
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(_SCRIPT)]
    arguments = [body.decode(), str(seed), expected, credential, str(cards or "")]
    output = run_pinned(["wrk", *options, url, "--", *arguments], core=core, timeout=seconds + _PATIENCE)
    return parse(output, cpu_seconds=_cpu_of_ended_children() - before, may_be_empty=warms_up)


def parse(output: str, *, cpu_seconds: float, may_be_empty: bool = False) -> Load:
    """Read the script's last lines.

    Raises:
        BenchmarkError: any answer was wrong, or any connection failed.
    """
    said = {
        mark: line.removeprefix(mark)
        for line in output.splitlines()
        for mark in (_RESULT, _SAMPLE)
        if mark in line
    }
    if _RESULT not in said:
        raise BenchmarkError("wrk gave no result")
    result = orjson.loads(said[_RESULT])
    faults = [f"{result[name]} x {name}" for name in _FAULTS if result[name]]
    if faults:
        sample = said.get(_SAMPLE, "").strip()
        wrong = f"; a wrong answer: {sample}" if sample else ""
        raise BenchmarkError(f"{result['requests']} answers, {', '.join(faults)}{wrong}")
    seconds = result["microseconds"] / 1e6
    if not (result["requests"] or may_be_empty):
        raise BenchmarkError(f"no answer in {seconds:.0f} s")
    return Load(result["requests"], seconds, result["p50"] / 1000, result["p99"] / 1000, cpu_seconds)


def _cpu_of_ended_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
