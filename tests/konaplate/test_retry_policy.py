"""What is retried and what counts against Konaplate: the table is complete and as documented."""

from __future__ import annotations

import pytest

from graph.konaplate import errors
from graph.konaplate.errors import CallDetails, Cause, KonaplateError, TimedOutError, UnavailableError
from graph.konaplate.responses import seconds_to_wait
from graph.konaplate.retry_policy import POLICIES, policy_of
from tests.konaplate.support import DETAILS as CODED
from tests.tables import table

DETAILS = CallDetails("an-id", 503)

# Retried; counted by the breaker; a sign of overload; after a pause.
EXPECTED = {
    Cause.NOT_CONNECTED: (True, True, False, True),
    Cause.CERTIFICATE: (False, True, False, True),
    Cause.NO_CONNECTION_FREE: (False, False, False, True),
    Cause.NO_ANSWER: (True, True, False, False),
    Cause.BROKEN_ANSWER: (False, True, False, True),
    Cause.TOO_SLOW: (True, True, True, True),
    Cause.ASKS_AGAIN: (True, False, False, False),
    Cause.THROTTLED: (False, False, True, True),
    Cause.BAD_GATEWAY: (True, True, True, True),
    Cause.SERVER_FAULT: (False, True, False, True),
}
NOVEMBER = 1_700_000_000.0
NOVEMBER_IN_WORDS = "Tue, 14 Nov 2023 22:13:20 GMT"


def test_every_cause_has_a_row() -> None:
    assert set(Cause) == POLICIES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_is_judged_as_documented(cause: Cause) -> None:
    policy = policy_of(UnavailableError(DETAILS, cause))
    assert EXPECTED[cause] == (policy.retry, policy.failed, policy.lost, policy.backoff)
    assert (cause.value, None) == (policy.cause, policy.retry_after)


@pytest.mark.parametrize("cause", [Cause.THROTTLED, Cause.BAD_GATEWAY, Cause.ASKS_AGAIN])
def test_a_wish_to_be_called_later_is_followed(cause: Cause) -> None:
    policy = policy_of(UnavailableError(CallDetails("an-id", 503, retry_after=0.5), cause))
    assert (policy.retry, policy.retry_after) == (True, 0.5)
    assert (EXPECTED[cause][1], EXPECTED[cause][2]) == (policy.failed, policy.lost)


def test_a_fault_of_the_server_is_not_tried_again_even_if_it_says_when() -> None:
    assert not policy_of(UnavailableError(CallDetails("an-id", 500, retry_after=0.5), Cause.SERVER_FAULT)).retry


@pytest.mark.parametrize(("cause", "retry"), [(Cause.BAD_GATEWAY, False), (Cause.THROTTLED, True)])
def test_an_answer_with_a_code_is_tried_again_only_when_we_were_too_fast(cause: Cause, retry: bool) -> None:
    policy = policy_of(UnavailableError(CallDetails("an-id", 503, CODED.code, retry_after=0.5), cause))
    assert policy.retry is retry
    assert (EXPECTED[cause][1], EXPECTED[cause][2]) == (policy.failed, policy.lost)


def test_no_answer_in_time_is_tried_again_and_counts() -> None:
    policy = policy_of(TimedOutError(DETAILS))
    assert (policy.retry, policy.failed, policy.lost) == (True, True, True)


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, KonaplateError)
        and not issubclass(kind, UnavailableError | TimedOutError | errors.InvalidFieldError)
    ],
)
def test_whatever_else_is_an_answer_and_neither_tried_again_nor_counted(kind: type[KonaplateError]) -> None:
    policy = policy_of(kind(DETAILS))
    assert (policy.retry, policy.failed, policy.lost) == (False, False, False)


@table(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("9" * 5_000, 999_999.0),
        (NOVEMBER_IN_WORDS, 0.0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0.0),
        ("Tuesday, 14-Nov-23 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:13:50 -0000", 30.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("１２", None),
        ("Tue, 14 Nov 99999 22:13:20 GMT", None),
    ],
)
def test_the_time_to_wait_is_read_from_seconds_and_from_dates(text: str, seconds: float | None) -> None:
    assert seconds == seconds_to_wait(text, NOVEMBER)
