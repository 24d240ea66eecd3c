"""The gateway beside the other servers: `python -m benchmarks.compare`, or `make bench-peers`."""

from __future__ import annotations

from typing import Final

import click

from benchmarks import environment, others, report
from benchmarks.cases import SHARED
from benchmarks.gateways import PLAIN
from benchmarks.processes import Cores
from benchmarks.rounds import Options
from benchmarks.runs import bench, command, conditions, present, say, write
from benchmarks.tailcall import TAILCALL

RESULT: Final = "peers"
TARGETS: Final = (
    others.NGINX,
    PLAIN,
    TAILCALL,
    others.MERCURIUS,
    others.YOGA,
    others.APOLLO,
    others.HIVE,
    others.RAW,
    others.STARLETTE_AIOHTTP,
    others.STARLETTE_HTTPX,
    others.STRAWBERRY,
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--seconds", type=click.IntRange(1), default=2, show_default=True, help="Length of each measurement."
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="How often each is measured.")
@click.option("--only", multiple=True, help="Only servers and cases with this in their names; may be repeated.")
@click.option("--dry", is_flag=True, help="Write nothing.")
def main(*, seconds: int, rounds: int, only: tuple[str, ...], dry: bool) -> None:
    """Measure all servers that can run here; write benchmarks/results/peers.json and docs/performance.md."""
    with command():
        cores = Cores.available()
        options = Options(rounds=rounds, seconds=seconds, warm_up=1, first_warm_up=3)
        left_out: list[str] = []
        targets = [one for one in present(TARGETS, left_out.append) if _chosen(one.name, only, TARGETS)]
        cases = [one for one in SHARED if _chosen(one.name, only, SHARED)]
        for why in left_out:
            say(why)
        result = {**conditions(options, cores), "versions": environment.peers(), "left_out": left_out}
        with bench(options, cores) as running:
            result["upstream_capacity"] = running.upstream_capacity()
            result["cases"] = running.run(targets, cases)
            left_out += [
                f"{target} is left out of the case “{case}”: {why}"
                for (case, target), why in running.failed.items()
            ]
        if not dry:
            write(RESULT, result)
            report.rewrite()


def _chosen(name: str, only: tuple[str, ...], everything: tuple[object, ...]) -> bool:
    """Whether a name holds one of the words, of which those count that fit any name of its kind."""
    names = [str(getattr(one, "name", "")).lower() for one in everything]
    words = [word.lower() for word in only if any(word.lower() in other for other in names)]
    return not words or any(word in name.lower() for word in words)


if __name__ == "__main__":
    main()
