"""What the benchmark makes of its figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import load, report
from benchmarks.processes import BenchmarkError
from benchmarks.rounds import check_calls, rotated
from benchmarks.scenarios import TWO_CALLS
from benchmarks.summary import Spread, ratio, reaches_aim
from benchmarks.targets import BASELINE, GATEWAY

WRK = (
    "Running 3s test\n"
    'RESULT {"requests":600,"microseconds":3000000,"connect":0,"read":0,"write":0,"status":0,"timeout":0,'
    '"wrong":0,"p50":1500,"p99":9000}\n'
)


def figures(*per_second: float) -> list[dict[str, float]]:
    return [{"requests_per_second": value} for value in per_second]


def test_a_load_is_read_from_the_script_s_line() -> None:
    assert load.Load(600, 3.0, 1.5, 9.0, 0.1) == load.parse(WRK, "http://server", cpu_seconds=0.1)
    assert 200 == load.parse(WRK, "http://server", cpu_seconds=0.1).per_second


@pytest.mark.parametrize("fault", ["connect", "read", "write", "status", "timeout", "wrong"])
def test_a_load_with_any_fault_is_no_result(fault: str) -> None:
    with pytest.raises(BenchmarkError, match=f"faults: 3 x {fault}"):
        load.parse(WRK.replace(f'"{fault}":0', f'"{fault}":3'), "http://server", cpu_seconds=0)


@pytest.mark.parametrize("output", [WRK.replace('"requests":600', '"requests":0'), "wrk was killed"])
def test_a_load_without_answers_is_no_result(output: str) -> None:
    with pytest.raises(BenchmarkError):
        load.parse(output, "http://server", cpu_seconds=0)


def test_a_server_that_saves_upstream_calls_is_not_compared() -> None:
    check_calls("server", TWO_CALLS, requests=10, calls=20)
    with pytest.raises(BenchmarkError, match="server made 19 upstream calls for 10 requests"):
        check_calls("server", TWO_CALLS, requests=10, calls=19)


def test_every_target_comes_first_in_turn() -> None:
    assert [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]] == [
        rotated(["a", "b", "c"], number) for number in range(4)
    ]


def test_the_ratio_is_taken_within_each_round_before_the_median() -> None:
    # The medians alone would give 100 / 400.
    targets = {GATEWAY: figures(90, 100, 300), BASELINE: figures(100, 400, 500)}
    assert Spread(0.6, 0.25, 0.9) == ratio(targets, GATEWAY)


@pytest.mark.parametrize(("gateway", "reached"), [(100, True), (99, False)])
def test_the_aim_is_a_third_of_the_handwritten_endpoint(gateway: float, *, reached: bool) -> None:
    assert reached == reaches_aim({GATEWAY: figures(gateway), BASELINE: figures(300)})


def test_figures_replace_those_of_the_last_run_and_nothing_else() -> None:
    page = f"# Title\n{report.BEGIN}\n\nold\n\n{report.END}\nText\n"
    assert f"# Title\n{report.BEGIN}\n\nnew\n\n{report.END}\nText\n" == report.insert(page, "new")


@pytest.mark.parametrize("page", ["", report.BEGIN, report.END, report.END + report.BEGIN])
def test_a_page_without_both_markers_is_left_alone(page: str) -> None:
    with pytest.raises(BenchmarkError, match="markers"):
        report.insert(page, "new")


def test_the_documentation_page_has_its_markers() -> None:
    page = Path(__file__).parents[2] / "docs" / "performance.md"
    assert "figures" in report.insert(page.read_text(encoding="utf-8"), "figures")
