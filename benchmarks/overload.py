"""Three times the load that can be answered: `python -m benchmarks.overload`.

Two limits: the gateway's own CPU, with an upstream that answers at once; and an upstream that takes its time. The
former with encryption, too, which is how Konaplate is called, and behind the delivered balancer, which refuses
what the gateway need not even see.

Peak and overload are measured in pairs, each pair against one gateway process. What counts is the ratio of the
answers: refusals must not take the time of those that are answered.
"""

from __future__ import annotations

import shutil
import socket
import statistics
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import click
import httpx
import orjson

from benchmarks import environment, report
from benchmarks.keys import keys
from benchmarks.load import placeholder
from benchmarks.processes import ROOT, BenchmarkError, Child, Cores, free_port, program, run_pinned, server
from benchmarks.rounds import origin
from benchmarks.scenarios import ONE_CALL
from benchmarks.targets import gateway_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RESULT: Final = ROOT / "benchmarks" / "results" / "overload.json"

_SCRIPT: Final = ROOT / "benchmarks" / "overload.lua"
_COMMAND: Final = ("-m", "graph", "serve", "--host", "127.0.0.1", "--port", "0")
_MARK: Final = "RESULT "
_PATIENCE: Final = 20
_BALANCER: Final = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
_MAX_REQUESTS: Final = 200
_CONNECTIONS: Final = 600
_TIMES: Final = 3


@dataclass(frozen=True, slots=True)
class Case:
    """What limits the gateway."""

    upstream_ms: int = 0
    encrypted: bool = False
    balanced: bool = False
    """Whether the load comes through the balancer."""


# In 200 ms, 64 calls at once are 320 a second, which is less than one core can do.
CASES: Final = {
    "limited_by_upstream": Case(upstream_ms=200),
    "limited_by_cpu_balanced": Case(encrypted=True, balanced=True),
    "limited_by_cpu": Case(encrypted=True),
    "limited_by_cpu_plain_balanced": Case(balanced=True),
    "limited_by_cpu_plain": Case(),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back of one run. By the second."""

    good: float
    refused: float
    share: float
    """CPU time of the gateway."""

    @property
    def good_by_cpu(self) -> float:
        """Good answers for each second of the gateway's CPU time: what else runs here does not change it."""
        return self.good / self.share


@dataclass(frozen=True, slots=True)
class Pair:
    """Peak and overload of one process."""

    peak_per_second: float
    offered_per_second: float
    good_per_second: float
    refused_per_second: float
    good_to_peak: float
    good_to_peak_by_cpu: float
    refusal_p50_ms: float
    refusal_p99_ms: float


@click.command()
@click.option(
    "--seconds", type=click.IntRange(1), default=4, show_default=True, help="Length of each measurement."
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="How many pairs.")
def main(*, seconds: int, rounds: int) -> None:
    """Measure, print, and write benchmarks/results/overload.json."""
    if shutil.which("haproxy") is None:
        raise click.ClickException("haproxy is needed for the load through the balancer (on Debian: haproxy)")
    cores = Cores.available()
    where = environment.describe(cores)
    result: dict[str, Any] = {
        "environment": where,
        **{name: _limited(case, cores, seconds, rounds) for name, case in CASES.items()},
        "cpu_us_per_refusal": round(_refusal_cost(cores, seconds), 1),
    }
    RESULT.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    report.rewrite()
    click.echo(orjson.dumps({**result, "environment": None}, option=orjson.OPT_INDENT_2))


def _limited(case: Case, cores: Cores, seconds: int, rounds: int) -> dict[str, Any]:
    files = [str(keys().client_public_key)] if case.encrypted else []
    with server(["-m", "benchmarks.upstream", str(case.upstream_ms), *files], core=cores.load) as upstream:
        settings = {
            **gateway_settings(upstream.url),
            **(keys().settings if case.encrypted else {}),
            "KONAGRAPH_MAX_REQUESTS": str(_MAX_REQUESTS),
            # Where the balancer looks whether the gateway is well.
            "KONAGRAPH_ADMIN_PORT": str(free_port()) if case.balanced else "0",
        }
        pairs = [_pair(case, settings, cores, seconds, seed) for seed in range(rounds)]
    return {
        **asdict(case),
        "pairs": [asdict(pair) for pair in pairs],
        "good_to_peak_median": round(statistics.median(pair.good_to_peak for pair in pairs), 3),
        "good_to_peak_by_cpu_median": round(statistics.median(pair.good_to_peak_by_cpu for pair in pairs), 3),
        "refusal_p50_ms_median": statistics.median(pair.refusal_p50_ms for pair in pairs),
        "refusal_p99_ms_median": statistics.median(pair.refusal_p99_ms for pair in pairs),
    }


@contextmanager
def _balancer(gateway: Child, admin_port: str, cores: Cores) -> Iterator[str]:
    """The delivered balancer before one gateway; its address."""
    clients = free_port()
    variables = {
        "FRONT_BIND": f"127.0.0.1:{clients}",
        "INSIDE_BIND": f"127.0.0.1:{free_port()}",
        "GATEWAYS": f"127.0.0.1:{urlsplit(gateway.url).port}",
        "GATEWAYS_ADMIN_PORT": admin_port,
        "GATEWAYS_MAX": "1",
        # The load is many clients at one address.
        "SOURCES_OF_MANY": "127.0.0.0/8",
    }
    command = ["haproxy", "-db", "-f", str(_BALANCER)]
    url = f"http://127.0.0.1:{clients}"
    with program(command, cores={cores.load}, settings=variables, url=url):
        _until_asked(url)
        yield url


def _until_asked(url: str) -> None:
    """Wait until the balancer has seen that the gateway is up."""
    ends_at = time.monotonic() + _PATIENCE
    while time.monotonic() < ends_at:
        if httpx.get(f"{url}/livez", trust_env=False).status_code == httpx.codes.OK:
            return
        time.sleep(0.1)
    raise BenchmarkError("the balancer does not find its gateway")


def _pair(case: Case, settings: Mapping[str, str], cores: Cores, seconds: int, seed: int) -> Pair:
    with ExitStack() as running:
        gateway = running.enter_context(server(_COMMAND, core=cores.server, settings=settings))
        front = origin(gateway.url)
        if case.balanced:
            front = running.enter_context(_balancer(gateway, settings["KONAGRAPH_ADMIN_PORT"], cores))
        _load(gateway, front, cores, connections=64, seconds=1, seed=seed)
        peak = _load(gateway, front, cores, connections=64, seconds=seconds, seed=seed)
        # Of all connections, those whose request is executed do not send; the others share what is to be offered.
        pause = max(1.0, (_CONNECTIONS - _MAX_REQUESTS) / (_TIMES * peak.good) * 1000)
        with _Probe(front) as probe:
            seen = _load(gateway, front, cores, connections=_CONNECTIONS, seconds=seconds, seed=seed, pause=pause)
        return Pair(
            peak_per_second=round(peak.good, 1),
            offered_per_second=round(seen.good + seen.refused, 1),
            good_per_second=round(seen.good, 1),
            refused_per_second=round(seen.refused, 1),
            good_to_peak=round(seen.good / peak.good, 3),
            good_to_peak_by_cpu=round(seen.good_by_cpu / peak.good_by_cpu, 3),
            refusal_p50_ms=probe.percentile(50),
            refusal_p99_ms=probe.percentile(99),
        )


def _refusal_cost(cores: Cores, seconds: int) -> float:
    """CPU microseconds of a refusal: a gateway whose only place is taken by a request that nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {
            **gateway_settings(f"http://127.0.0.1:{silent.getsockname()[1]}/open-api"),
            "KONAGRAPH_MAX_REQUESTS": "1",
            "KONAGRAPH_REQUEST_TIMEOUT": "60",
            "KONAPLATE_TIMEOUT": "60",
        }
        with server(_COMMAND, core=cores.server, settings=settings) as gateway:
            url = httpx.URL(gateway.url)
            body = ONE_CALL.body("9" * 15 + "0")
            head = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            length = b"Content-Length: %d\r\n\r\n" % len(body)
            with socket.create_connection((url.host, url.port or 0)) as first:
                first.sendall(head + length + body)
                silent.accept()[0].recv(1)
                seen = _load(gateway, origin(gateway.url), cores, connections=32, seconds=seconds, seed=0)
    if seen.good:
        raise BenchmarkError("a gateway without room answered")
    return seen.share / seen.refused * 1e6


def _load(
    gateway: Child, front: str, cores: Cores, *, connections: int, seconds: int, seed: int, pause: float = 0.0
) -> Seen:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(_SCRIPT)]
    arguments = [ONE_CALL.body(placeholder()).decode(), str(seed), str(round(pause))]
    before = gateway.cpu_seconds()
    output = run_pinned(
        [*command, front + "/graphql", "--", *arguments],
        core=cores.load,
        timeout=seconds + _PATIENCE,
    )
    spent = gateway.cpu_seconds() - before
    (line,) = [line for line in output.splitlines() if line.startswith(_MARK)]
    result = orjson.loads(line.removeprefix(_MARK))
    if result["wrong"] or result["failed"]:
        raise BenchmarkError(f"{result['wrong']} wrong answers, {result['failed']} failed connections")
    length = result["microseconds"] / 1e6
    return Seen(result["good"] / length, result["refused"] / length, spent / length)


class _Probe:
    """One more client, which measures how long its refusals take."""

    def __init__(self, front: str) -> None:
        self._url = front + "/graphql"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._milliseconds: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        headers = {"Content-Type": "application/json"}
        with httpx.Client(trust_env=False, timeout=_PATIENCE) as client:
            while not self._over.wait(0.01):
                started = time.perf_counter()
                answer = client.post(self._url, content=ONE_CALL.body("9" * 15 + "1"), headers=headers)
                if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                    self._milliseconds.append((time.perf_counter() - started) * 1000)

    def percentile(self, which: int) -> float:
        """Of the refusals, in milliseconds."""
        ordered = sorted(self._milliseconds) or [float("nan")]
        return round(ordered[min(len(ordered) - 1, len(ordered) * which // 100)], 2)


if __name__ == "__main__":
    main()
