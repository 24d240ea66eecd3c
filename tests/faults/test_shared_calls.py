"""Concurrent queries for one card share one upstream call, and nothing else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from graph.resilience.guard import GuardRules
from graph.resilience.retry_budget import RetryRules
from graph.security.development import DevelopmentSigner, signer_settings
from tests.faults.card_upstream import BAD, SILENCE, CardUpstream, later, say
from tests.faults.jumping_clock import jumping
from tests.faults.whole_gateway import gateway_over
from tests.konaplate.faulty_upstream import http
from tests.konaplate.support import USER_ID, card_fields, succeeded
from tests.tools import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.faults.card_upstream import Act
    from tests.konaplate.faulty_upstream import Connection
    from tests.support import Gateway

EVERY_SCOPE = ("cards:read:any", "member:read", "cash-receipt:read")
FIELDS = ("balance", "serviceId", "cardStatus", "member { userId }", "cashReceiptInfo { idNo maskedIdNo }")
PROFILE = "member { profile { userName } }"


class Caller(NamedTuple):
    subject: str | None
    """None: anonymous."""
    scopes: tuple[str, ...] = ()
    member: int | None = None


NOBODY = Caller(None)
OWNER = Caller("the-owner", member=USER_ID)
STRANGER = Caller("a-stranger", member=USER_ID + 1)
SERVICE = Caller("a-service", EVERY_SCOPE)
READER = Caller("a-reader", ("cards:read:any",))
POWERLESS = Caller("a-powerless-service")


class Crowd:
    """Callers of one gateway."""

    def __init__(self, gateway: Gateway, signer: DevelopmentSigner) -> None:
        self._gateway = gateway
        self._signer = signer

    async def ask(self, caller: Caller, selection: str = "balance", **headers: str) -> dict[str, Any]:
        """Query the card as somebody."""
        if caller.subject is not None:
            claims = {} if caller.member is None else {"konaplate_user_id": str(caller.member)}
            token = self._signer.token(caller.subject, scopes=caller.scopes, lifetime=600, claims=claims)
            headers["authorization"] = f"Bearer {token}"
        response = await self._gateway.post(f'{{ card(cardNo: "{BAD}") {{ {selection} }} }}', None, **headers)
        answer: dict[str, Any] = response.json()
        return answer

    def start(self, caller: Caller, selection: str = "balance", **headers: str) -> asyncio.Task[dict[str, Any]]:
        """Query without waiting."""
        return asyncio.ensure_future(self.ask(caller, selection, **headers))


@asynccontextmanager
async def crowd(folder: Path, upstream: CardUpstream, rules: GuardRules | None = None) -> AsyncIterator[Crowd]:
    signer = DevelopmentSigner.in_directory(folder)
    settings = {**signer_settings(folder), "KONAGRAPH_AUDIT_LOG": folder / "audit.log"}
    async with gateway_over(upstream, rules, **settings) as gateway:
        yield Crowd(gateway, signer)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("signer")


async def all_have_asked() -> None:
    """Time passes only when nothing is left to run."""
    await asyncio.sleep(0.1)


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


def counting(*balances: int) -> list[Act]:
    """A card whose balance changes from call to call."""
    return [say(http(succeeded(card_fields(balance=balance)))) for balance in balances]


@jumping
async def test_twenty_different_queries_share_a_call_and_each_viewer_sees_no_more_than_alone(folder: Path) -> None:
    viewers = (OWNER, STRANGER, SERVICE, READER, POWERLESS, NOBODY)
    asked = [(viewer, field) for viewer in viewers for field in FIELDS][:30]
    release = asyncio.Event()
    upstream = CardUpstream(
        later(release, say(http(succeeded(card_fields())))), say(http(succeeded(card_fields())))
    )
    async with crowd(folder, upstream) as running:
        tasks = [running.start(viewer, field) for viewer, field in asked]
        await all_have_asked()
        assert len(upstream.bad_calls) == 1
        release.set()
        together = await asyncio.gather(*tasks)
        assert len(upstream.bad_calls) == 1
        alone = [await running.ask(viewer, field) for viewer, field in asked]
    seen = {place: (answer.get("data"), codes(answer)) for place, answer in zip(asked, together, strict=True)}
    assert list(seen.values()) == [(answer.get("data"), codes(answer)) for answer in alone]
    for field in FIELDS:
        assert ({"card": None}, ["CARD_NOT_FOUND"]) == seen[STRANGER, field] == seen[POWERLESS, field]
        assert seen[NOBODY, field] == (None, ["UNAUTHENTICATED"])
    identity = FIELDS[-1]
    masked = {"idNo": None, "maskedIdNo": "010-****-5432"}
    assert {"card": {"cashReceiptInfo": {**masked, "idNo": "01098765432"}}} == seen[SERVICE, identity][0]
    assert {"card": {"cashReceiptInfo": masked}} == seen[OWNER, identity][0] == seen[READER, identity][0]
    assert {"card": {"balance": 9_999_999_999}} == seen[OWNER, "balance"][0] == seen[READER, "balance"][0]


@jumping
async def test_a_member_is_looked_up_once_for_all_who_may_know(folder: Path) -> None:
    upstream = CardUpstream()
    async with crowd(folder, upstream) as running:
        answers = await asyncio.gather(*(running.ask(viewer, PROFILE) for viewer in (SERVICE, READER, OWNER) * 3))
    for allowed, reader, owner in zip(answers[::3], answers[1::3], answers[2::3], strict=True):
        assert allowed["data"] == {"card": {"member": {"profile": {"userName": "홍카나리"}}}}
        assert ["FORBIDDEN"] == codes(reader) == codes(owner)
    assert (len(upstream.bad_calls), upstream.member_calls) == (1, 1)


@jumping
async def test_nothing_is_remembered_once_the_call_is_over(folder: Path) -> None:
    upstream = CardUpstream(*counting(1, 2, 3))
    async with crowd(folder, upstream) as running:
        for balance in (1, 2, 3):
            answers = await asyncio.gather(*(running.ask(OWNER) for _ in range(5)))
            assert [{"data": {"card": {"balance": balance}}}] * 5 == answers
    assert len(upstream.bad_calls) == 3


@jumping
async def test_a_failure_is_shared_and_not_remembered(folder: Path) -> None:
    upstream = CardUpstream(say(http(b"", "500 Internal Server Error")), *counting(5))
    async with crowd(folder, upstream) as running:
        answers = await asyncio.gather(*(running.ask(viewer) for viewer in (OWNER, SERVICE, READER)))
        assert [codes(answer) for answer in answers] == [["UPSTREAM_UNAVAILABLE"]] * 3
        # One call, and one id of it for the vendor's support.
        ids = {answer["errors"][0]["extensions"]["upstream"]["correlationId"] for answer in answers}
        assert (len(ids), len(upstream.bad_calls)) == (1, 1)
        assert await running.ask(OWNER) == {"data": {"card": {"balance": 5}}}


@jumping
async def test_whoever_leaves_does_not_disturb_the_others(folder: Path) -> None:
    loop, release = asyncio.get_running_loop(), asyncio.Event()
    (answer,) = counting(7)
    upstream = CardUpstream(later(release, answer))
    async with crowd(folder, upstream) as running:
        # The first caller's request made the call; only the last caller stays.
        gone = [running.start(OWNER), running.start(SERVICE)]
        hasty = running.start(READER, **{"x-request-timeout-ms": "100"})
        stays = running.start(OWNER)
        await asyncio.sleep(0.05)
        for task in gone:
            task.cancel()
        await asyncio.wait(gone)
        assert codes(await hasty) == ["UPSTREAM_TIMEOUT"]
        assert pytest.approx(loop.time()) == 0.1
        release.set()
        assert await stays == {"data": {"card": {"balance": 7}}}
    assert len(upstream.bad_calls) == 1


@jumping
async def test_whoever_joins_late_waits_no_longer_than_allowed(folder: Path) -> None:
    loop, upstream = asyncio.get_running_loop(), CardUpstream(SILENCE)
    async with crowd(folder, upstream, GuardRules(RetryRules(attempts=1))) as running:
        first = running.start(OWNER)
        await asyncio.sleep(1)
        second = await running.ask(SERVICE, **{"x-request-timeout-ms": "200"})
        assert pytest.approx(loop.time()) == 1.2
        # The call's own time limit counts from its start.
        assert ["UPSTREAM_TIMEOUT"] == codes(await first) == codes(second)
        assert pytest.approx(loop.time()) == 1.5
    assert len(upstream.bad_calls) == 1


@jumping
async def test_the_call_ends_with_the_last_who_waits_for_it(folder: Path) -> None:
    loop, upstream = asyncio.get_running_loop(), CardUpstream(SILENCE, *counting(9))
    async with crowd(folder, upstream) as running:
        before = asyncio.all_tasks() - upstream.tasks
        waiting = [running.start(viewer) for viewer in (OWNER, SERVICE, READER)]
        await all_have_asked()
        for task in waiting[:2]:
            task.cancel()
        await all_have_asked()
        assert not upstream.connections[0].closed.is_set()
        waiting[2].cancel()
        await upstream.connections[0].closed.wait()
        assert pytest.approx(loop.time()) == 0.2
        await settle()
        assert before == asyncio.all_tasks() - upstream.tasks
        # A later query has a call of its own.
        assert await running.ask(OWNER) == {"data": {"card": {"balance": 9}}}
    assert len(upstream.bad_calls) == 2


@jumping
async def test_whoever_joins_as_the_last_one_leaves_gets_an_answer(folder: Path) -> None:
    upstream = CardUpstream(SILENCE, *counting(3))
    async with crowd(folder, upstream) as running:
        leaving = running.start(OWNER)
        await all_have_asked()
        leaving.cancel()
        joining = running.start(SERVICE)
        assert await joining == {"data": {"card": {"balance": 3}}}
    assert len(upstream.bad_calls) == 2


@jumping
async def test_a_retry_serves_all_who_wait(folder: Path) -> None:
    async def vanish(connection: Connection, _request: bytes) -> None:
        connection.reset()

    upstream = CardUpstream(vanish, *counting(4))
    async with crowd(folder, upstream) as running:
        answers = await asyncio.gather(*(running.ask(OWNER) for _ in range(6)))
    assert answers == [{"data": {"card": {"balance": 4}}}] * 6
    assert len(upstream.bad_calls) == 2
