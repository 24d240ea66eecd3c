"""What the sandbox can do with a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

NEVER: Final = 60.0
"""Seconds: longer than any client waits."""
SLOW: Final = 1.0


@dataclass(frozen=True, slots=True)
class Coded:
    """An error with a vendor's code, in one of the places where a code was seen."""

    code: str
    description: str
    status: int = 400
    place: Literal["response", "code", "reason"] = "response"
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is not Konaplate's protocol at all."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Altered:
    """A good answer with some fields changed, and others left out."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    coded: bool = True
    """Whether the answer holds the success code."""
    delay: float = 0.0
    tampered: bool = False
    """Whether its authentication tag does not fit."""


Behaviour = Coded | Raw | Altered


class RefusedCallError(Exception):
    """A call that is refused with a vendor's code."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(code)
        self.answer = Coded(code, description, status)
