"""What the benchmark makes of its figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import load, report, tables
from benchmarks.measurement import Figures, check_calls
from benchmarks.processes import BenchmarkError
from benchmarks.rounds import rotated
from benchmarks.scenarios import TWO_CALLS
from benchmarks.summary import Spread, ratio

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


def test_a_wrong_answer_is_shown() -> None:
    output = WRK.replace('"wrong":0', '"wrong":1')
    with pytest.raises(BenchmarkError, match="WRONG not json"):
        load.parse(f"WRONG not json\n{output}", "http://server", cpu_seconds=0)


def test_a_server_that_saves_upstream_calls_is_not_compared() -> None:
    check_calls("server", TWO_CALLS, requests=10, calls=20)
    with pytest.raises(BenchmarkError, match="server made 19 upstream calls for 10 requests"):
        check_calls("server", TWO_CALLS, requests=10, calls=19)


def test_figures_are_per_answered_request_but_calls_per_begun_one() -> None:
    seen = load.Load(requests=400, seconds=2.0, p50_ms=1, p99_ms=2, generator_cpu_seconds=0.5)
    found = Figures.of(seen, 1.0, 0.25, calls=440, connections=40, resident_mb=50)
    assert (200, 2500, 1) == (
        found.requests_per_second,
        found.cpu_us_per_request,
        found.upstream_calls_per_request,
    )
    assert (0.5, 0.125, 0.25) == (found.server_share, found.upstream_share, found.generator_share)


def test_every_target_comes_first_in_turn() -> None:
    assert [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]] == [
        rotated(["a", "b", "c"], number) for number in range(4)
    ]


def test_the_ratio_is_taken_within_each_round_before_the_median() -> None:
    # The medians alone would give 100 / 400.
    assert Spread(0.6, 0.25, 0.9) == ratio(figures(90, 100, 300), figures(100, 400, 500))


def test_a_spread_says_median_least_and_most() -> None:
    assert "2,000.0 (1.0 - 3,000.0)" == Spread.of([1, 3000, 2000]).text(1)


def test_a_table_has_its_first_column_to_the_left() -> None:
    assert "| a | b |\n| --- | ---: |\n| 1 | 2 |" == tables.table(("a", "b"), [("1", "2")])


@pytest.mark.parametrize(("own", "others", "said"), [(0.6, 0.9, True), (1.0, 0.9, False), (0.6, 0.5, False)])
def test_a_server_that_waited_for_the_load_is_named(own: float, others: float, *, said: bool) -> None:
    shares = {"server_share": own, "upstream_share": others / 2, "generator_share": others / 2}
    rounds = [{**shares, "upstream_calls_per_second": 500}]
    text = tables.load({"cases": {"a case": {"fast": rounds}}, "upstream_capacity": {"calls_per_second": 1000}})
    assert said == ("fast (a case)" in text)
    assert "the busiest run made 500 (50%)" in text


def marked(name: str, figures: str) -> str:
    begin = f"<!-- figures of {name}: begin; written by `python -m benchmarks.report` -->"
    return f"{begin}\n\n{figures}\n\n<!-- figures of {name}: end -->"


def test_figures_replace_those_of_the_last_run_and_nothing_else() -> None:
    page = f"# Title\n{marked('one', 'old')}\nText\n{marked('two', 'kept')}\n"
    expected = f"# Title\n{marked('one', 'new')}\nText\n{marked('two', 'kept')}\n"
    assert expected == report.insert(page, "one", "new")


@pytest.mark.parametrize("page", ["", marked("two", ""), marked("one", "").split("\n", maxsplit=1)[0]])
def test_a_page_without_both_markers_is_left_alone(page: str) -> None:
    with pytest.raises(BenchmarkError, match="markers of one"):
        report.insert(page, "one", "new")


def test_the_documentation_page_has_a_place_for_every_part() -> None:
    page = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")
    for name in report.PARTS:
        page = report.insert(page, name, f"figures of {name}")
        assert f"figures of {name}" in page


def test_without_results_the_page_stays_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no markers", encoding="utf-8")
    report.rewrite(tmp_path, page, tmp_path / "chart.svg")
    assert "no markers" == page.read_text(encoding="utf-8")
    assert not (tmp_path / "chart.svg").exists()
