"""What is measured: a server, how it is started, and how it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from benchmarks.processes import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from benchmarks.scenarios import Question

GATEWAY: Final = "konagraph"
GRAPHQL: Final = "/graphql"


def gateway_settings(base_url: str) -> dict[str, str]:
    """Settings of a gateway for the benchmark's upstream: plain mode, quiet, everything else as it comes."""
    return {
        "KONAPLATE_BASE_URL": base_url,
        "KONAPLATE_ASP_ID": "100000000000002",
        "KONAPLATE_ACCESS_KEY": "a" * 40,
        "KONAPLATE_SECRET_KEY": "benchmark-secret-key",
        "KONAPLATE_ENCRYPTION": "off",
        "KONAGRAPH_LOG_LEVEL": "warning",
        "KONAGRAPH_ADMIN_PORT": "0",
    }


@dataclass(frozen=True, slots=True)
class Start:
    """What a server may need to start."""

    base_url: str
    """Of the upstream."""
    port: int
    """One that is free, for a server that cannot find one itself."""
    folder: Path
    """For files that it needs; gone when it is."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is started."""

    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    announces: bool = True
    """Whether it says where it listens; otherwise it listens on the port that it was given."""


def whole_answer(question: Question, card_nos: list[str], answer: Any) -> bool:
    """Whether it is the right answer, and all of it."""
    return bool(answer == question.answer(*card_nos))


@dataclass(frozen=True, slots=True)
class Target:
    """One server."""

    name: str
    launch: Callable[[Start], Launch]
    paths: Mapping[str, str] | str
    """Where each question, by name, is answered: one path for all, or only these questions."""
    missing: Callable[[], str | None] = lambda: None
    """Why it cannot run here."""
    is_right: Callable[[Question, list[str], Any], bool] = whole_answer
    authorization: Callable[[], str] = str
    """The `Authorization` header of every request; empty for none."""
    times: int = 1
    """It is measured so many times longer: a slow server needs time to give answers that can be counted."""

    @property
    def ours(self) -> bool:
        """Whether it is this project's: then it must not fail."""
        return self.name.startswith(GATEWAY)

    def path(self, question: Question) -> str | None:
        """Where the question is answered; None when it is not."""
        return self.paths if isinstance(self.paths, str) else self.paths.get(question.name)

    def check(self, question: Question, card_nos: list[str], status: int, content: bytes) -> None:
        """See that an answer is right.

        Raises:
            BenchmarkError: when it is not.
        """
        try:
            right = self.is_right(question, card_nos, orjson.loads(content))
        except (ValueError, LookupError, TypeError, AttributeError):
            # Not JSON, or of another shape.
            right = False
        if not right:
            raise BenchmarkError(f"{self.name} gives a wrong answer: HTTP {status} {content[:400]!r}")
