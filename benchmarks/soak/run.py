"""One soak: the processes, the load and the samples."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from benchmarks.processes import BenchmarkError, Cores, server
from benchmarks.soak.judge import FEWEST_SAMPLES, Sample, judge
from benchmarks.soak.network import BadNetwork
from benchmarks.soak.traffic import Traffic
from graph.security.development import DevelopmentSigner, signer_settings

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from benchmarks.processes import Child
    from benchmarks.soak.judge import Verdict

PER_SECOND: Final = 60.0
_ROUNDS: Final = 200
_ROUND_SECONDS: Final = 5.0
_LOOKS: Final = 200
_BETWEEN_LOOKS: Final = 0.1
_ERRORS: Final = ('"level":"error"', '"level":"critical"', "Traceback")


@dataclass(frozen=True, slots=True)
class Result:
    """What a soak showed."""

    samples: list[Sample]
    verdicts: list[Verdict]
    sent: int
    skipped: int
    outcomes: Counter[str]
    problems: Counter[str]

    @property
    def passed(self) -> bool:
        """Whether the gateway stayed as it was, and never answered what it must not."""
        return all(verdict.flat for verdict in self.verdicts) and not self.problems


async def soak(
    seconds: float,
    per_second: float = PER_SECOND,
    *,
    seed: int = 1,
    say: Callable[[str], None] = lambda _text: None,
) -> Result:
    """Load a gateway process for so long.

    Args:
        seconds: how long, in rounds; the rests in between come on top.
        per_second: how many requests are sent.
        seed: of what is sent and what breaks.
        say: told of the progress.

    Raises:
        BenchmarkError: when a process does not start, or ends.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    cores = Cores.available()
    with ExitStack() as children:
        folder = Path(children.enter_context(tempfile.TemporaryDirectory()))
        sandbox = ["-m", "graph", "sandbox", "--port", "0", "--credentials", str(folder / "keys")]
        upstream = children.enter_context(server(sandbox, core=cores.load, log=subprocess.DEVNULL))
        async with BadNetwork(urlsplit(upstream.url).port or 0, chance) as network:
            signer = DevelopmentSigner.in_directory(folder / "signer")
            settings = _settings(folder, network.port)
            log = children.enter_context((folder / "gateway.log").open("wb"))
            gateway = children.enter_context(
                server(["-m", "graph", "serve", "--port", "0"], core=cores.server, settings=settings, log=log)
            )
            traffic = Traffic(gateway.url, signer, chance)
            watch = _Watch(gateway, int(settings["KONAGRAPH_ADMIN_PORT"]))
            await watch.begin()
            rounds = min(_ROUNDS, max(FEWEST_SAMPLES, round(seconds / _ROUND_SECONDS)))
            for _ in range(rounds):
                await traffic.run(seconds / rounds, per_second)
                say(await watch.at_rest())
            traffic.problems.update(_errors(folder / "gateway.log"))
    return Result(
        watch.samples,
        judge(watch.samples),
        traffic.sent,
        traffic.skipped,
        traffic.outcomes,
        traffic.problems,
    )


def _settings(folder: Path, upstream: int) -> dict[str, str]:
    secrets = {
        f"{path.name}_FILE": str(path) for path in (folder / "keys").iterdir() if path.name.startswith("KONA")
    }
    return {
        **secrets,
        **signer_settings(folder / "signer"),
        "KONAPLATE_BASE_URL": f"http://127.0.0.1:{upstream}/open-api",
        "KONAGRAPH_ADMIN_PORT": str(_free_port()),
        # Short, for it to be at rest soon after each round.
        "KONAPLATE_TIMEOUT": "0.4",
        # A line for each request would be the largest part of the load.
        "KONAGRAPH_LOG_LEVEL": "error",
    }


def _errors(log: Path) -> dict[str, int]:
    """What the gateway wrote down that it must not have to write down."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        found = sum(any(word in line for word in _ERRORS) for line in lines)
    return {"errors in the log": found} if found else {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class _Watch:
    """Looks at a gateway process when nothing is asked of it: what it holds then, it keeps.

    While it works, what is under way hides a leak for long.
    """

    def __init__(self, gateway: Child, admin_port: int) -> None:
        self._gateway = gateway
        self._url = f"http://127.0.0.1:{admin_port}/metrics"
        self._before = Sample(0, 0, 0)
        self.samples: list[Sample] = []

    async def begin(self) -> None:
        """See what it holds before it has done anything."""
        self._before = await self._look()

    async def at_rest(self) -> str:
        """Wait until it holds no more than before the load, though not for long, and take a sample."""
        for _ in range(_LOOKS):
            sample = await self._look()
            if sample.descriptors <= self._before.descriptors and sample.tasks <= self._before.tasks:
                break
            await asyncio.sleep(_BETWEEN_LOOKS)
        self.samples.append(sample)
        return f"{sample.megabytes:.1f} MiB, {sample.descriptors:.0f} descriptors, {sample.tasks:.0f} tasks"

    async def _look(self) -> Sample:
        async with httpx.AsyncClient(trust_env=False) as client:
            metrics = (await client.get(self._url)).text
        return Sample(
            self._gateway.resident_megabytes(),
            _value(metrics, "process_open_fds"),
            _value(metrics, "konagraph_tasks"),
        )


def _value(metrics: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", metrics, re.MULTILINE)
    if found is None:
        raise BenchmarkError(f"the gateway has no metric {name}")
    return float(found[1])
