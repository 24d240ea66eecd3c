"""A viewer's budgets: what is counted, against whom, and when more may be asked for."""

from __future__ import annotations

import re

import pytest

from graph.security.authorization import ANONYMOUS, Allowance, Viewer
from graph.security.budgets import Budgets, CostStatus
from graph.security.card_refs import CardRefs
from graph.security.errors import RateLimitedError
from graph.security.limiter import LocalLimiter
from schema.secrets import CardNo, Credential
from tests.security.watched_limiter import WatchedLimiter
from tests.support import sandbox_settings

CARDS = [CardNo(f"94913394{index:08d}") for index in range(400)]
REFS = CardRefs(Credential("a key of thirty-two characters or more"))


def viewer(name: str, allowance: Allowance | None = None) -> Viewer:
    return Viewer("service", name, frozenset(), None, allowance or Allowance())


MEMBER = viewer("member")


class Purse:
    """Budgets whose clock the test controls."""

    def __init__(self) -> None:
        self.now = 0.0
        self.budgets = Budgets(LocalLimiter(lambda: self.now), REFS)

    async def cards(self, numbers: list[CardNo], by: Viewer = MEMBER) -> list[int]:
        """For each card 0, or the milliseconds until it may be asked for."""
        refusals = await self.budgets.spend_cards(by, [REFS.of(number) for number in numbers])
        assert {refusal.budget for refusal in refusals if refusal} <= {"cards"}
        return [refusal.retry_after_ms if refusal else 0 for refusal in refusals]

    async def request(self, by: Viewer = MEMBER) -> int:
        """0, or the milliseconds until a request may be made."""
        try:
            await self.budgets.spend_request(by)
        except RateLimitedError as refusal:
            return refusal.retry_after_ms
        return 0


@pytest.fixture
def purse() -> Purse:
    return Purse()


def test_the_settings_defaults_are_the_allowances_and_the_documented_numbers() -> None:
    expected = Allowance(
        requests_per_second=50,
        request_burst=100,
        cost_per_second=50,
        cost_burst=1_000,
        cards_per_minute=30,
        cards_per_hour=300,
    )
    assert Allowance() == expected
    assert sandbox_settings().allowance == expected


def test_budgets_come_from_the_settings_or_follow_from_them() -> None:
    settings = sandbox_settings(
        KONAGRAPH_REQUEST_RATE=2,
        KONAGRAPH_REQUEST_BURST=3,
        KONAGRAPH_COST_BURST=50,
        KONAGRAPH_CARDS_PER_MINUTE=5,
    )
    assert Allowance(2, 3, 2.5, 50, 5, 50) == settings.allowance


async def test_a_hundred_requests_at_once_and_then_fifty_a_second(purse: Purse) -> None:
    assert [await purse.request() for _ in range(101)] == [0] * 100 + [20]
    purse.now += 1
    assert [await purse.request() for _ in range(51)] == [0] * 50 + [20]


async def test_a_refusal_names_its_budget(purse: Purse) -> None:
    by = viewer("one", Allowance(request_burst=1))
    await purse.budgets.spend_request(by)
    with pytest.raises(RateLimitedError) as refused:
        await purse.budgets.spend_request(by)
    assert (refused.value.budget, str(refused.value)) == ("requests", "requests")


async def test_a_request_passes_when_its_wait_is_over_and_not_earlier(purse: Purse) -> None:
    while not (wait := await purse.request()):
        pass
    purse.now += (wait - 1) / 1000
    assert await purse.request() == 1
    purse.now += 1 / 1000
    assert await purse.request() == 0


async def test_thirty_cards_a_minute(purse: Purse) -> None:
    assert await purse.cards(CARDS[:31]) == [0] * 30 + [60_000]
    purse.now += 59.5
    assert await purse.cards(CARDS[30:31]) == [500]
    purse.now += 0.5
    assert await purse.cards(CARDS[30:61]) == [0] * 30 + [60_000]


async def test_three_hundred_cards_an_hour(purse: Purse) -> None:
    for minute in range(10):
        assert await purse.cards(CARDS[30 * minute : 30 * minute + 30]) == [0] * 30
        purse.now += 60
    # The first card was counted ten minutes ago.
    assert await purse.cards(CARDS[300:301]) == [3_000_000]
    purse.now += 3_000
    assert await purse.cards(CARDS[300:330]) == [0] * 30


async def test_a_card_passes_when_its_wait_is_over_and_not_earlier(purse: Purse) -> None:
    await purse.cards(CARDS[:30])
    purse.now += 12.345
    (wait,) = await purse.cards(CARDS[30:31])
    purse.now += (wait - 1) / 1000
    assert await purse.cards(CARDS[30:31]) == [1]
    purse.now += 1 / 1000
    assert await purse.cards(CARDS[30:31]) == [0]


async def test_repeats_are_free_in_one_call_and_in_later_ones(purse: Purse) -> None:
    assert await purse.cards(CARDS[:30] * 2) == [0] * 60
    assert await purse.cards(CARDS[:30]) == [0] * 30
    assert await purse.cards([CARDS[0], CARDS[30], CARDS[29]]) == [0, 60_000, 0]


async def test_a_card_that_was_refused_is_not_counted(purse: Purse) -> None:
    await purse.cards(CARDS[:29])
    assert await purse.cards(CARDS[29:32]) == [0, 60_000, 60_000]
    purse.now += 60
    assert await purse.cards(CARDS[100:130]) == [0] * 30


async def test_two_viewers_do_not_share_any_budget(purse: Purse) -> None:
    allowance = Allowance(1, 1, 1, 1, 1, 1)
    for name in ("one", "other"):
        by = viewer(name, allowance)
        assert await purse.cards(CARDS[:2], by) == [0, 60_000 * 60]
        assert [await purse.request(by), await purse.request(by)] == [0, 1_000]
        assert (await purse.budgets.spend_cost(by, 1)) is not None


async def test_a_viewers_budgets_do_not_draw_on_each_other(purse: Purse) -> None:
    by = viewer("one", Allowance(1, 1, 1, 1, 1, 1))
    assert await purse.request(by) == 0
    assert CostStatus(1, 0, 1, 1) == await purse.budgets.spend_cost(by, 1)
    assert await purse.cards(CARDS[:1], by) == [0]


async def test_a_viewer_without_an_allowance_has_no_bounds(purse: Purse) -> None:
    assert await purse.cards(CARDS, ANONYMOUS) == [0] * 400
    assert {await purse.request(ANONYMOUS) for _ in range(200)} == {0}
    assert await purse.budgets.spend_cost(ANONYMOUS, 1_000_000) is None


async def test_no_cards_cost_nothing(purse: Purse) -> None:
    assert await purse.cards([]) == []


async def test_cost_is_taken_from_a_bucket_that_refills(purse: Purse) -> None:
    assert CostStatus(400, 600, 1_000, 50) == await purse.budgets.spend_cost(MEMBER, 400)
    assert CostStatus(500, 100, 1_000, 50) == await purse.budgets.spend_cost(MEMBER, 500)
    with pytest.raises(RateLimitedError) as refused:
        await purse.budgets.spend_cost(MEMBER, 101)
    assert (refused.value.budget, refused.value.retry_after_ms) == ("cost", 20)
    purse.now += 0.02
    assert CostStatus(101, 0, 1_000, 50) == await purse.budgets.spend_cost(MEMBER, 101)


async def test_a_refusal_of_the_rest_says_when_there_is_enough_for_the_whole_operation(purse: Purse) -> None:
    by = viewer("one", Allowance(cost_per_second=10, cost_burst=100))
    await purse.budgets.spend_cost(by, 60)
    with pytest.raises(RateLimitedError) as refused:
        await purse.budgets.spend_cost(by, 50, 30)
    # Of the 80 that it costs, 40 are there.
    assert (refused.value.budget, refused.value.retry_after_ms) == ("cost", 4_000)
    purse.now += 4
    assert CostStatus(80, 0, 100, 10) == await purse.budgets.spend_cost(by, 80)


async def test_cost_that_was_not_needed_is_given_back(purse: Purse) -> None:
    await purse.budgets.spend_cost(MEMBER, 400)
    assert CostStatus(-150, 750, 1_000, 50) == await purse.budgets.spend_cost(MEMBER, -150)
    assert CostStatus(-500, 1_000, 1_000, 50) == await purse.budgets.spend_cost(MEMBER, -500)
    assert await purse.budgets.spend_cost(ANONYMOUS, -10) is None


async def test_what_is_said_to_be_available_is_rounded_down(purse: Purse) -> None:
    await purse.budgets.spend_cost(MEMBER, 100)
    purse.now += 0.055
    assert CostStatus(0, 902, 1_000, 50) == await purse.budgets.spend_cost(MEMBER, 0)


async def test_a_viewers_new_allowance_holds_from_the_next_request_on(purse: Purse) -> None:
    slow, fast = (
        Allowance(requests_per_second=1, request_burst=1),
        Allowance(requests_per_second=4, request_burst=1),
    )
    assert [await purse.request(viewer("one", slow)) for _ in range(2)] == [0, 1_000]
    assert [await purse.request(viewer("one", fast)) for _ in range(2)] == [250, 250]
    assert await purse.request(viewer("one", slow)) == 1_000


async def test_equal_allowances_of_one_viewer_are_one_budget(purse: Purse) -> None:
    first, second = (viewer("one", Allowance(1, 2, 1, 20, 1, 1)) for _ in range(2))
    assert [await purse.request(by) for by in (first, second, first)] == [0, 0, 1_000]
    assert CostStatus(15, 5, 20, 1) == await purse.budgets.spend_cost(first, 15)
    assert CostStatus(5, 0, 20, 1) == await purse.budgets.spend_cost(second, 5)
    assert await purse.cards(CARDS[:1], first) == [0]
    assert await purse.cards(CARDS[1:2], second) == [3_600_000]


async def test_what_is_kept_of_viewers_is_bounded_and_no_budget_is_lost_with_it(purse: Purse) -> None:
    by = viewer("one", Allowance(1, 1, 1, 1, 1, 1))
    assert await purse.request(by) == 0
    for number in range(2_500):
        await purse.budgets.spend_request(viewer(f"another {number}", by.allowance))
    assert purse.budgets._budgets_of.cache_info().currsize <= 1_000
    assert await purse.request(by) == 1_000


async def test_the_limiter_sees_no_viewers_names() -> None:
    limiter = WatchedLimiter()
    budgets = Budgets(limiter, REFS)
    by = viewer("kim@example.com")
    await budgets.spend_request(by)
    await budgets.spend_cost(by, 1)
    await budgets.spend_cards(by, ["a-card"])
    assert limiter.told.pop() == "a-card"
    assert len(limiter.told) == 3
    for name in limiter.told:
        assert re.fullmatch(r"[a-p]{30}:[a-z]+", name)
