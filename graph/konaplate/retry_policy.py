"""What is retried, and what counts as a failure of Konaplate: one row per cause of having no usable response.

Business codes are never retried, nor are statuses of 4xx except 408, 421, 425 and 429: Konaplate has answered and
would give the same answer again. Retries are safe because every call is an inquiry.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from graph.konaplate.errors import Cause, KonaplateError
from graph.resilience.guard import FailurePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICIES: Final[Mapping[str, FailurePolicy]] = MappingProxyType(
    {
        policy.cause: policy
        for policy in (
            FailurePolicy(Cause.NOT_CONNECTED, failed=True, retry=True),
            # The certificate will not have changed.
            FailurePolicy(Cause.CERTIFICATE, failed=True),
            # Our own fault. It should not happen: there are as many connections as slots.
            FailurePolicy(Cause.NO_CONNECTION_FREE, failed=False),
            # Usually a connection that Konaplate closed for being idle, so a new one need not wait.
            FailurePolicy(Cause.NO_ANSWER, failed=True, retry=True, backoff=False),
            FailurePolicy(Cause.BROKEN_ANSWER, failed=True),
            FailurePolicy(Cause.TOO_SLOW, failed=True, lost=True, retry=True),
            # A matter of the connection, so a new one need not wait.
            FailurePolicy(Cause.ASKS_AGAIN, failed=False, retry=True, backoff=False),
            # Retried only with Retry-After, see `policy_of`: without it, no short pause can be expected to help.
            FailurePolicy(Cause.THROTTLED, failed=False, lost=True),
            FailurePolicy(Cause.BAD_GATEWAY, failed=True, lost=True, retry=True),
            FailurePolicy(Cause.SERVER_FAULT, failed=True),
        )
    }
)

_ANSWERED: Final = FailurePolicy("answered", failed=False)


def policy_of(error: Exception) -> FailurePolicy:
    """The policy for the failure of one attempt."""
    if not isinstance(error, KonaplateError) or error.cause is None:
        return _ANSWERED
    policy = POLICIES[error.cause]
    if error.details.code is not None and error.cause is not Cause.THROTTLED:
        # Konaplate has answered. A retry would take longer, and so reveal that there was something to answer.
        return FailurePolicy(policy.cause, policy.failed, policy.lost)
    retry_after = error.details.retry_after
    if retry_after is None or error.cause is Cause.SERVER_FAULT:
        return policy
    return FailurePolicy(policy.cause, policy.failed, policy.lost, retry=True, retry_after=retry_after)
