"""Metric families have a limited number of series; known ones start at 0."""

from __future__ import annotations

import threading

import pytest

from graph.telemetry.metrics import MAX_SERIES, OTHER, Metrics
from tests.telemetry.scrape import scrape, series, value


def test_a_count_without_labels_is_there_before_it_is_counted() -> None:
    metrics = Metrics()
    counter = metrics.counter("c", "text")
    assert value(metrics, "c_total") == 0
    counter.inc()
    counter.inc(2)
    assert value(metrics, "c_total") == 3


def test_combinations_that_are_known_are_there_before_they_are_counted() -> None:
    metrics = Metrics()
    metrics.counters("c", "text", "one", known=[("a",), ("b",)])
    assert [value(metrics, "c_total", one=one) for one in "abc"] == [0, 0, None]


def test_a_count_has_no_more_series_than_it_may_and_loses_no_event() -> None:
    metrics = Metrics()
    counts = metrics.counters("c", "text", "one", "two")
    for number in range(2 * MAX_SERIES):
        counts[f"n{number}", "x"].inc()
    counts["n0", "x"].inc()
    figures = series(metrics, "c_total").values()
    assert MAX_SERIES + 1 == len(figures) == len(counts)
    assert sum(figures) == 2 * MAX_SERIES + 1
    assert value(metrics, "c_total", one="n0", two="x") == 2
    assert value(metrics, "c_total", one=OTHER, two=OTHER) == MAX_SERIES


@pytest.mark.slow
def test_durations_have_no_more_series_than_they_may_and_lose_no_event() -> None:
    metrics = Metrics()
    durations = metrics.durations("http_d", "text", "one")
    for number in range(MAX_SERIES + 100):
        durations[f"n{number}",].observe(0.5)
    counts = series(metrics, "http_d_count").values()
    assert len(counts) == MAX_SERIES + 1
    assert sum(counts) == MAX_SERIES + 100
    assert value(metrics, "http_d_count", one=OTHER) == 100


def test_a_forgotten_series_frees_its_place_and_starts_again_at_0() -> None:
    metrics = Metrics()
    counts = metrics.counters("c", "text", "one", "two")
    counts.limit = 3
    for values in (("a", "x"), ("a", "y"), ("b", "x")):
        counts[values].inc()
    counts.forget("a")
    assert [value(metrics, "c_total", one=one, two=two) for one, two in (("a", "x"), ("a", "y"), ("b", "x"))] == [
        None,
        None,
        1,
    ]
    counts["a", "x"].inc()
    assert value(metrics, "c_total", one="a", two="x") == 1


def test_a_family_has_the_buckets_of_a_request_and_no_moment_of_its_making() -> None:
    metrics = Metrics()
    metrics.durations("http_d", "text", "one")["x",].observe(0.03)
    metrics.counter("c", "text").inc()
    lines = [line for line in metrics.render().decode().splitlines() if line.startswith(("konagraph_", "http_"))]
    bounds = (
        "0.001",
        "0.0025",
        "0.005",
        "0.01",
        "0.025",
        "0.05",
        "0.1",
        "0.25",
        "0.5",
        "1.0",
        "2.5",
        "5.0",
        "+Inf",
    )
    assert [
        *(f'http_d_bucket{{le="{bound}",one="x"}} {float(index >= 5)}' for index, bound in enumerate(bounds)),
        'http_d_count{one="x"} 1.0',
        'http_d_sum{one="x"} 0.03',
        "konagraph_c_total 1.0",
    ] == [line for line in lines if "build_info" not in line]


def test_a_figure_that_is_kept_elsewhere_is_read_when_it_is_asked_for() -> None:
    metrics = Metrics()
    gauge, counter = iter([1.0, 5.0]), iter([2.0, 6.0])
    metrics.gauge("g", "text").set_function(lambda: next(gauge))
    metrics.observable_counter("c", "text", lambda: next(counter))
    assert [
        {found["konagraph_g", frozenset()], found["konagraph_c_total", frozenset()]}
        for found in (scrape(metrics), scrape(metrics))
    ] == [{1, 2}, {5, 6}]


def test_series_may_come_while_another_thread_renders() -> None:
    metrics = Metrics()
    counts = metrics.counters("c", "text", "one")
    durations = metrics.durations("http_d", "text", "one")
    failures: list[BaseException] = []
    done = threading.Event()

    def render() -> None:
        try:
            while not done.is_set():
                metrics.render()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test has failed
            failures.append(error)

    thread = threading.Thread(target=render)
    thread.start()
    for number in range(MAX_SERIES):
        counts[f"n{number}",].inc()
        durations[f"n{number}",].observe(0.1)
    done.set()
    thread.join()
    assert failures == []
