"""What is tried again, and what counts against Konaplate: one row for each way of getting no usable answer.

Never a business code, never a status of 4xx but 408, 421, 425 and 429: Konaplate has answered then, and would
answer the same again. Trying again is safe because every call is an inquiry.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from graph.konaplate.errors import Cause, TimedOutError, UnavailableError
from graph.resilience.guard import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

VERDICTS: Final[Mapping[Cause, Verdict]] = MappingProxyType(
    {
        Cause.NOT_CONNECTED: Verdict(Cause.NOT_CONNECTED, failed=True, retry=True),
        # It will be the same certificate again.
        Cause.CERTIFICATE: Verdict(Cause.CERTIFICATE, failed=True),
        # Our own fault. There are as many connections as slots, so it should not happen.
        Cause.NO_CONNECTION_FREE: Verdict(Cause.NO_CONNECTION_FREE, failed=False),
        # Mostly a connection that Konaplate has closed for being idle: another one need not wait.
        Cause.NO_ANSWER: Verdict(Cause.NO_ANSWER, failed=True, retry=True, pause=False),
        Cause.BROKEN_ANSWER: Verdict(Cause.BROKEN_ANSWER, failed=True),
        Cause.TOO_SLOW: Verdict(Cause.TOO_SLOW, failed=True, lost=True, retry=True),
        # A word about the connection, which another one need not wait for.
        Cause.ASKS_AGAIN: Verdict(Cause.ASKS_AGAIN, failed=False, retry=True, pause=False),
        # Only with Retry-After, see `judge`: without, nothing says that less than the whole deadline would do.
        Cause.THROTTLED: Verdict(Cause.THROTTLED, failed=False, lost=True),
        Cause.BAD_GATEWAY: Verdict(Cause.BAD_GATEWAY, failed=True, lost=True, retry=True),
        Cause.SERVER_FAULT: Verdict(Cause.SERVER_FAULT, failed=True),
    }
)

_ANSWERED: Final = Verdict("answered", failed=False)


def judge(error: Exception) -> Verdict:
    """What the failure of one attempt means."""
    if not isinstance(error, UnavailableError | TimedOutError):
        return _ANSWERED
    verdict = VERDICTS[error.cause]
    if error.details.code is not None and error.cause is not Cause.THROTTLED:
        # Konaplate has answered the question, however it may look: a second call would tell by its time that there
        # was something to answer.
        return Verdict(verdict.cause, verdict.failed, verdict.lost)
    retry_after = error.details.retry_after
    if retry_after is None or error.cause is Cause.SERVER_FAULT:
        return verdict
    return Verdict(verdict.cause, verdict.failed, verdict.lost, retry=True, retry_after=retry_after)
