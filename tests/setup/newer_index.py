"""A package index with releases newer than the lock files."""

from __future__ import annotations

import base64
import hashlib
import threading
import zipfile
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEWER: Final = ("click", "starlette", "redis", "coverage", "urllib3")
"""Packages of the locks; the last two are wanted with extras by other packages."""

VERSION: Final = "9999.1"
_EXTRAS: Final = ("toml", "socks", "hiredis", "full")


def wheel(folder: Path, name: str, version: str) -> Path:
    """A minimal wheel."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    extras = "".join(f"Provides-Extra: {extra}\n" for extra in _EXTRAS)
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extras}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},{_digest(text)},{len(text)}\n" for path, text in files.items())
    path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def _digest(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Do not log."""


@contextmanager
def newer_index(folder: Path) -> Iterator[str]:
    """The address of an index with a newer release of each package of `NEWER`."""
    for name in NEWER:
        (folder / name).mkdir(parents=True)
        wheel(folder / name, name, VERSION)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
