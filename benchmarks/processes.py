"""Child processes: pinned to cores, known by their address and CPU time, and ended whatever happens."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[1]

_ANSWERS_ON: Final = " answers on "
_START_SECONDS: Final = 30
_STOP_SECONDS: Final = 10
_SAID: Final = 2000
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
    """A server that accepts connections: a process, perhaps with worker processes."""

    pid: int
    url: str

    def cpu_seconds(self) -> float:
        """CPU time so far, user and system, of all its processes."""
        return sum(_cpu_ticks(pid) for pid in _family(self.pid)) / _TICKS

    def resident_megabytes(self) -> float:
        """Resident memory now, of all its processes."""
        return sum(_resident_kilobytes(pid) for pid in _family(self.pid)) / 1024


def _family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found


def _cpu_ticks(pid: int) -> int:
    # The name of the program, in parentheses, may hold spaces; the fields are counted from behind it.
    fields = _proc(pid, "stat").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _resident_kilobytes(pid: int) -> int:
    (line,) = (line for line in _proc(pid, "status").splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1])


def _proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(encoding="ascii", errors="replace")


def clean_environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without a developer's own settings of the gateway."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KONAGRAPH_", "KONAPLATE_"))}
    return {**kept, **(settings or {})}


def _start(
    command: Sequence[str],
    cores: set[int],
    settings: Mapping[str, str] | None,
    *,
    stdout: int = subprocess.PIPE,
    stderr: IO[bytes] | int | None = None,
) -> subprocess.Popen[str]:
    # The child inherits the cores of the thread that starts it, and so do all threads that it ever starts.
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )
    finally:
        os.sched_setaffinity(0, before)


def server(
    arguments: Sequence[str],
    *,
    core: int,
    settings: Mapping[str, str] | None = None,
    log: IO[bytes] | int | None = None,
) -> contextlib.AbstractContextManager[Child]:
    """A Python server process that says `… answers on URL` when it is ready; ended with the block.

    Args:
        arguments: of the interpreter.
        core: where it runs.
        settings: of the gateway.
        log: takes its standard error, instead of ours.

    Raises:
        BenchmarkError: when it ends, or says nothing in time.
    """
    return program([sys.executable, *arguments], cores={core}, settings=settings, log=log)


@contextlib.contextmanager
def program(
    command: Sequence[str],
    *,
    cores: set[int],
    settings: Mapping[str, str] | None = None,
    log: IO[bytes] | int | None = None,
    url: str | None = None,
) -> Iterator[Child]:
    """Any server program, ended with the block.

    Args:
        command: starts it.
        cores: where it runs.
        settings: further variables of its environment.
        log: takes its standard error, instead of ours.
        url: where it will accept connections; None for one that says so itself, as `… answers on URL`.

    Raises:
        BenchmarkError: when it ends, or does not accept connections in time.
    """
    name = " ".join(command[1:] if command[0] == sys.executable else command)
    stdout = subprocess.PIPE if url is None else subprocess.DEVNULL
    with _start(command, cores, settings, stdout=stdout, stderr=log) as process:
        try:
            yield Child(process.pid, _address(process, name) if url is None else _waited_for(url, process, name))
        finally:
            _end(process)


def run_pinned(command: Sequence[str], *, core: int, timeout: float) -> str:
    """Run a program on one core and return what it prints.

    Raises:
        BenchmarkError: when it fails or takes too long; with the end of what it said on standard error.
    """
    with tempfile.TemporaryFile() as log, _start(command, {core}, None, stderr=log) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"{command[0]} did not end within {timeout:.0f} seconds") from None
        finally:
            _end(process)
        if process.returncode != 0:
            log.seek(0)
            said = log.read()[-_SAID:].decode(errors="replace")
            raise BenchmarkError(
                f"{' '.join(command[:3])} failed with exit code {process.returncode}\n{said}".rstrip()
            )
    return output


def run_module(module: str, *arguments: str, core: int, timeout: float) -> Any:
    """Run one of this package's modules on one core; it prints its result as JSON."""
    command = [sys.executable, "-m", module, *arguments]
    return orjson.loads(run_pinned(command, core=core, timeout=timeout))


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


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


def _waited_for(url: str, process: subprocess.Popen[str], name: str) -> str:
    parts = urlsplit(url)
    ends_at = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < ends_at:
        try:
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return url
    raise BenchmarkError(f"{name} did not start")


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
