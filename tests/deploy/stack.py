"""The deployment as processes on loopback: HAProxy, two gateways, and a fake Konaplate."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx

from graph.security.development import DevelopmentSigner, signer_settings
from tests.cli.processes import DEADLINE, command
from tests.deploy.balancer import balancer, loopback_network
from tests.independent.konaplate import IndependentKonaplate

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.cli.processes import Command
    from tests.deploy.balancer import Balancer

CARD: Final = "9491339400005678"
BALANCE: Final = 31_400
QUERY: Final = "query ($cardNo: CardNumber!) { card(cardNo: $cardNo) { balance } }"
CARDS_PER_MINUTE: Final = 3
_PLENTY: Final = "100000"
_UPSTREAM_SECONDS: Final = 0.02


class DistantKonaplate(IndependentKonaplate):
    """Answers after a delay, so that requests are in flight whenever a gateway stops."""

    async def _exchange(self, reader: asyncio.StreamReader) -> tuple[bytes, bool]:
        answer = await super()._exchange(reader)
        await asyncio.sleep(_UPSTREAM_SECONDS)
        return answer


def upstream() -> IndependentKonaplate:
    """A Konaplate with one card, without encryption, which has its own tests."""
    konaplate = DistantKonaplate(encrypted=False)
    konaplate.cards[CARD] = {"balance": BALANCE, "serviceName": "card of a test"}
    return konaplate


class Gateway:
    """One gateway with an address of its own and the usual ports."""

    def __init__(self, host: str, settings: dict[str, str]) -> None:
        self.host = host
        self.url = f"http://{host}:8000"
        own = {"KONAGRAPH_HOST": host, "KONAGRAPH_ADMIN_HOST": host, "KONAGRAPH_ADMIN_PORT": "9090"}
        self._settings = {**settings, **own}
        self._stack = AsyncExitStack()
        self._process: Command | None = None

    async def start(self) -> None:
        """Start the process, and wait until it answers."""
        self._process = await self._stack.enter_async_context(command("serve", **self._settings))
        await self._process.url()

    async def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal and wait for the exit; the exit status and the log."""
        assert self._process is not None
        self._process.send(number)
        outcome = await self._process.ended()
        await self.aclose()
        return outcome

    async def aclose(self) -> None:
        """Stop the process if it still runs."""
        await self._stack.aclose()


class Stack:
    """The running deployment."""

    def __init__(self, gateways: tuple[Gateway, Gateway], balancer: Balancer, signer: DevelopmentSigner) -> None:
        self.gateways = gateways
        self.balancer = balancer
        self._signer = signer
        self._viewers = itertools.count(1)

    def viewer(self) -> dict[str, str]:
        """The headers of a new viewer who may see every card."""
        token = self._signer.token(f"viewer-{next(self._viewers)}", scopes=("cards:read:any",), lifetime=3600)
        return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def running_stack(folder: Path, redis_url: str) -> AsyncIterator[Stack]:
    """Start everything, with both gateways in use."""
    signer = DevelopmentSigner.in_directory(folder / "signer")
    network = loopback_network()
    async with AsyncExitStack() as stack:
        konaplate = await stack.enter_async_context(upstream())
        settings = {
            **gateway_settings(konaplate, redis_url),
            **{name: str(value) for name, value in signer_settings(folder / "signer").items()},
        }
        gateways = Gateway(f"{network}.1", settings), Gateway(f"{network}.2", settings)
        for gateway in gateways:
            stack.push_async_callback(gateway.aclose)
        async with asyncio.TaskGroup() as starts:
            for gateway in gateways:
                starts.create_task(gateway.start())
        hosts = [gateway.host for gateway in gateways]
        front = await stack.enter_async_context(balancer(folder / "haproxy.log", hosts))
        await front.until_up(len(gateways))
        yield Stack(gateways, front, signer)


def gateway_settings(konaplate: IndependentKonaplate, redis_url: str) -> dict[str, str]:
    """The settings of a gateway, with a small budget of cards."""
    return {
        "KONAPLATE_BASE_URL": konaplate.base_url,
        "KONAPLATE_ASP_ID": konaplate.credentials.asp_id,
        "KONAPLATE_ACCESS_KEY": konaplate.credentials.access_key,
        "KONAPLATE_SECRET_KEY": konaplate.credentials.secret_key,
        "KONAPLATE_ENCRYPTION": "off",
        "KONAGRAPH_REDIS_URL": redis_url,
        "KONAGRAPH_CARD_REF_KEY": "a key of these tests, long enough for one",
        "KONAGRAPH_LOG_LEVEL": "warning",
        "KONAGRAPH_TRUSTED_PROXIES": "127.0.0.1/32",
        "KONAGRAPH_MAX_CARDS": str(CARDS_PER_MINUTE),
        "KONAGRAPH_CARDS_PER_MINUTE": str(CARDS_PER_MINUTE),
        "KONAGRAPH_REQUEST_RATE": _PLENTY,
        "KONAGRAPH_REQUEST_BURST": _PLENTY,
        "KONAGRAPH_COST_BURST": _PLENTY,
    }


async def ask(url: str, viewer: dict[str, str], payload: dict[str, Any]) -> dict[str, Any]:
    """The JSON of one response."""
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
        answer: dict[str, Any] = (await client.post(f"{url}/graphql", json=payload, headers=viewer)).json()
        return answer


async def codes_of_cards(url: str, viewer: dict[str, str], cards: list[str]) -> list[str]:
    """The codes of consecutive requests."""
    found = []
    for card in cards:
        answer = await ask(url, viewer, {"query": QUERY, "variables": {"cardNo": card}})
        found += [error["extensions"]["code"] for error in answer.get("errors", [])] or ["OK"]
    return found
