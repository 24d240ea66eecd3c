"""What one caller can take from the others: `python -m benchmarks.worst`, the third part of `make bench`.

While others ask for cards as fast as they are answered, one sends the worst documents there are, each a new one,
as often as a viewer's default budgets let it. Each pair, undisturbed and disturbed, is measured with one process.
"""

from __future__ import annotations

import hashlib
import itertools
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

import click
import httpx

from benchmarks import load, report
from benchmarks.processes import Cores, server
from benchmarks.rounds import Options, origin
from benchmarks.runs import command, conditions, say, write
from benchmarks.scenarios import ONE_CALL
from benchmarks.targets import gateway_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.processes import Child

RESULT: Final = "worst"

_COMMAND: Final = ("-m", "graph", "serve", "--host", "127.0.0.1", "--port", "0")
_CONNECTIONS: Final = 32
_PAUSE: Final = 0.015
"""Seconds; more than fifty requests a second, so that the budgets and not this is what bounds them."""

_UNLIMITED: Final = "".join(
    f"{budget} = 1_000_000\n"
    for budget in (
        *("requests_per_second", "request_burst", "cost_per_second", "cost_burst"),
        *("cards_per_minute", "cards_per_hour"),
    )
)
_CHAIN: Final = " ".join(f"fragment F{index} on Query {{ ...F{index + 1} }}" for index in range(58))
WORST: Final = (
    f"{{ __schema {{ types {{ {'name ' * 560} }} }} }}",
    f'{{ __type(name: "1234567890123456") {{ {"name " * 560} }} }}',
    f"{{ ...F0 }} {_CHAIN} fragment F58 on Query {{ __typename }}",
    f'{{ card(cardNo: "1234567890123456") {{ {"balance " * 190} }} }}',
    f"{{ __typename }} {' '.join(f'fragment F{index} on Query {{ __typename }}' for index in range(70))}",
    f"{{ {'... on Query { ' * 110} x {'}' * 110} }}",
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--seconds", type=click.IntRange(1), default=5, show_default=True, help="Length of each measurement."
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="How many pairs.")
def main(*, seconds: int, rounds: int) -> None:
    """Measure; write benchmarks/results/worst.json and docs/performance.md."""
    with command(), tempfile.TemporaryDirectory() as folder:
        cores = Cores.available()
        result = conditions(Options(rounds=rounds, seconds=seconds, warm_up=1), cores)
        keys = Path(folder) / "keys.toml"
        keys.write_text(f"{_key('others')}{_UNLIMITED}{_key('attacker')}", encoding="utf-8")
        with server(["-m", "benchmarks.upstream", "0"], core=cores.load) as upstream:
            settings = {
                **gateway_settings(upstream.url),
                "KONAGRAPH_AUTH": "api-key",
                "KONAGRAPH_API_KEYS": str(keys),
            }
            with (Path(folder) / "log").open("wb") as log:
                result["pairs"] = [_pair(settings, log, cores, seconds, seed) for seed in range(rounds)]
        for name in ("kept", "kept_by_cpu"):
            result[f"{name}_median"] = round(statistics.median(pair[name] for pair in result["pairs"]), 3)
        write(RESULT, result)
        report.rewrite()


def _key(name: str) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()
    scopes = '["cards:read:any", "cash-receipt:read"]'
    return f'[[keys]]\nname = "{name}"\nsha256 = "{digest}"\nscopes = {scopes}\n'


def _pair(settings: Mapping[str, str], log: IO[bytes], cores: Cores, seconds: int, seed: int) -> dict[str, Any]:
    with server(_COMMAND, core=cores.server, settings=settings, log=log) as gateway:
        url = f"{origin(gateway.url)}/graphql"
        _others(url, cores, 1, seed, warms_up=True)
        undisturbed, cpu_before = _seen(gateway, url, cores, seconds, seed)
        with _Attacker(url) as attacker:
            disturbed, cpu = _seen(gateway, url, cores, seconds, seed + 1)
    kept = round(disturbed.per_second / undisturbed.per_second, 3)
    kept_by_cpu = round(disturbed.requests / cpu / (undisturbed.requests / cpu_before), 3)
    say(f"kept {kept}, by CPU {kept_by_cpu}; {attacker.read} of {attacker.sent} documents were read")
    return {
        "undisturbed_per_second": round(undisturbed.per_second, 1),
        "disturbed_per_second": round(disturbed.per_second, 1),
        "undisturbed_p99_ms": undisturbed.p99_ms,
        "disturbed_p99_ms": disturbed.p99_ms,
        "kept": kept,
        "kept_by_cpu": kept_by_cpu,
        "sent": attacker.sent,
        "read": attacker.read,
    }


def _seen(gateway: Child, url: str, cores: Cores, seconds: int, seed: int) -> tuple[load.Load, float]:
    """What the others saw, and the CPU time that the gateway took for everything."""
    before = gateway.cpu_seconds()
    seen = _others(url, cores, seconds, seed)
    return seen, gateway.cpu_seconds() - before


def _others(url: str, cores: Cores, seconds: int, seed: int, *, warms_up: bool = False) -> load.Load:
    return load.run(
        url,
        ONE_CALL.body(load.placeholder()),
        connections=_CONNECTIONS,
        seconds=seconds,
        seed=seed,
        core=cores.load,
        authorization="x-api-key: others",
        warms_up=warms_up,
    )


class _Attacker:
    """Sends a new document each time, until it is told to stop."""

    def __init__(self, url: str) -> None:
        self.sent = 0
        self.read = 0
        """Those that the budget paid for."""
        self._url = url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._attack)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _attack(self) -> None:
        documents = itertools.cycle(WORST)
        with httpx.Client(trust_env=False, headers={"x-api-key": "attacker"}) as client:
            while not self._over.is_set():
                self.sent += 1
                # What follows is ignored, and makes it another document.
                answer = client.post(self._url, json={"query": next(documents) + "," * (self.sent % 500)})
                self.read += answer.status_code != httpx.codes.TOO_MANY_REQUESTS
                time.sleep(_PAUSE)


if __name__ == "__main__":
    main()
