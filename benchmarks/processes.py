"""Child processes: pinned to a core, known by their address and CPU time, and ended whatever happens."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[1]

_ANSWERS_ON: Final = " answers on "
_START_SECONDS: Final = 30
_STOP_SECONDS: Final = 10
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class BenchmarkError(Exception):
    """Why there is no result; said to the person in one line."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where: servers on one core, load and upstream on another, if there is another."""

    server: int
    load: int

    @classmethod
    def available(cls) -> Cores:
        """The first two cores that this process may use; one core is shared by all."""
        cores = sorted(os.sched_getaffinity(0))
        return cls(server=cores[0], load=cores[min(1, len(cores) - 1)])

    @property
    def separate(self) -> bool:
        """Whether the load runs beside the server and not on its core."""
        return self.server != self.load


@dataclass(frozen=True, slots=True)
class Child:
    """A server process that accepts connections."""

    pid: int
    url: str

    def cpu_seconds(self) -> float:
        """CPU time so far, user and system."""
        # The name of the program, in parentheses, may hold spaces; the fields are counted from behind it.
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_megabytes(self) -> float:
        """Resident memory now."""
        (line,) = (line for line in self._proc("status").splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.pid}/{name}").read_text(encoding="ascii", errors="replace")


def clean_environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without a developer's own settings of the gateway."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KONAGRAPH_", "KONAPLATE_"))}
    return {**kept, **(settings or {})}


@contextlib.contextmanager
def server(
    arguments: Sequence[str],
    *,
    core: int,
    settings: Mapping[str, str] | None = None,
    log: IO[bytes] | int | None = None,
) -> Iterator[Child]:
    """A Python server process that says `… answers on URL` when it is ready; ended with the block.

    Args:
        arguments: of the interpreter.
        core: where it runs.
        settings: of the gateway.
        log: takes its standard error, instead of ours.

    Raises:
        BenchmarkError: when it ends, or says nothing in time.
    """
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=clean_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    with process:
        try:
            # Set from here, before the new Python has started a thread: all of its threads inherit it.
            os.sched_setaffinity(process.pid, {core})
            yield Child(process.pid, _address(process, " ".join(arguments)))
        finally:
            _end(process)


def run_pinned(command: Sequence[str], *, core: int, timeout: float) -> str:
    """Run a program on one core and return what it prints.

    Raises:
        BenchmarkError: when it fails or takes too long.
    """
    with subprocess.Popen(
        command, cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            os.sched_setaffinity(process.pid, {core})
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"{command[0]} did not end within {timeout:.0f} seconds") from None
        finally:
            _end(process)
    if process.returncode != 0:
        raise BenchmarkError(f"{' '.join(command[:3])} failed with exit code {process.returncode}")
    return output


def run_module(module: str, *arguments: str, core: int, timeout: float) -> Any:
    """Run one of this package's modules on one core; it prints its result as JSON."""
    command = [sys.executable, "-m", module, *arguments]
    return orjson.loads(run_pinned(command, core=core, timeout=timeout))


def _address(process: subprocess.Popen[str], name: str) -> str:
    """The address that the process announces. A watchdog ends one that never does, which ends the reading, too."""
    watchdog = threading.Timer(_START_SECONDS, process.kill)
    watchdog.start()
    try:
        for line in process.stdout or ():
            if _ANSWERS_ON in line:
                return line.split(_ANSWERS_ON)[1].strip()
    finally:
        watchdog.cancel()
    raise BenchmarkError(f"{name} did not start")


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
