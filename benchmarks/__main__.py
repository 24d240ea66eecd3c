"""The gateway alone: `python -m benchmarks`, the first part of `make bench`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from benchmarks import report, report_gateway
from benchmarks.cases import ALIASES, ALIASES_INLINE, CARD_32, CARD_SLOW, HOT, LINEAR, PROFILE, SCALE
from benchmarks.gateways import ENCRYPTED, EVERYTHING, PLAIN
from benchmarks.keys import keys
from benchmarks.processes import Cores, run_module
from benchmarks.rounds import Options
from benchmarks.runs import bench, command, conditions, say, write

if TYPE_CHECKING:
    from benchmarks.rounds import Bench, Rounds

RESULT: Final = "gateway"

_PATIENCE: Final = 240
CASES: Final = (*SCALE, CARD_SLOW, PROFILE, ALIASES, ALIASES_INLINE, *HOT, *LINEAR)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--seconds", type=click.IntRange(1), default=3, show_default=True, help="Length of each measurement."
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="How often each is measured.")
@click.option("--quick", is_flag=True, help="One short round that shows that everything works; writes nothing.")
def main(*, seconds: int, rounds: int, quick: bool) -> None:
    """Measure the gateway in every way; write benchmarks/results/gateway.json and docs/performance.md."""
    with command():
        if quick:
            seconds = rounds = 1
        cores = Cores.available()
        options = Options(rounds=rounds, seconds=seconds, warm_up=1)
        result = conditions(options, cores)
        # The upstream has a key with which it answers sealed requests; all others it answers in clear.
        with bench(options, cores, "0", str(keys().client_public_key)) as running:
            result["upstream_capacity"] = running.upstream_capacity()
            result["cases"], result["bare_us"] = _measured(running, options, cores, quick=quick)
            result |= _details(running.upstream_url, cores, quick=quick)
        click.echo(report_gateway.markdown(result))
        if not quick:
            write(RESULT, result)
            report.rewrite()


def _measured(running: Bench, options: Options, cores: Cores, *, quick: bool) -> tuple[Rounds, list[float]]:
    """Figures of all cases, and the cost of the bare cryptography, once a round."""
    figures: Rounds = {}
    bare: list[float] = []
    for number in range(options.rounds):
        # What is compared with each other comes one after the other.
        running.round(number, (PLAIN, EVERYTHING, ENCRYPTED), (CARD_32,), figures)
        bare.append(_bare(cores, quick=quick))
        running.round(number, (PLAIN,), [case for case in CASES if case is not CARD_32], figures)
    return {case.name: figures[case.name] for case in CASES}, bare


def _bare(cores: Cores, *, quick: bool) -> float:
    """CPU microseconds of the RSA and AES operations of one request and its answer."""
    seconds = "0.2" if quick else "1"
    say("bare cryptography")
    return float(run_module("benchmarks.bare", seconds, core=cores.server, timeout=_PATIENCE)["bare_us"])


def _details(upstream_url: str, cores: Cores, *, quick: bool) -> dict[str, Any]:
    """What is measured within one process."""
    requests, stage, call = ("100", "0.02", "0.1") if quick else ("1000", "0.15", "0.5")
    say("document cache")
    cache = run_module("benchmarks.document_cache", requests, core=cores.server, timeout=_PATIENCE)
    say("stages of a request")
    stages = run_module("benchmarks.stages", stage, core=cores.server, timeout=_PATIENCE)
    say("one upstream call")
    transports = run_module("benchmarks.transports", upstream_url, call, core=cores.server, timeout=_PATIENCE)
    return {"document_cache": cache, "stages": stages, "transports": transports}


if __name__ == "__main__":
    main()
