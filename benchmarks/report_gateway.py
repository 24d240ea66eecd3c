"""The gateway's own figures as Markdown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.cases import CARD_32, HOT, LINEAR, SCALE
from benchmarks.gateways import ENCRYPTED, EVERYTHING, PLAIN
from benchmarks.summary import SPEED, Spread, ratio, spread
from benchmarks.tables import conditions, load, servers, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.summary import Rounds

    Cases = Mapping[str, Mapping[str, Rounds]]


def markdown(result: Mapping[str, Any]) -> str:
    """Everything that was measured."""
    cases: Cases = result["cases"]
    parts = [conditions(result), _plain(cases), _scale(cases), _linear(cases), _hot(cases), _everything(cases)]
    parts += [_encrypted(result), load(result)]
    parts += [_document_cache(result), _stages(result), _transports(result)]
    return "\n\n".join(parts)


def _plain(cases: Cases) -> str:
    rows = [
        (
            name,
            spread(targets[PLAIN.name], SPEED).text(),
            spread(targets[PLAIN.name], "cpu_us_per_request").text(),
            f"{spread(targets[PLAIN.name], 'p50_ms').median:,.1f}",
            f"{spread(targets[PLAIN.name], 'p99_ms').median:,.1f}",
            f"{spread(targets[PLAIN.name], 'resident_mb').median:.0f}",
        )
        for name, targets in cases.items()
        if PLAIN.name in targets
    ]
    heads = ("case", "requests/s", "CPU µs/request", "p50 ms", "p99 ms", "RSS MB")
    return f"### Plain\n\n{table(heads, rows)}"


def _scale(cases: Cases) -> str:
    costs = [(case.connections, spread(cases[case.name][PLAIN.name], "cpu_us_per_request")) for case in SCALE]
    rows = [
        (f"{connections:,}", cost.text(), f"{cost.median / costs[1][1].median:.2f}") for connections, cost in costs
    ]
    heads = ("connections", "CPU µs/request", f"x {costs[1][0]} connections")
    return f"### Scale: is the cost of a request flat?\n\n{table(heads, rows)}"


def _linear(cases: Cases) -> str:
    def row(case: str, distinct: int) -> tuple[str, ...]:
        cost = spread(cases[case][PLAIN.name], "cpu_us_per_request")
        return str(distinct), cost.text(), f"{(cost.median - first.median) / max(distinct - 1, 1):,.0f}"

    first = spread(cases[LINEAR[0].name][PLAIN.name], "cpu_us_per_request")
    rows = [row(case.name, case.question.cards) for case in LINEAR]
    rows[0] = (*rows[0][:2], "-")
    heads = ("distinct cards of 20", "CPU µs/request", "CPU µs for each further distinct card")
    return f"### Many cards: is the cost linear?\n\n{table(heads, rows)}"


def _hot(cases: Cases) -> str:
    rows = [
        (case.name, spread(cases[case.name][PLAIN.name], "upstream_calls_per_request").text(2)) for case in HOT
    ]
    return f"### Hot cards\n\n{table(('case', 'upstream calls per answered request'), rows)}"


def _everything(cases: Cases) -> str:
    targets = {target.name: cases[CARD_32.name][target.name] for target in (PLAIN, EVERYTHING)}
    kept = ratio(targets[EVERYTHING.name], targets[PLAIN.name]).text(2)
    return (
        f"### Everything on\n\n{servers(targets, PLAIN.name)}\n\n"
        f"With tokens, budgets, audit and a log line for each request, the gateway keeps {kept} of its throughput."
    )


def encrypted_to_bare(result: Mapping[str, Any]) -> Spread:
    """Throughput with encryption, as a share of what the RSA and AES operations alone allow; within each round."""
    rounds = result["cases"][CARD_32.name][ENCRYPTED.name]
    return Spread.of([one[SPEED] * bare / 1e6 for one, bare in zip(rounds, result["bare_us"], strict=True)])


def _encrypted(result: Mapping[str, Any]) -> str:
    rounds = result["cases"][CARD_32.name][ENCRYPTED.name]
    bare = Spread.of(result["bare_us"])
    rows = [
        (ENCRYPTED.name, spread(rounds, SPEED).text(), spread(rounds, "cpu_us_per_request").text()),
        (
            "RSA and AES alone",
            Spread.of([1e6 / one for one in result["bare_us"]]).text(),
            bare.text(),
        ),
    ]
    heads = ("", "requests/s", "CPU µs/request")
    return (
        f"### Encrypted\n\n{table(heads, rows)}\n\n"
        f"The gateway reaches {encrypted_to_bare(result).text(2)} of a loop that does nothing but the "
        "cryptography of one request and one answer."
    )


def _document_cache(result: Mapping[str, Any]) -> str:
    rows = [
        (name, *(f"{one[figure]:,.0f}" for figure in ("requests", "hits", "misses", "cpu_us_per_request")))
        for name, one in result["document_cache"].items()
    ]
    heads = ("document texts", "requests", "hits", "misses", "CPU µs/request")
    return f"### Document cache\n\n{table(heads, rows)}"


def _stages(result: Mapping[str, Any]) -> str:
    rows = [(name, Spread.of(values).text(1)) for name, values in result["stages"].items()]
    return f"### Stages of a request in the gateway\n\n{table(('stage', 'CPU µs'), rows)}"


def _transports(result: Mapping[str, Any]) -> str:
    rows = [(name, Spread.of(values).text()) for name, values in result["transports"].items()]
    return f"### One upstream call, 32 in flight\n\n{table(('client', 'CPU µs'), rows)}"
