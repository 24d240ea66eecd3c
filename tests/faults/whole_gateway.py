"""A gateway in front of a real socket, and the check that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx

from graph.app import create_app
from tests.faults.card_upstream import BAD, GOOD
from tests.konaplate.support import ACCESS_KEY, ASP_ID, SECRET_KEY
from tests.support import Gateway, checked_settings
from tests.tools import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from graph.resilience.guard import GuardRules
    from tests.konaplate.faulty_upstream import FaultyUpstream

BOTH: Final = f'{{ good: card(cardNo: "{GOOD}") {{ balance }} bad: card(cardNo: "{BAD}") {{ balance }} }}'
ONLY_GOOD: Final = f'{{ good: card(cardNo: "{GOOD}") {{ balance }} }}'
ONLY_BAD: Final = f'{{ bad: card(cardNo: "{BAD}") {{ balance }} }}'


class Failure(NamedTuple):
    """The parts of an error that clients may branch on."""

    path: list[str | int] | None
    code: str
    retryable: bool


def failures(answer: dict[str, Any]) -> list[Failure]:
    """The errors of a response."""
    return [
        Failure(error.get("path"), error["extensions"]["code"], error["extensions"]["retryable"])
        for error in answer.get("errors", [])
    ]


@asynccontextmanager
async def networked(
    base_url: str,
    rules: GuardRules | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    /,
    **variables: object,
) -> AsyncIterator[Gateway]:
    """A gateway on the network, on the event loop's clock."""
    environment = {
        "KONAPLATE_BASE_URL": base_url,
        "KONAPLATE_ASP_ID": ASP_ID,
        "KONAPLATE_ACCESS_KEY": ACCESS_KEY,
        "KONAPLATE_SECRET_KEY": SECRET_KEY,
        "KONAPLATE_ENCRYPTION": "off",
        **{name: str(value) for name, value in variables.items()},
    }
    clock = asyncio.get_running_loop().time
    app = create_app(checked_settings(environment), transport=transport, clock=clock, rules=rules)
    asgi = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        # The time limit would be the client's own, and none of ours.
        httpx.AsyncClient(transport=asgi, base_url="http://gateway", timeout=None) as client,  # noqa: S113
    ):
        yield Gateway(client, asgi)


@asynccontextmanager
async def gateway_over(
    upstream: FaultyUpstream,
    rules: GuardRules | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    /,
    **variables: object,
) -> AsyncIterator[Gateway]:
    """A gateway over an upstream that leaves no connection, task or file descriptor behind."""
    before = open_files()
    async with upstream:
        async with networked(upstream.base_url, rules, transport, **variables) as gateway:
            yield gateway
        await upstream.until_closed()
        await settle()
        assert {asyncio.current_task()} == asyncio.all_tasks() - upstream.tasks
    await settle()
    assert before == open_files()


def open_files() -> int:
    """How many file descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the fewest descriptors of its own
