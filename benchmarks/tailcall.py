"""Tailcall, a gateway in Rust: one program, from npm, which may need a newer C library than the system's."""

from __future__ import annotations

import functools
import subprocess
from typing import TYPE_CHECKING, Final

from benchmarks.others import NODE, coded
from benchmarks.processes import ROOT
from benchmarks.targets import GRAPHQL, Launch, Target

if TYPE_CHECKING:
    from benchmarks.targets import Start

_PROGRAM: Final = NODE / "node_modules" / "@tailcallhq" / "core-linux-x64-gnu" / "bin" / "tailcall"
_LIBRARIES: Final = ROOT / ".peers" / "libc" / "usr" / "lib" / "x86_64-linux-gnu"
"""Where `benchmarks/peers/newer-libc` puts them."""


@functools.cache
def _command() -> list[str] | None:
    """How it starts here; None when it does not."""
    with_newer = [str(_LIBRARIES / "ld-linux-x86-64.so.2"), "--library-path", str(_LIBRARIES), str(_PROGRAM)]
    return next((command for command in ([str(_PROGRAM)], with_newer) if _starts(command)), None)


def _starts(command: list[str]) -> bool:
    try:
        return subprocess.run([*command, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _missing() -> str | None:
    return (
        None
        if _command()
        else "Tailcall is left out: its program is missing, or does not start (make bench-peers)"
    )


def _launch(start: Start) -> Launch:
    text = (NODE / "tailcall.graphql").read_text(encoding="ascii")
    path = start.folder / "tailcall.graphql"
    path.write_text(text.replace("UPSTREAM", start.base_url).replace("PORT", str(start.port)), encoding="ascii")
    environment = {"TAILCALL_TRACKER": "false", "TC_LOG_LEVEL": "error"}
    return Launch([*(_command() or []), "start", str(path)], environment, announces=False)


TAILCALL: Final = Target("Tailcall", _launch, GRAPHQL, missing=_missing, is_right=coded)
