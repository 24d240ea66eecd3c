"""A bar chart as SVG: the same text for the same figures. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH: Final = 860
_LEFT: Final = 230
_RIGHT: Final = 70
_TOP: Final = 64
_BAR: Final = 12
_GAP: Final = 10
# Readable on a light page and on a dark one.
_COLOURS: Final = ("#5b8ff9", "#9bb8f2")
_OWN: Final = ("#e8684a", "#f0a08c")
_INK: Final = "#808890"


@dataclass(frozen=True, slots=True)
class Group:
    """One server: a bar for each series, or None where it has no figure."""

    label: str
    values: Sequence[float | None]
    own: bool = False
    """Drawn in another colour."""


def bars(title: str, series: Sequence[str], groups: Sequence[Group]) -> str:
    """Horizontal bars from one zero, each with its figure behind it."""
    step = len(series) * _BAR + _GAP
    height = _TOP + len(groups) * step + _GAP
    largest = max((value or 0 for group in groups for value in group.values), default=0) or 1
    scale = (WIDTH - _LEFT - _RIGHT) / largest
    size = f'viewBox="0 0 {WIDTH} {height}"'
    font = f'font-family="sans-serif" font-size="12" fill="{_INK}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(title)} {font}>',
        f'<text x="8" y="22" font-size="15">{escape(title)}</text>',
        *_legend(series),
    ]
    for number, group in enumerate(groups):
        lines += _group(group, _TOP + number * step, scale)
    return "\n".join([*lines, "</svg>\n"])


def _legend(series: Sequence[str]) -> Iterator[str]:
    for number, name in enumerate(series):
        x = _LEFT + number * 220
        yield f'<rect x="{x}" y="36" width="12" height="12" fill="{_COLOURS[number]}"/>'
        yield f'<text x="{x + 18}" y="46">{escape(name)}</text>'


def _group(group: Group, top: int, scale: float) -> Iterator[str]:
    weight = ' font-weight="bold"' if group.own else ""
    middle = top + len(group.values) * _BAR // 2 + 4
    yield f'<text x="{_LEFT - 8}" y="{middle}" text-anchor="end"{weight}>{escape(group.label)}</text>'
    for number, value in enumerate(group.values):
        if value is None:
            continue
        y, width = top + number * _BAR, max(value * scale, 1)
        colour = (_OWN if group.own else _COLOURS)[number]
        yield f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR - 1}" fill="{colour}"/>'
        yield f'<text x="{_LEFT + width + 5:.1f}" y="{y + _BAR - 2}" font-size="10">{value:,.0f}</text>'
