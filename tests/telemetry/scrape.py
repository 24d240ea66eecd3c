"""Reads metrics as Prometheus does: from the text that the gateway renders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from graph.telemetry.metrics import Metrics

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(metrics: Metrics) -> Series:
    """All series by name and labels."""
    return _series(metrics.render().decode("utf-8"))


def series(metrics: Metrics, name: str) -> Series:
    """The series of one name, which is given without `konagraph_`."""
    heads = (f"{_whole(name)} ", f"{_whole(name)}{{")
    # Only these lines are parsed: there can be a hundred thousand.
    lines = [line for line in metrics.render().decode("utf-8").splitlines() if line.startswith(heads)]
    return _series("".join(f"{line}\n" for line in lines))


def _whole(name: str) -> str:
    return name if name.startswith("http_") else f"konagraph_{name}"


def _series(text: str) -> Series:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The value of one series, whose name is given without `konagraph_`; None without one."""
    return series(metrics, name).get((_whole(name), frozenset(labels.items())))


def total(metrics: Metrics, name: str, **some: str) -> float:
    """The sum of all series of a name with these labels, whatever the others are."""
    found = series(metrics, name).items()
    return sum(figure for (_, pairs), figure in found if some.items() <= pairs)


def labels(metrics: Metrics, name: str, label: str) -> set[str]:
    """The values that a label has in the series of a name."""
    return {dict(pairs)[label] for _, pairs in series(metrics, name)}


def operations(metrics: Metrics) -> set[str]:
    """The names of operations that are labels."""
    return labels(metrics, "http_server_request_duration_seconds_count", "graphql_operation_name")
