"""What is tried again, and what counts against Konaplate: one row for each way of getting no usable answer.

Never a business code, never a status of 4xx but 408, 421, 425 and 429: Konaplate has answered then, and would
answer the same again. Trying again is safe because every call is an inquiry.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from graph.konaplate.errors import Cause, KonaplateError
from graph.resilience.guard import FailurePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICIES: Final[Mapping[Cause, FailurePolicy]] = MappingProxyType(
    {
        Cause.NOT_CONNECTED: FailurePolicy(Cause.NOT_CONNECTED, failed=True, retry=True),
        # It will be the same certificate again.
        Cause.CERTIFICATE: FailurePolicy(Cause.CERTIFICATE, failed=True),
        # Our own fault. There are as many connections as slots, so it should not happen.
        Cause.NO_CONNECTION_FREE: FailurePolicy(Cause.NO_CONNECTION_FREE, failed=False),
        # Mostly a connection that Konaplate has closed for being idle: another one need not wait.
        Cause.NO_ANSWER: FailurePolicy(Cause.NO_ANSWER, failed=True, retry=True, backoff=False),
        Cause.BROKEN_ANSWER: FailurePolicy(Cause.BROKEN_ANSWER, failed=True),
        Cause.TOO_SLOW: FailurePolicy(Cause.TOO_SLOW, failed=True, lost=True, retry=True),
        # A word about the connection, which another one need not wait for.
        Cause.ASKS_AGAIN: FailurePolicy(Cause.ASKS_AGAIN, failed=False, retry=True, backoff=False),
        # Only with Retry-After, see `policy_of`: without, nothing says that less than the whole deadline would do.
        Cause.THROTTLED: FailurePolicy(Cause.THROTTLED, failed=False, lost=True),
        Cause.BAD_GATEWAY: FailurePolicy(Cause.BAD_GATEWAY, failed=True, lost=True, retry=True),
        Cause.SERVER_FAULT: FailurePolicy(Cause.SERVER_FAULT, failed=True),
    }
)

_ANSWERED: Final = FailurePolicy("answered", failed=False)


def policy_of(error: Exception) -> FailurePolicy:
    """What the failure of one attempt means."""
    if not isinstance(error, KonaplateError) or error.cause is None:
        return _ANSWERED
    policy = POLICIES[error.cause]
    if error.details.code is not None and error.cause is not Cause.THROTTLED:
        # Konaplate has answered the question, however it may look: a second call would tell by its time that there
        # was something to answer.
        return FailurePolicy(policy.cause, policy.failed, policy.lost)
    retry_after = error.details.retry_after
    if retry_after is None or error.cause is Cause.SERVER_FAULT:
        return policy
    return FailurePolicy(policy.cause, policy.failed, policy.lost, retry=True, retry_after=retry_after)
