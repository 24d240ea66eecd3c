"""What a verification of audit logs found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Remark(NamedTuple):
    """Something about a file, or about a line of it."""

    file: Path
    line: int | None
    text: str

    def __str__(self) -> str:
        place = str(self.file) if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.text}"


@dataclass(slots=True)
class Verdict:
    """What a verification found."""

    findings: list[Remark] = field(default_factory=list)
    """Changes. There are none in a record as a gateway wrote it."""
    notes: list[Remark] = field(default_factory=list)
    """What is no change, but good to know: a line that a killed process did not finish."""
    lines: int = 0
    chains: int = 0
