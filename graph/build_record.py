"""What this code was built from: the commit, and the lock of the packages that it runs with.

`hatch_build.py` writes the record into the wheel, and imports this module, which therefore needs no dependency.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final, NamedTuple

UNKNOWN: Final = "unknown"
NAME: Final = "build.json"
"""The file of the record, in the package `graph` of a wheel."""
LOCK: Final = "requirements-runtime.lock"
_PACKAGE: Final = Path(__file__).resolve().parent


class BuildRecord(NamedTuple):
    """What a wheel was built from."""

    commit: str
    """The 40 digits of the commit, with `+changes` if files differed from it; or `unknown`."""
    lock: str
    """`sha256:` and the digest of `requirements-runtime.lock`; or `unknown`."""

    @classmethod
    def running(cls) -> BuildRecord:
        """The record of the running code; a checkout has only its lock."""
        record, lock = _PACKAGE / NAME, _PACKAGE.parent / LOCK
        if record.is_file():
            return cls(**json.loads(record.read_text(encoding="utf-8")))
        return cls(UNKNOWN, digest(lock) if lock.is_file() else UNKNOWN)

    def to_json(self) -> str:
        """The content of the record's file."""
        return json.dumps(self._asdict(), indent=1) + "\n"


def digest(file: Path) -> str:
    """`sha256:` and the digest of a file, as `sha256sum` prints it."""
    return f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
