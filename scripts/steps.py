"""Steps of a set-up: each prints what it does and how long it took, has a timeout, and leaves no process."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LAST_LINES: Final = 12
# These could install packages elsewhere or build them from source.
_NOT_FOR_PIP: Final = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_NO_BINARY",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
)


class SetupError(Exception):
    """A set-up that cannot continue; the message says what to do."""


def version() -> str:
    """This Python's version, such as 3.13.1."""
    return sys.version.split()[0]


def is_supported() -> bool:
    """Whether konagraph runs on this Python."""
    return (3, 11) <= sys.version_info[:2] < (3, 15)


def check_python() -> None:
    """Check that konagraph runs on this Python.

    Raises:
        SetupError: it does not.
    """
    if not is_supported():
        raise SetupError(f"konagraph needs Python 3.11 to 3.14; this is {version()} ({sys.executable}).")


def run_step(what: str, command: Sequence[str], bound: int, folder: Path) -> None:
    """Run one step of the set-up, and print what it is and how long it took.

    Raises:
        SetupError: it failed, or took longer than `bound` seconds.
    """
    print(f"  {what} ...", end="", flush=True, file=sys.stderr)
    started = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_PIP} | {
        "PIP_USER": "0"
    }
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            output, _ = process.communicate(timeout=bound)
        except subprocess.TimeoutExpired:
            say(" failed")
            raise SetupError(f"no end after {bound} s. Is the network, or the proxy, slow or blocked?") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        say(" failed")
        shown = "\n".join(f"    {line}" for line in output.strip().splitlines()[-_LAST_LINES:])
        raise SetupError(f"`{Path(command[0]).name} {' '.join(command[1:4])} …` failed:\n{shown}")
    say(f" {time.monotonic() - started:.1f} s")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Lock a checkout: a second set-up waits for the first."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another set-up of this folder to end ...")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def say(text: str) -> None:
    """Print to standard error; standard output belongs to the program that is started afterwards."""
    print(text, flush=True, file=sys.stderr)
