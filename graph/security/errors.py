"""Why a request, or a part of it, is refused.

SecurityError
├── UnauthenticatedError        no valid credentials
├── KeysUnavailableError        the keys to verify a token are unavailable
├── ForbiddenError              the viewer lacks a scope
├── HiddenError                 it is not the viewer's, or does not exist; the viewer cannot tell which
│   ├── CardHiddenError         a card
│   └── MemberHiddenError       a member
├── AuditUnavailableError       the audit log is unavailable, so cards and members are withheld
└── BudgetError                 a budget does not suffice
    ├── RateLimitedError        it is spent
    └── BudgetTooSmallError     it never holds as much
"""

from __future__ import annotations


class SecurityError(Exception):
    """Root of the tree. It has no free text, so nothing of a credential can leak through it."""


class UnauthenticatedError(SecurityError):
    """There are no valid credentials.

    Args:
        reason: for the log only; a constant of this code base, never a part of a credential.
        challenge: the scheme of the credentials that are wanted, for `WWW-Authenticate`.
    """

    def __init__(self, reason: str, challenge: str = "Bearer") -> None:
        super().__init__(reason)
        self.reason = reason
        self.challenge = challenge


class KeysUnavailableError(SecurityError):
    """No key set has been loaded yet, or the last one is too old."""


class ForbiddenError(SecurityError):
    """The viewer lacks a scope, which the error names."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class HiddenError(SecurityError):
    """The viewer may not know whether something exists."""


class CardHiddenError(HiddenError):
    """The viewer may not know whether the card exists."""


class MemberHiddenError(HiddenError):
    """The viewer may not know whether the member exists."""


class AuditUnavailableError(SecurityError):
    """Data is withheld because its access cannot be audited."""


class BudgetError(SecurityError):
    """A budget does not suffice.

    Args:
        budget: `requests`, `cost` or `cards`.
    """

    def __init__(self, budget: str) -> None:
        super().__init__(budget)
        self.budget = budget


class RateLimitedError(BudgetError):
    """A budget is spent.

    Args:
        budget: see `BudgetError`.
        retry_after_ms: milliseconds until the same request may pass.
    """

    def __init__(self, budget: str, retry_after_ms: int) -> None:
        super().__init__(budget)
        self.retry_after_ms = retry_after_ms


class BudgetTooSmallError(BudgetError):
    """A budget never holds as much as the request takes.

    Args:
        budget: see `BudgetError`.
        maximum: how much it holds.
    """

    def __init__(self, budget: str, maximum: int) -> None:
        super().__init__(budget)
        self.maximum = maximum
