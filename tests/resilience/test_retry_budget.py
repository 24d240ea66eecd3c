"""The budget of retries: a tenth of the calls, and three a second."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.resilience.retry_budget import RetryBudget, RetryRules
from tests.resilience.clocks import Clock
from tests.tools import examples

RULES = RetryRules()


def emptied() -> tuple[RetryBudget, Clock]:
    clock = Clock()
    budget = RetryBudget(RULES, clock)
    while budget.withdraw():
        pass
    return budget, clock


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert RetryRules(2, 0.05, 0.25, 0.1, 3.0, 10.0) == RULES


def test_a_fresh_budget_holds_ten_seconds_worth() -> None:
    budget = RetryBudget(RULES, Clock())
    assert [budget.withdraw() for _ in range(31)] == [True] * 30 + [False]


def test_ten_calls_pay_for_one_retry() -> None:
    budget, _ = emptied()
    for _ in range(9):
        budget.deposit()
    assert not budget.withdraw()
    budget.deposit()
    budget.deposit()
    assert budget.withdraw()
    assert not budget.withdraw()


def test_a_second_pays_for_three_retries() -> None:
    budget, clock = emptied()
    clock.now += 1
    assert [budget.withdraw() for _ in range(4)] == [True, True, True, False]


def test_no_more_is_saved_up_than_ten_seconds_worth() -> None:
    budget, clock = emptied()
    clock.now += 3_600
    for _ in range(10_000):
        budget.deposit()
    assert [budget.withdraw() for _ in range(31)] == [True] * 30 + [False]


def test_without_either_source_there_are_no_retries_beyond_the_first() -> None:
    clock = Clock()
    budget = RetryBudget(RetryRules(budget_ratio=0, budget_per_second=0), clock)
    assert budget.withdraw()
    clock.now += 1_000
    budget.deposit()
    assert not budget.withdraw()


@settings(max_examples=examples(200))
@given(st.lists(st.one_of(st.just("call"), st.just("retry"), st.floats(0, 5)), max_size=200))
def test_retries_never_exceed_what_calls_and_time_have_paid_for(steps: list[str | float]) -> None:
    clock = Clock()
    budget = RetryBudget(RULES, clock)
    calls, granted, began = 0, 0, clock.now
    for step in steps:
        if step == "call":
            budget.deposit()
            calls += 1
        elif step == "retry":
            granted += budget.withdraw()
        elif isinstance(step, float):
            clock.now += step
        assert granted <= 30 + 0.1 * calls + 3 * (clock.now - began) + 1e-6
