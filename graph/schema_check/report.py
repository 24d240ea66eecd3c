"""The result of a comparison as text, as JSON, and as a section of a changelog."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from graph.schema_check.changes import Level
from graph.schema_check.effects import Effect
from graph.texts import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from graph.schema_check.check import Affected, AssessedChange, Comparison

_HEADINGS: Final = {Level.BREAKING: "Breaking", Level.DANGEROUS: "Dangerous", Level.SAFE: "Safe"}


def as_text(comparison: Comparison, against: str) -> str:
    """Text for people: the changes that may harm a client in full, the safe ones in a line each."""
    counts = ", ".join(f"{comparison.count(level)} {level}" for level in Level)
    lines = [f"Changes of the schema since {against}: {counts}."]
    for level in Level:
        findings = [one for one in comparison.findings if one.change.level is level]
        if findings:
            lines += ["", _HEADINGS[level]]
        for one in findings:
            announced = " (announced)" if level is Level.BREAKING and one.is_announced else ""
            lines.append(f"  {one.change.description}{announced}")
            lines += [f"    {line}" for line in _details(one, comparison)]
    if comparison.unexplained:
        lines += ["", "No longer valid, for several changes together"]
        lines += [f"  {line}" for line in _by_client(comparison.unexplained)]
    if comparison.skipped:
        lines += ["", "Not compared, because they fit neither schema"]
        lines += [f"  {client}: {name}" for client, name in comparison.skipped]
    # Names of clients come from logs and manifests.
    return "\n".join(map(printable, [*lines, "", *_verdict(comparison), ""]))


def as_json(comparison: Comparison, against: str) -> str:
    """The same for programs."""
    result = {
        "against": against,
        "counts": {level.value: comparison.count(level) for level in Level},
        "changes": [_change(one) for one in comparison.findings],
        "unexplained": _affected(comparison.unexplained),
        "notCompared": [{"client": client, "document": name} for client, name in comparison.skipped],
        "clients": comparison.broken,
        "users": comparison.users,
    }
    return json.dumps(result, indent=2) + "\n"


def as_markdown(comparison: Comparison, against: str) -> str:
    """A section for a changelog of the schema, such as docs/changes.md."""
    lines = [f"<!-- since {against} -->"]
    for level in Level:
        findings = [one for one in comparison.findings if one.change.level is level]
        if findings:
            lines += ["", f"### {_HEADINGS[level]}", ""]
        lines += [
            f"- {one.change.description.replace(name := one.change.coordinate, f'`{name}`')}" for one in findings
        ]
    return "\n".join([*lines, ""])


FORMATS: Final[Mapping[str, Callable[[Comparison, str], str]]] = {
    "text": as_text,
    "json": as_json,
    "markdown": as_markdown,
}


def _details(finding: AssessedChange, comparison: Comparison) -> Iterator[str]:
    yield from _by_client(finding.affected)
    for used in finding.usage:
        yield f"{used.client} used {used.coordinate}: {used.requests} requests, the last {used.last}"
    is_safe = finding.change.level is Level.SAFE
    if comparison.documents and not is_safe and not finding.affected and not finding.usage:
        yield "affects no stored document"


def _by_client(affected: Iterable[Affected]) -> Iterator[str]:
    effects = list(Effect)
    ordered = sorted(affected, key=lambda one: (one.client, effects.index(one.effect), one.document))
    for (client, effect), group in groupby(ordered, key=lambda one: (one.client, one.effect)):
        yield f"{client}: {', '.join(one.document for one in group)} ({effect})"


def _verdict(comparison: Comparison) -> Iterator[str]:
    if not comparison.count(Level.BREAKING) and not comparison.unexplained:
        yield "No change is breaking."
        return
    if comparison.users:
        yield f"What breaking changes are about was used by: {', '.join(comparison.users)}"
    if not comparison.documents:
        yield "Which stored documents they affect is not known without --documents."
    elif not comparison.broken:
        yield "Breaking changes affect no stored document."
    else:
        yield "Breaking changes affect:"
        for client, documents in comparison.broken.items():
            yield f"  {client}: {', '.join(documents)}"


def _change(finding: AssessedChange) -> dict[str, Any]:
    change = finding.change
    return {
        "level": change.level.value,
        "kind": change.kind,
        "coordinate": change.coordinate,
        "description": change.description,
        "announced": finding.is_announced,
        "affected": _affected(finding.affected),
        "usage": [one._asdict() for one in finding.usage],
    }


def _affected(affected: Sequence[Affected]) -> list[dict[str, str]]:
    return [{"client": one.client, "document": one.document, "effect": one.effect.name} for one in affected]
