"""The result of a comparison as text, as JSON, and as a section of a changelog."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from graph.output.texts import printable
from graph.schema_check.changes import Level
from graph.schema_check.effects import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from graph.schema_check.check import Affected, Finding, Outcome

_HEADINGS: Final = {Level.BREAKING: "Breaking", Level.DANGEROUS: "Dangerous", Level.SAFE: "Safe"}


def as_text(outcome: Outcome, against: str) -> str:
    """Text for people: the changes that may harm a client in full, the safe ones in a line each."""
    counts = ", ".join(f"{outcome.count(level)} {level}" for level in Level)
    lines = [f"Changes of the schema since {against}: {counts}."]
    for level in Level:
        findings = [one for one in outcome.findings if one.change.level is level]
        if findings:
            lines += ["", _HEADINGS[level]]
        for one in findings:
            announced = " (announced)" if level is Level.BREAKING and one.is_announced else ""
            lines.append(f"  {one.change.description}{announced}")
            lines += [f"    {line}" for line in _details(one, outcome)]
    if outcome.unexplained:
        lines += ["", "No longer valid, for several changes together"]
        lines += [f"  {line}" for line in _by_client(outcome.unexplained)]
    if outcome.skipped:
        lines += ["", "Not compared, because they fit neither schema"]
        lines += [f"  {client}: {name}" for client, name in outcome.skipped]
    # Names of clients come from logs and manifests.
    return "\n".join(map(printable, [*lines, "", *_verdict(outcome), ""]))


def as_json(outcome: Outcome, against: str) -> str:
    """The same for programs."""
    result = {
        "against": against,
        "counts": {level.value: outcome.count(level) for level in Level},
        "changes": [_change(one) for one in outcome.findings],
        "unexplained": _affected(outcome.unexplained),
        "notCompared": [{"client": client, "document": name} for client, name in outcome.skipped],
        "clients": outcome.broken,
        "users": outcome.users,
    }
    return json.dumps(result, indent=2) + "\n"


def as_markdown(outcome: Outcome, against: str) -> str:
    """A section for a changelog of the schema, such as docs/changes.md."""
    lines = [f"<!-- since {against} -->"]
    for level in Level:
        findings = [one for one in outcome.findings if one.change.level is level]
        if findings:
            lines += ["", f"### {_HEADINGS[level]}", ""]
        lines += [
            f"- {one.change.description.replace(name := one.change.coordinate, f'`{name}`')}" for one in findings
        ]
    return "\n".join([*lines, ""])


FORMATS: Final[Mapping[str, Callable[[Outcome, str], str]]] = {
    "text": as_text,
    "json": as_json,
    "markdown": as_markdown,
}


def _details(finding: Finding, outcome: Outcome) -> Iterator[str]:
    yield from _by_client(finding.affected)
    for used in finding.usage:
        yield f"{used.client} used {used.coordinate}: {used.requests} requests, the last {used.last}"
    is_safe = finding.change.level is Level.SAFE
    if outcome.documents and not is_safe and not finding.affected and not finding.usage:
        yield "affects no stored document"


def _by_client(affected: Iterable[Affected]) -> Iterator[str]:
    effects = list(Effect)
    ordered = sorted(affected, key=lambda one: (one.client, effects.index(one.effect), one.document))
    for (client, effect), group in groupby(ordered, key=lambda one: (one.client, one.effect)):
        yield f"{client}: {', '.join(one.document for one in group)} ({effect})"


def _verdict(outcome: Outcome) -> Iterator[str]:
    if not outcome.count(Level.BREAKING) and not outcome.unexplained:
        yield "No change is breaking."
        return
    if outcome.users:
        yield f"What breaking changes are about was used by: {', '.join(outcome.users)}"
    if not outcome.documents:
        yield "Which stored documents they affect is not known without --documents."
    elif not outcome.broken:
        yield "Breaking changes affect no stored document."
    else:
        yield "Breaking changes affect:"
        for client, documents in outcome.broken.items():
            yield f"  {client}: {', '.join(documents)}"


def _change(finding: Finding) -> dict[str, Any]:
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
