"""The bar chart."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from benchmarks.chart import Group, bars

SVG = "{http://www.w3.org/2000/svg}"
GROUPS = [Group("fast & <good>", (200.0, 100.0), own=True), Group("slow", (50.0, None))]


def drawn(groups: list[Group]) -> ET.Element:
    return ET.fromstring(bars('a "title"', ("32", "128"), groups))  # noqa: S314 - our own text


def widths(chart: ET.Element) -> list[float]:
    # The first two are the legend's.
    return [float(bar.get("width", "")) for bar in chart.iter(f"{SVG}rect")][2:]


def test_bars_are_as_long_as_their_figures_from_one_zero() -> None:
    first, second, third = widths(drawn(GROUPS))
    assert (0.5, 0.25) == (second / first, third / first)


def test_a_server_without_a_figure_has_no_bar() -> None:
    assert 3 == len(widths(drawn(GROUPS)))


def test_names_are_text_whatever_they_hold() -> None:
    chart = drawn(GROUPS)
    assert 'a "title"' == chart.get("aria-label")
    assert "fast & <good>" in [text.text for text in chart.iter(f"{SVG}text")]


def test_the_same_figures_give_the_same_bytes() -> None:
    assert bars("t", ("32", "128"), GROUPS) == bars("t", ("32", "128"), list(GROUPS))


def test_a_chart_of_nothing_is_still_a_chart() -> None:
    assert [] == widths(drawn([]))
    assert [1.0] == widths(drawn([Group("no answers", (0.0,))]))
