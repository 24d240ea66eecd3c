"""Families of metrics count as prometheus-client's own do, and hold no more than so many series."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from graph.telemetry.families import BUCKETS, MAX_SERIES, OTHER, Counts, Durations, Readings

SECONDS = st.one_of(st.floats(0, 10), st.sampled_from([*BUCKETS, 0.0, 1e-9, 5.000001, 1e9]))


def exposed(registry: CollectorRegistry) -> list[str]:
    """What Prometheus reads, without the moment at which prometheus-client's own series were made."""
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if "_created" not in line and not line.startswith("# HELP")]


@given(st.lists(st.tuples(SECONDS, st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]))))
def test_durations_are_exposed_as_the_library_exposes_a_histogram(observed: list[tuple[float, str, str]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    durations = Durations(ours, "d", "text", ["one", "two"])
    histogram = Histogram("d", "text", ["one", "two"], registry=theirs, buckets=BUCKETS)
    for seconds, one, two in observed:
        durations.add(seconds, one, two)
        histogram.labels(one, two).observe(seconds)
    assert exposed(theirs) == exposed(ours)


@given(st.lists(st.tuples(st.sampled_from(["a", 'quote"', "line\nbreak", "back\\slash"]), st.integers(1, 9))))
def test_counts_are_exposed_as_the_library_exposes_a_counter(observed: list[tuple[str, int]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = Counts(ours, "c", "text", ["one"])
    counter = Counter("c", "text", ["one"], registry=theirs)
    for one, amount in observed:
        counts.add(one, amount=amount)
        counter.labels(one).inc(amount)
    assert exposed(theirs) == exposed(ours)


def test_a_count_without_labels_is_there_before_it_is_counted() -> None:
    registry = CollectorRegistry()
    counts = Counts(registry, "c", "text")
    assert 0 == registry.get_sample_value("c_total")
    counts.add()
    counts.add(amount=2)
    assert 3 == registry.get_sample_value("c_total")


def test_combinations_that_are_known_are_there_before_they_are_counted() -> None:
    registry = CollectorRegistry()
    Counts(registry, "c", "text", ["one"], [("a",), ("b",)])
    assert [0, 0, None] == [registry.get_sample_value("c_total", {"one": one}) for one in "abc"]


def test_a_count_has_no_more_series_than_it_may_and_loses_no_event() -> None:
    registry = CollectorRegistry()
    counts = Counts(registry, "c", "text", ["one", "two"])
    for number in range(2 * MAX_SERIES):
        counts.add(f"n{number}", "x")
    counts.add("n0", "x")
    (family,) = registry.collect()
    assert len(family.samples) == MAX_SERIES + 1
    assert sum(sample.value for sample in family.samples) == 2 * MAX_SERIES + 1
    assert registry.get_sample_value("c_total", {"one": "n0", "two": "x"}) == 2
    assert registry.get_sample_value("c_total", {"one": OTHER, "two": OTHER}) == MAX_SERIES


def test_durations_have_no_more_series_than_they_may_and_lose_no_event() -> None:
    registry = CollectorRegistry()
    durations = Durations(registry, "d", "text", ["one"])
    for number in range(2 * MAX_SERIES):
        durations.add(0.5, f"n{number}")
    (family,) = registry.collect()
    counts = [sample for sample in family.samples if sample.name == "d_count"]
    assert len(counts) == MAX_SERIES + 1
    assert sum(sample.value for sample in counts) == 2 * MAX_SERIES
    assert registry.get_sample_value("d_count", {"one": OTHER}) == MAX_SERIES


@pytest.mark.parametrize(("counter", "name"), [(False, "r"), (True, "r_total")])
def test_a_reading_is_taken_when_it_is_asked_for(*, counter: bool, name: str) -> None:
    registry = CollectorRegistry()
    figures = iter([1.0, 5.0])
    Readings(registry, "r", "text", lambda: [(("x",), next(figures))], ["one"], counter=counter)
    assert [1, 5] == [registry.get_sample_value(name, {"one": "x"}) for _ in range(2)]


def test_series_may_come_while_another_thread_renders() -> None:
    registry = CollectorRegistry()
    counts = Counts(registry, "c", "text", ["one"])
    durations = Durations(registry, "d", "text", ["one"])
    failures: list[BaseException] = []
    done = threading.Event()

    def render() -> None:
        try:
            while not done.is_set():
                generate_latest(registry)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test has failed
            failures.append(error)

    thread = threading.Thread(target=render)
    thread.start()
    for number in range(MAX_SERIES):
        counts.add(f"n{number}")
        durations.add(0.1, f"n{number}")
    done.set()
    thread.join()
    assert [] == failures
