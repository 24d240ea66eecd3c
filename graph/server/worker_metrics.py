"""The metrics of several processes as those of one target: every sample gets a label that says whose it is.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class _Family:
    comments: dict[str, str] = field(default_factory=dict)
    samples: list[str] = field(default_factory=list)


def merge(texts: Mapping[str, str]) -> str:
    """One text of all; the lines of a metric stay together, as the format wants it.

    Args:
        texts: what each worker says, by its name.
    """
    families: dict[str, _Family] = {}
    for worker, text in texts.items():
        family = _Family()
        for line in text.splitlines():
            match line.split(" ", 3):
                case ["#", "HELP" | "TYPE" as kind, name, *_]:
                    family = families.setdefault(name, _Family())
                    family.comments.setdefault(kind, line)
                case [sample, *_] if sample and sample != "#":
                    family.samples.append(_labelled(line, worker))
    lines = [line for family in families.values() for line in (*family.comments.values(), *family.samples)]
    return "".join(f"{line}\n" for line in lines)


def _labelled(line: str, worker: str) -> str:
    name, brace, rest = line.partition("{")
    if brace and " " not in name:
        separator = "" if rest.startswith("}") else ","
        return f'{name}{{worker="{worker}"{separator}{rest}'
    name, _, value = line.partition(" ")
    return f'{name}{{worker="{worker}"}} {value}'
