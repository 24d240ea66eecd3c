"""The whole report, from results that hold every case and every server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from benchmarks import goals, report
from benchmarks.__main__ import CASES
from benchmarks.cases import CARD_32, SHARED, Case
from benchmarks.compare import TARGETS
from benchmarks.gateways import ENCRYPTED, EVERYTHING, PLAIN
from benchmarks.overload import CASES as OVERLOADS
from benchmarks.targets import GATEWAY, Target

if TYPE_CHECKING:
    from pathlib import Path

CONDITIONS: dict[str, Any] = {
    "environment": {
        "time": "2026-01-02T03:04:05+00:00",
        "cores": 2,
        "cpu": "a processor",
        "system": "a system",
        "python": "a Python",
        "wrk": "a wrk",
        "server_and_load_on_separate_cores": True,
        "load_average_at_start": 0.1,
        "packages": {"konagraph": "1.2.3"},
    },
    "options": {"rounds": 2, "seconds": 3, "warm_up": 1},
    "upstream_capacity": {"calls_per_second": 100_000},
}
OVERLOAD = {
    **CONDITIONS,
    "cpu_us_per_refusal": 29.1,
    **{
        name: {
            "upstream_ms": 200,
            "pairs": [
                {
                    "good_to_peak": 0.9,
                    "offered_per_second": 300,
                    "peak_per_second": 100,
                    "refusal_p50_ms": 7.25,
                    "refusal_p99_ms": None,
                }
            ],
        }
        for name in OVERLOADS
    },
}


WORST = {
    **CONDITIONS,
    "pairs": [
        {
            "undisturbed_per_second": 1_000.0,
            "disturbed_per_second": 900.0,
            "undisturbed_p99_ms": 20.0,
            "disturbed_p99_ms": 25.0,
            "kept": 0.9,
            "kept_by_cpu": 0.95,
            "sent": 200,
            "read": 40,
        }
    ],
}


def rounds(speed: float) -> list[dict[str, float]]:
    return [
        {
            "requests_per_second": speed * factor,
            "p50_ms": 1.0,
            "p99_ms": 2.0,
            "cpu_us_per_request": 1e6 / speed,
            "server_share": 1.0,
            "upstream_share": 0.1,
            "generator_share": 0.1,
            "upstream_calls_per_second": speed,
            "upstream_calls_per_request": 1.0,
            "resident_mb": 50.0,
        }
        for factor in (1.0, 1.1)
    ]


def peers() -> dict[str, Any]:
    def asked(case: Case) -> dict[str, Any]:
        able = [target for target in TARGETS if target.path(case.question) is not None]
        return {target.name: rounds(1000.0 * (1 + at)) for at, target in enumerate(able)}

    cases = {case.name: asked(case) for case in SHARED}
    return {**CONDITIONS, "cases": cases, "versions": {"node": "v1"}, "left_out": ["somebody is left out"]}


def gateway() -> dict[str, Any]:
    def asked(*targets: Target) -> dict[str, Any]:
        return {target.name: rounds(1000) for target in targets}

    cases = {case.name: asked(PLAIN) for case in CASES}
    cases[CARD_32.name] = asked(PLAIN, EVERYTHING, ENCRYPTED)
    cache = {"one text": {"requests": 5, "hits": 4, "misses": 1, "cpu_us_per_request": 7}}
    return {
        **CONDITIONS,
        "cases": cases,
        "bare_us": [400.0, 500.0],
        "document_cache": cache,
        "stages": {"a stage": [1.5]},
        "transports": {"a client": [33.0]},
    }


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name, result in (("peers", peers()), ("gateway", gateway()), ("overload", OVERLOAD), ("worst", WORST)):
        (tmp_path / f"{name}.json").write_bytes(orjson.dumps(result))
    return tmp_path


def written(results: Path, text: str) -> tuple[str, str]:
    page, chart = results / "page.md", results / "chart.svg"
    page.write_text(text, encoding="utf-8")
    report.rewrite(results, page, chart)
    return page.read_text(encoding="utf-8"), chart.read_text(encoding="utf-8")


def test_every_case_and_every_server_is_in_the_page(results: Path) -> None:
    text, chart = written(results, report.PAGE.read_text(encoding="utf-8"))
    for case in (*SHARED, *CASES):
        assert case.name in text
    for target in TARGETS:
        assert f"| {target.name} |" in text
        assert target.name in chart
    assert "somebody is left out" in text
    assert "Konaplate: it takes 200 ms" in text
    assert len(OVERLOADS) == text.count("| 0.90 (0.90 - 0.90) | 3.0 (3.0 - 3.0) | 7.2 (7.2 - 7.2) | - |")


def test_the_same_results_give_the_same_page(results: Path) -> None:
    once = written(results, report.PAGE.read_text(encoding="utf-8"))
    assert once == written(results, once[0])


def test_every_goal_is_judged_when_everything_was_measured() -> None:
    found = goals.goals(peers(), gateway())
    # Seven servers at two numbers of connections, nginx, one latency, two kinds of aliases; hot cards in three
    # ways, beside all peers and beside those that share no calls; and three.
    assert 14 + 1 + 1 + 2 + 6 + 3 == len(found)
    assert len(found) == len({goal.name for goal in found})


def test_encryption_is_compared_with_the_bare_operations_round_by_round() -> None:
    # 1,000 and 1,100 requests a second, of 2,500 and 2,000 that the operations alone would allow.
    (goal,) = [goal for goal in goals.goals(None, gateway()) if goal.name.startswith("encrypted")]
    assert pytest.approx((0.4 + 0.55) / 2) == goal.measured


def test_the_gateway_stands_out_in_the_chart() -> None:
    drawn = report.drawn(peers())
    assert f'font-weight="bold">{GATEWAY}<' in drawn
    assert 1 == drawn.count("font-weight")
