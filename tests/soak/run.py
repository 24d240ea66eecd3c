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

from benchmarks.processes import BenchmarkError, Child, Cores, server
from graph.security.development import DevelopmentSigner, signer_settings
from tests.soak.judge import FEWEST_SAMPLES, Sample, Verdict, judge
from tests.soak.network import bad_network
from tests.soak.traffic import Traffic

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

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
    seconds: float, per_second: float = PER_SECOND, *, seed: int = 1, say: Callable[[str], None]
) -> Result:
    """Load a gateway process for so long, with a rest and a sample after each round.

    Args:
        seconds: how long; the rests come on top.
        per_second: how many requests are sent.
        seed: of what is sent and what breaks.
        say: told of the progress.

    Raises:
        BenchmarkError: a process does not start, or ends.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    cores = Cores.available()
    with ExitStack() as children:
        folder = Path(children.enter_context(tempfile.TemporaryDirectory()))
        sandbox = ["-m", "graph", "sandbox", "--port", "0", "--credentials", str(folder / "keys")]
        upstream = children.enter_context(server(sandbox, core=cores.load, log=subprocess.DEVNULL))
        async with bad_network(urlsplit(upstream.url).port or 0, chance) as network:
            signer = DevelopmentSigner.in_directory(folder / "signer")
            settings = _settings(folder, network)
            log = children.enter_context((folder / "gateway.log").open("wb"))
            gateway = children.enter_context(
                server(["-m", "graph", "serve", "--port", "0"], core=cores.server, settings=settings, log=log)
            )
            traffic = Traffic(gateway.url, signer, chance)
            admin_port = int(settings["KONAGRAPH_ADMIN_PORT"])
            before = await _look(gateway, admin_port)
            samples = []
            rounds = min(_ROUNDS, max(FEWEST_SAMPLES, round(seconds / _ROUND_SECONDS)))
            for _ in range(rounds):
                await traffic.run(seconds / rounds, per_second)
                sample = await _at_rest(gateway, admin_port, before)
                samples.append(sample)
                say(f"{sample.megabytes:.1f} MiB, {sample.descriptors:.0f} descriptors, {sample.tasks:.0f} tasks")
            text = (folder / "gateway.log").read_text(encoding="utf-8", errors="replace")
            if found := sum(any(word in line for word in _ERRORS) for line in text.splitlines()):
                traffic.problems["errors in the log"] = found
    return Result(samples, judge(samples), traffic.sent, traffic.skipped, traffic.outcomes, traffic.problems)


def _settings(folder: Path, upstream: int) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        admin_port = probe.getsockname()[1]
    return {
        **{f"{path.name}_FILE": str(path) for path in (folder / "keys").glob("KONA*")},
        **signer_settings(folder / "signer"),
        "KONAPLATE_BASE_URL": f"http://127.0.0.1:{upstream}/open-api",
        "KONAGRAPH_ADMIN_PORT": str(admin_port),
        # Short, so that it is at rest soon after each round.
        "KONAPLATE_TIMEOUT": "0.4",
        # A line for each request would be the largest part of the load.
        "KONAGRAPH_LOG_LEVEL": "error",
    }


async def _at_rest(gateway: Child, admin_port: int, before: Sample) -> Sample:
    """Look once it is at rest: while it works, what is under way hides a leak for long."""
    for _ in range(_LOOKS):
        sample = await _look(gateway, admin_port)
        if sample.descriptors <= before.descriptors and sample.tasks <= before.tasks:
            break
        await asyncio.sleep(_BETWEEN_LOOKS)
    return sample


async def _look(gateway: Child, admin_port: int) -> Sample:
    async with httpx.AsyncClient(trust_env=False) as client:
        metrics = (await client.get(f"http://127.0.0.1:{admin_port}/metrics")).text
    descriptors, tasks = (
        re.search(rf"^{name} (\S+)$", metrics, re.MULTILINE) for name in ("process_open_fds", "konagraph_tasks")
    )
    if descriptors is None or tasks is None:
        raise BenchmarkError("the gateway lacks a metric")
    return Sample(gateway.resident_megabytes(), float(descriptors[1]), float(tasks[1]))
