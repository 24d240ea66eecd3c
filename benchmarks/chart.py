"""A bar chart as SVG: the same text for the same figures. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH: Final = 860
_LEFT: Final = 250
_RIGHT: Final = 70
_TOP: Final = 40
_STEP: Final = 24
_BAR: Final = 16
# Readable on a light page and on a dark one.
_COLOUR, _OWN, _INK = "#5b8ff9", "#e8684a", "#808890"


def bars(title: str, values: Mapping[str, float], own: str) -> str:
    """Horizontal bars from one zero, each with its figure after it; `own` stands out."""
    height = _TOP + len(values) * _STEP
    scale = (WIDTH - _LEFT - _RIGHT) / (max(values.values(), default=0) or 1)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
        f'aria-label={quoteattr(title)} font-family="sans-serif" font-size="12" fill="{_INK}">',
        f'<text x="8" y="22" font-size="15">{escape(title)}</text>',
    ]
    for number, (name, value) in enumerate(values.items()):
        top, width = _TOP + number * _STEP, max(value * scale, 1)
        colour, weight = (_OWN, ' font-weight="bold"') if name == own else (_COLOUR, "")
        lines += [
            f'<text x="{_LEFT - 8}" y="{top + 13}" text-anchor="end"{weight}>{escape(name)}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>',
            f'<text x="{_LEFT + width + 5:.1f}" y="{top + 13}">{value:,.0f}</text>',
        ]
    return "\n".join([*lines, "</svg>\n"])
