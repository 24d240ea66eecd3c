"""What the benchmark makes of its figures: ratios, goals, tables and the chart."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from benchmarks import goals, report, targets
from benchmarks.__main__ import chosen, write
from benchmarks.chart import bars
from benchmarks.goals import Goal
from benchmarks.processes import BenchmarkError
from benchmarks.rounds import check_calls, hot_cards, rotated
from benchmarks.scenarios import ATTACKED, CARD_32, CARD_128, CARD_128_SLOW, HOT, MANY_CARDS, MEMBER
from benchmarks.summary import Spread, ratio
from benchmarks.targets import ALONE, BESIDE, GATEWAY, Run
from tests.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MERCURIUS, RAW = targets.MERCURIUS.name, targets.RAW.name


def figures(*speeds: float, p99: float = 2.0, calls: float = 1.0, kept: float = 0.9) -> dict[str, list[float]]:
    count = len(speeds)
    return {
        "requests_per_second": list(speeds),
        "cpu_us": [1e6 / speed for speed in speeds],
        "p50_ms": [1.0] * count,
        "p99_ms": [p99] * count,
        "calls": [calls] * count,
        "resident_mb": [80.0] * count,
        "load_share": [0.2] * count,
        "kept": [kept] * count,
    }


def result(runs: tuple[Run, ...]) -> dict[str, Any]:
    """Of a run in which everything was measured; each server is twice as fast as the one before it."""
    names = list(dict.fromkeys(run.target.name for run in runs))
    cases: dict[str, dict[str, dict[str, list[float]]]] = {}
    for run in runs:
        for case in run.cases:
            speed = 100.0 * 2 ** names.index(run.target.name)
            cases.setdefault(case.name, {})[run.target.name] = figures(speed, speed * 1.5)
    return {
        "environment": {
            "time": "2026-01-02 03:04 UTC",
            "cpu": "a processor",
            "cores": 2,
            "separate": True,
            "load_average": 0.1,
            "system": "a system",
            "python": "a Python",
        },
        "versions": {"konagraph": "1.2.3"},
        "options": {"rounds": 2, "seconds": 3},
        "left_out": ["somebody is left out"],
        "bare_us": [400.0, 500.0],
        "cases": cases,
    }


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write(tmp_path / "peers.json", result(BESIDE))
    write(tmp_path / "gateway.json", result(ALONE))
    return tmp_path


def written(results: Path, text: str) -> tuple[str, str]:
    page, chart = results / "page.md", results / "chart.svg"
    page.write_text(text, encoding="utf-8")
    report.rewrite(results, page, chart)
    return page.read_text(encoding="utf-8"), chart.read_text(encoding="utf-8")


def test_every_case_and_every_server_is_in_the_page(results: Path) -> None:
    text, chart = written(results, report.PAGE.read_text(encoding="utf-8"))
    for run in (*ALONE, *BESIDE):
        assert run.target.name in text
    for case in (*ALONE[0].cases, MANY_CARDS, HOT):
        assert case.name in text
    for run in BESIDE:
        if CARD_32 in run.cases:
            assert run.target.name in chart
    assert "somebody is left out" in text


def test_the_same_results_give_the_same_page(results: Path) -> None:
    once = written(results, report.PAGE.read_text(encoding="utf-8"))
    assert written(results, once[0]) == once


def test_the_page_is_what_its_results_give() -> None:
    text = report.PAGE.read_text(encoding="utf-8")
    for name in ("peers", "gateway"):
        measured = orjson.loads((report.RESULTS / f"{name}.json").read_bytes())
        assert report.insert(text, name, report.tables(measured)) == text
        if name == "peers":
            assert report.insert(text, "goals", report.goal_table(measured)) == text
            assert report.drawn(measured) == report.CHART.read_text(encoding="utf-8")


def test_a_result_keeps_the_rounds_of_a_figure_on_one_line(tmp_path: Path) -> None:
    write(tmp_path / "a.json", {"figures": [1.5, 2.0, 3], "names": ["a"]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert '"figures": [1.5, 2.0, 3]' in text
    assert orjson.loads(text) == {"figures": [1.5, 2.0, 3], "names": ["a"]}


def test_a_throughput_is_compared_within_each_round() -> None:
    # The medians alone would give 100 / 400.
    assert ratio(figures(90, 100, 300), figures(100, 400, 500)) == Spread(0.6, 0.25, 0.9)
    assert Spread.of([1, 3000, 2000]).text(1) == "2,000.0 (1.0 to 3,000.0)"


def beside(case: str, of: dict[str, dict[str, list[float]]]) -> list[Goal]:
    return [goal for goal in goals.goals({"cases": {case: of}, "bare_us": [250.0]}) if case in goal.name]


def test_a_multiple_of_another_s_throughput_is_a_goal_and_an_aim() -> None:
    few = {GATEWAY: figures(1_200), MERCURIUS: figures(1_000), RAW: {**figures(1_000), "cpu_us": [2_000.0]}}
    many = {GATEWAY: figures(1_080), MERCURIUS: figures(1_000), RAW: figures(900)}
    found = list(goals.goals({"cases": {CARD_32.name: few, CARD_128.name: many}, "bare_us": [250.0]}))
    assert [(goal.bound, *goal.row()[-3:]) for goal in found if "memory" not in goal.name] == [
        (1.1, "1.20, 1.08", "1.20, 1.08", "**missed**"),
        (1.0, "1.20, 1.20", "2.40, 1.20", "aim reached"),
        (0.43, "0.30", "0.30", "**missed**"),
    ]


def test_an_aim_without_a_bound_is_never_missed() -> None:
    only_aim = Goal("speed", (0.9,), None, 1.0)
    assert only_aim.row() == ("speed", "", "1", "0.90", "", "aim missed")
    assert not only_aim.missed
    assert replace(only_aim, measured=(1.1,)).row()[-1] == "aim reached"
    assert Goal("size", (3,), 2, at_least=False).row() == ("size", "≤ 2", "", "3.00", "", "**missed**")
    assert Goal("speed", (1.15, 1.2), 1.1, 1.25).row()[-1] == "met"


def test_latency_and_calls_are_compared_with_the_best_of_all_peers() -> None:
    slow = beside(
        CARD_128_SLOW.name, {GATEWAY: figures(1, p99=30), "a": figures(1, p99=60), "b": figures(1, p99=40)}
    )
    assert [(goal.measured, goal.missed) for goal in slow] == [((0.75,), False)]
    hot = beside(HOT.name, {GATEWAY: figures(1, calls=0.3), "a": figures(1, calls=1), "b": figures(1, calls=1.2)})
    assert [(goal.measured, goal.missed) for goal in hot] == [((0.3,), True)]
    many = beside(MANY_CARDS.name, {GATEWAY: figures(90), "a": figures(10), "b": figures(60)})
    assert [(goal.measured, goal.missed) for goal in many] == [((1.5,), False)]


def test_what_was_not_measured_is_no_goal() -> None:
    assert beside(CARD_128.name, {GATEWAY: figures(900)}) == []
    assert beside(CARD_32.name, {MERCURIUS: figures(900)}) == []
    assert list(goals.goals({"cases": {}, "bare_us": []})) == []


def test_every_goal_is_judged_when_everything_was_measured() -> None:
    found = list(goals.goals(result(BESIDE)))
    # Six servers, latency, aliases, hot cards; and three of the gateway alone.
    assert len(found) == 6 + 3 + 3
    assert len(found) == len({goal.name for goal in found})
    assert re.match(r"\| \d+ of 12 are missed \|", report.goal_table(result(BESIDE)))


def test_the_others_must_keep_their_throughput_beside_the_worst_documents() -> None:
    cases = {ATTACKED.name: {GATEWAY: figures(100, kept=0.7)}}
    found = [goal for goal in goals.goals({"cases": cases, "bare_us": [250.0]}) if "worst" in goal.name]
    assert [(goal.measured, goal.missed) for goal in found] == [((0.7,), True)]


@pytest.mark.parametrize(
    ("share", "said"), [(0.9, "They may have limited: fast (a case)."), (0.5, "They did not limit any server.")]
)
def test_a_server_that_may_have_waited_for_the_load_is_named(share: float, said: str) -> None:
    of = {"fast": {**figures(1), "load_share": [share]}}
    assert said in report.tables({**result(()), "cases": {"a case": of}})


def test_what_is_said_of_a_run_is_a_list_of_items_with_lines_of_the_page_s_width() -> None:
    of = {f"A + {'B' * number}": {**figures(1), "load_share": [0.9]} for number in range(1, 30)}
    versions = {f"package-{number}": "1.2.3" for number in range(30)}
    left_out = ["somebody is left out: " + "a long\nmessage " * 20, "another is left out: no answer in 2 s"]
    run = {**result(()), "cases": {"a case": of}, "left_out": left_out, "versions": versions}
    notes = report.tables(run).rpartition("\n\n")[2].splitlines()
    assert [line for line in notes if len(line) > 120 or not line.startswith(("- ", "  "))] == []
    assert [line for line in notes if line.strip().startswith("+")] == []
    assert [line.split()[1] for line in notes if line.startswith("- ")] == [
        "Upstream", "somebody", "another", "2026-01-02", "Versions:",
    ]  # fmt: skip
    assert "- another is left out: no answer in 2 s." in notes


def test_figures_replace_those_of_the_last_run_and_nothing_else() -> None:
    def marked(name: str, text: str) -> str:
        return f"<!-- {name}: begin; written by `python -m benchmarks.report` -->\n\n{text}\n<!-- {name}: end -->"

    page = f"# Title\n{marked('one', 'old')}\nText\n{marked('two', 'kept')}\n"
    expected = f"# Title\n{marked('one', 'new')}\nText\n{marked('two', 'kept')}\n"
    assert report.insert(page, "one", "new") == expected
    for without in ("", marked("two", ""), marked("one", "").split("\n", maxsplit=1)[0]):
        with pytest.raises(BenchmarkError, match="markers of one"):
            report.insert(without, "one", "new")


def test_without_results_the_page_stays_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no markers", encoding="utf-8")
    report.rewrite(tmp_path, page, tmp_path / "chart.svg")
    assert page.read_text(encoding="utf-8") == "no markers"
    assert not (tmp_path / "chart.svg").exists()


def test_bars_are_as_long_as_their_figures_from_one_zero_and_the_own_stands_out() -> None:
    drawn = ET.fromstring(bars('a "title"', {"fast & <good>": 200.0, "slow": 50.0}, "slow"))  # noqa: S314 - our own text
    namespace = "{http://www.w3.org/2000/svg}"
    fast, slow = [float(bar.get("width", "")) for bar in drawn.iter(f"{namespace}rect")]
    assert slow / fast == 0.25
    texts = {text.text: text.get("font-weight") for text in drawn.iter(f"{namespace}text")}
    assert (texts["fast & <good>"], texts["slow"]) == (None, "bold")
    assert drawn.get("aria-label") == 'a "title"'
    assert list(ET.fromstring(bars("t", {}, "")).iter(f"{namespace}rect")) == []  # noqa: S314 - our own text


def test_every_server_comes_first_in_turn() -> None:
    assert [rotated(["a", "b", "c"], places) for places in (0, 1, 3)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["a", "b", "c"],
    ]


def test_a_server_that_saves_upstream_calls_is_not_compared() -> None:
    check_calls("server", MEMBER, requests=10, calls=20)
    with pytest.raises(BenchmarkError, match="server made 19 upstream calls for 10 requests"):
        check_calls("server", MEMBER, requests=10, calls=19)


def test_hot_cards_follow_zipf_s_law_and_are_the_same_for_every_server() -> None:
    drawn = hot_cards(1.5, seed=3, cards=100, count=50_000)
    assert drawn == hot_cards(1.5, seed=3, cards=100, count=50_000)
    assert all(len(card) == 16 and card.isdecimal() for card in drawn)
    total = sum(1 / rank**1.5 for rank in range(1, 101))
    for rank, (_, count) in enumerate(Counter(drawn).most_common(4), start=1):
        assert count / 50_000 == pytest.approx(1 / rank**1.5 / total, rel=0.1)


def test_a_part_can_be_chosen() -> None:
    (run,) = chosen(BESIDE, ["mercurius + jit, jose: card, 32 connections, 20"])
    assert run.target.name == MERCURIUS
    assert len(run.cases) == 1
    assert chosen(BESIDE, []) == list(BESIDE)


def test_no_registry_has_an_address_in_the_benchmark() -> None:
    kinds = (".json", ".lua", ".mjs", ".in", ".py", ".txt")
    files = [file for file in (ROOT / "benchmarks").rglob("*") if file.suffix in kinds]
    own = [file for file in files if "node_modules" not in file.parts]
    assert ROOT / "benchmarks" / "peers" / "package-lock.json" in own
    assert [file for file in own if b"registry." in file.read_bytes()] == []
