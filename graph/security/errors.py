"""Everything that the protection refuses.

SecurityError
├── UnauthenticatedError        no credentials, or none that are valid
├── KeysUnavailableError        the keys that would verify a token cannot be had right now
├── ForbiddenError              the viewer lacks a scope
├── CardHiddenError             not the viewer's card, or no card at all: the same to the viewer
├── AuditUnavailableError       what would be given out cannot be put on record
└── RateLimitedError            a budget is spent
"""

from __future__ import annotations


class SecurityError(Exception):
    """Root of the tree. It has no free text, so nothing of a credential can leak through it."""


class UnauthenticatedError(SecurityError):
    """No credentials, or none that are valid. Why is for the log alone.

    Args:
        reason: a constant of this code base, never a part of a credential.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysUnavailableError(SecurityError):
    """No key set could be loaded yet, or the last one is too old."""


class ForbiddenError(SecurityError):
    """The viewer lacks a scope that the field needs."""


class CardHiddenError(SecurityError):
    """A card that the viewer may not know of."""


class AuditUnavailableError(SecurityError):
    """Personal data that cannot be put on record right now, and is not given out for that."""


class RateLimitedError(SecurityError):
    """A budget is spent.

    Args:
        budget: which one: `requests`, `cost` or `cards`.
        retry_after_ms: when the same request may pass.
    """

    def __init__(self, budget: str, retry_after_ms: int) -> None:
        super().__init__(budget)
        self.budget = budget
        self.retry_after_ms = retry_after_ms
