"""What is to be reached, and whether it is."""

from __future__ import annotations

from benchmarks import goals, others
from benchmarks.cases import ALIASES, CARD_32, CARD_SLOW, HOT
from benchmarks.gateways import ENCRYPTED, EVERYTHING, PLAIN
from benchmarks.goals import Goal
from benchmarks.tailcall import TAILCALL
from benchmarks.targets import GATEWAY


def one(per_second: float = 1, *, p99: float = 1, calls: float = 1, resident: float = 1) -> list[dict[str, float]]:
    return [
        {
            "requests_per_second": per_second,
            "p99_ms": p99,
            "upstream_calls_per_request": calls,
            "resident_mb": resident,
        }
    ]


def beside(case: str, targets: dict[str, list[dict[str, float]]]) -> dict[str, Goal]:
    return {goal.name: goal for goal in goals.goals({"cases": {case: targets}}, None)}


def test_a_multiple_of_another_s_throughput_is_a_goal() -> None:
    found = beside(CARD_32.name, {GATEWAY: one(900), others.MERCURIUS.name: one(1000), others.HIVE.name: one(100)})
    assert [(1.0, 0.9, False), (8, 9, True)] == [(goal.bound, goal.measured, goal.met) for goal in found.values()]


def test_what_was_not_measured_is_no_goal() -> None:
    assert {} == beside(CARD_32.name, {GATEWAY: one(900)})
    assert {} == beside(CARD_32.name, {others.MERCURIUS.name: one(900)})
    assert [] == goals.goals(None, None)


def test_latency_and_calls_are_to_be_small() -> None:
    slow = beside(CARD_SLOW.name, {GATEWAY: one(p99=30), others.MERCURIUS.name: one(p99=40)})
    assert [(0.75, True)] == [(goal.measured, goal.met) for goal in slow.values()]


def test_a_peer_that_shares_calls_is_compared_with_and_left_out_as_well() -> None:
    for case in HOT:
        hot = beside(case.name, {GATEWAY: one(calls=0.1), "a": one(calls=1), TAILCALL.name: one(calls=0.2)})
        assert [(0.5, False), (0.1, True)] == [(goal.measured, goal.met) for goal in hot.values()]
        assert ["any peer", "any peer that shares no calls"] == [
            name.partition("the fewest of ")[2] for name in hot
        ]


def test_many_aliases_are_compared_with_the_best_peer() -> None:
    (goal,) = beside(ALIASES.name, {GATEWAY: one(90), "a": one(10), "b": one(100)}).values()
    assert (0.9, f"{ALIASES.name}: throughput, of the best peer, b") == (goal.measured, goal.name)


def test_the_gateway_s_own_goals_need_its_own_figures() -> None:
    cases = {
        CARD_32.name: {PLAIN.name: one(1000), EVERYTHING.name: one(700), ENCRYPTED.name: one(3000)},
        "another": {PLAIN.name: one(resident=90)},
    }
    found = goals.goals(None, {"cases": cases, "bare_us": [250]})
    assert [(0.75, True), (0.7, True), (90, False)] == [(goal.measured, goal.met) for goal in found]


def test_only_a_goal_that_is_not_met_is_given_its_reason() -> None:
    reasons = {"speed": "because"}
    assert ("speed", "≥ 2", "2.00", "met", "") == Goal("speed", 2, 2).row(reasons)
    assert ("speed", "≥ 2", "1.00", "**not met**", "because") == Goal("speed", 2, 1).row(reasons)
    assert ("size", "≤ 2", "3.00", "**not met**", "") == Goal("size", 2, 3, at_least=False).row(reasons)


def test_the_table_counts_what_is_met() -> None:
    assert goals.markdown([Goal("a", 1, 2), Goal("b", 1, 0)]).startswith("1 of 2 are met.")
