"""Child processes: pinned to cores, known by their address and CPU time, and ended whatever happens."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[1]

_ANSWERS_ON: Final = " answers on "
_START_SECONDS: Final = 30
_STOP_SECONDS: Final = 10
_SAID: Final = 2000
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class BenchmarkError(Exception):
    """Why there is no result, in one line."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Servers run on one core, load and upstream on another, if there is another."""

    server: int
    load: int

    @classmethod
    def available(cls) -> Cores:
        """The first two cores that this process may use; a single one is shared."""
        cores = sorted(os.sched_getaffinity(0))
        return cls(server=cores[0], load=cores[min(1, len(cores) - 1)])


@dataclass(frozen=True, slots=True)
class Child:
    """A running server of one process."""

    pid: int
    url: str

    def cpu_seconds(self) -> float:
        """CPU time so far, user and system, of all its threads."""
        # The name of the program, in parentheses, may hold spaces.
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_megabytes(self) -> float:
        """Resident memory now."""
        (line,) = (line for line in self._proc("status").splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def _proc(self, name: str) -> str:
        try:
            return Path(f"/proc/{self.pid}/{name}").read_text(encoding="ascii", errors="replace")
        except OSError:
            raise BenchmarkError("the server has ended") from None


@contextlib.contextmanager
def _process(
    command: Sequence[str], core: int, settings: Mapping[str, str], stderr: IO[bytes] | int | None
) -> Iterator[subprocess.Popen[str]]:
    # Without a developer's own settings of the gateway.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KONAGRAPH_", "KONAPLATE_"))}
    # The child inherits the cores of the thread that starts it, and so do all threads that it ever starts.
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**kept, **settings},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True,
        )  # fmt: skip
    finally:
        os.sched_setaffinity(0, before)
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def server(
    command: Sequence[str],
    *,
    core: int,
    settings: Mapping[str, str] | None = None,
    log: IO[bytes] | int | None = None,
) -> Iterator[Child]:
    """A server that prints `… answers on URL` when it is ready; ended with the block.

    Args:
        command: starts it; one that begins with an option is for this Python.
        core: where it runs.
        settings: further variables of its environment.
        log: takes its standard error, instead of ours.

    Raises:
        BenchmarkError: it ends, or says nothing in time.
    """
    if command[0].startswith("-"):
        command = [sys.executable, *command]
    with _process(command, core, settings or {}, log) as process:
        # Ending a process that never announces itself ends the reading, too.
        watchdog = threading.Timer(_START_SECONDS, process.kill)
        watchdog.start()
        try:
            url = next(
                (line.split(_ANSWERS_ON)[1].strip() for line in process.stdout or () if _ANSWERS_ON in line), ""
            )
        finally:
            watchdog.cancel()
        if not url:
            raise BenchmarkError(f"{' '.join(command[1:])} did not start")
        yield Child(process.pid, url)


def run_pinned(command: Sequence[str], *, core: int, timeout: float) -> str:
    """Run a program on one core and return what it prints.

    Raises:
        BenchmarkError: it fails or takes too long; with the end of its standard error.
    """
    with tempfile.TemporaryFile() as log, _process(command, core, {}, log) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"{command[0]} did not end within {timeout:.0f} seconds") from None
        if process.returncode != 0:
            log.seek(0)
            said = log.read()[-_SAID:].decode(errors="replace")
            raise BenchmarkError(
                f"{' '.join(command[:3])} failed with exit code {process.returncode}\n{said}".rstrip()
            )
    return output
