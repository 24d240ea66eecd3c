"""A server with several addresses, some of which stay silent: RFC 8305."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from graph.happy_eyeballs import Addresses

FOUR = [f"192.0.2.{last}" for last in range(1, 5)]
SIX = [f"2001:db8::{last}" for last in range(1, 3)]


class Dialled:
    """Connects to addresses that behave as told; records the order of attempts."""

    def __init__(self, **behaviours: Any) -> None:
        self.tried: list[str] = []
        self.discarded: list[str] = []
        self.behaviours: dict[str, Any] = behaviours

    def becomes(self, address: str, behaviour: str) -> None:
        self.behaviours[address] = behaviour

    async def connect(self, address: str) -> str:
        self.tried.append(address)
        behaviour = self.behaviours.get(address, "well")
        if behaviour == "silent":
            await asyncio.Event().wait()
        if behaviour == "refuses":
            raise ConnectionRefusedError
        return address

    async def first(self, addresses: Addresses, within: float = 0.05) -> str:
        self.tried.clear()
        found = await addresses.first(self.connect, self.discarded.append, within)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return found


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A name that has these addresses."""

    def name(*found: str) -> Addresses:
        async def getaddrinfo(*_arguments: Any, **_options: Any) -> list[Any]:
            families = {each: socket.AF_INET6 if ":" in each else socket.AF_INET for each in found}
            return [(families[each], socket.SOCK_STREAM, 6, "", (each, 443)) for each in found]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
        return Addresses("konaplate.test", 443)

    return name


async def test_a_silent_address_is_passed_over_and_tried_last_from_then_on(named: Any) -> None:
    addresses, dialled = named(*FOUR), Dialled()
    dialled.becomes(FOUR[0], "silent")
    assert FOUR[1] == await dialled.first(addresses)
    assert FOUR[:2] == dialled.tried
    assert FOUR[1] == await dialled.first(addresses)
    assert FOUR[1:2] == dialled.tried
    dialled.becomes(FOUR[1], "silent")
    assert FOUR[2] == await dialled.first(addresses)
    assert FOUR[1:3] == dialled.tried


async def test_an_address_that_refuses_is_followed_by_the_next_at_once(named: Any) -> None:
    addresses, dialled = named(*FOUR), Dialled()
    dialled.becomes(FOUR[0], "refuses")
    # In an hour, no time would pass for a second attempt.
    async with asyncio.timeout(30):
        assert FOUR[1] == await dialled.first(addresses, within=3600)


@pytest.mark.slow
async def test_every_address_gets_its_turn_before_the_time_is_over(named: Any) -> None:
    addresses, dialled = named(*FOUR), Dialled()
    for address in FOUR[:3]:
        dialled.becomes(address, "silent")
    async with asyncio.timeout(2):
        assert FOUR[3] == await dialled.first(addresses, within=2)


async def test_the_families_take_turns(named: Any) -> None:
    addresses, dialled = named(*SIX, *FOUR[:1]), Dialled()
    for address in (*SIX, *FOUR):
        dialled.becomes(address, "refuses")
    with pytest.raises(ConnectionRefusedError):
        await dialled.first(addresses)
    assert [SIX[0], FOUR[0], SIX[1]] == dialled.tried


async def test_whoever_gives_up_leaves_no_attempt_behind(named: Any) -> None:
    addresses, dialled = named(*FOUR), Dialled()
    for address in FOUR:
        dialled.becomes(address, "silent")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await dialled.first(addresses, within=0.05)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_name_without_addresses_is_an_error_of_the_connection(named: Any) -> None:
    with pytest.raises(OSError, match="no address"):
        await Dialled().first(named())
