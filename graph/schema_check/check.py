"""Which stored documents of which clients a new schema affects, change by change."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from graphql import validate

from graph.schema_check.changes import Change, Level, find_changes
from graph.schema_check.effects import Effect, Fit, effect_of
from graph.schema_check.usage import Usage
from graph.schema_check.uses import uses_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from graphql import GraphQLSchema

    from graph.schema_check.stored import StoredDocument
    from graph.telemetry.usage_lines import Used


class Affected(NamedTuple):
    """A stored document that a change affects."""

    client: str
    document: str
    effect: Effect


@dataclass(slots=True)
class AssessedChange:
    """A change, and what it does to stored documents."""

    change: Change
    affected: list[Affected] = field(default_factory=list)
    usage: list[Used] = field(default_factory=list)
    """The recorded uses that it may concern."""
    is_announced: bool = False
    """Whether the schema's changelog names it."""


@dataclass(slots=True)
class Comparison:
    """The result of a comparison."""

    findings: list[AssessedChange]
    unexplained: list[Affected]
    """Documents that are no longer valid, although no single change explains it."""
    skipped: list[tuple[str, str]]
    """Clients and documents that fit neither schema."""
    documents: int = 0
    """How many were given."""

    def count(self, level: Level) -> int:
        """How many changes have a level."""
        return sum(one.change.level is level for one in self.findings)

    @property
    def is_breaking(self) -> bool:
        """Whether a change is breaking and not announced, or a document is no longer valid for another reason."""
        return bool(self.unexplained) or any(
            one.change.level is Level.BREAKING and not one.is_announced for one in self.findings
        )

    @property
    def broken(self) -> dict[str, list[str]]:
        """The documents that breaking changes affect, by client."""
        broken: defaultdict[str, set[str]] = defaultdict(set)
        breaking = [each for one in self.findings if one.change.level is Level.BREAKING for each in one.affected]
        for each in [*breaking, *self.unexplained]:
            broken[each.client].add(each.document)
        return {client: sorted(broken[client]) for client in sorted(broken)}

    @property
    def users(self) -> list[str]:
        """The clients that have used what breaking changes are about."""
        breaking = (one for one in self.findings if one.change.level is Level.BREAKING)
        return sorted({used.client for one in breaking for used in one.usage})


def compare(
    old: GraphQLSchema,
    new: GraphQLSchema,
    documents: Iterable[StoredDocument],
    used: Iterable[Used] = (),
    announced: Collection[str] = (),
) -> Comparison:
    """Compare two schemas, and find what each change does to stored documents.

    Args:
        old: the schema that the documents were written for.
        new: the schema that is to replace it.
        documents: of clients.
        used: what is known of other clients.
        announced: the coordinates whose breaking changes are intended.
    """
    usage = Usage(used, old)
    findings = [
        AssessedChange(change, usage=usage.of(change), is_announced=change.coordinate in announced)
        for change in find_changes(old, new)
    ]
    outcome = Comparison(findings, [], [])
    for document in documents:
        outcome.documents += 1
        if validate(old, document.node):
            # A document for the new schema is none that a change could break.
            if validate(new, document.node):
                outcome.skipped.append((document.client, document.name))
            continue
        fit = Fit(document.node, uses_of(document.node, old), new)
        if not _explain(findings, document, fit) and not fit.is_valid:
            outcome.unexplained.append(Affected(document.client, document.name, Effect.INVALID))
    return outcome


def _explain(findings: Sequence[AssessedChange], document: StoredDocument, fit: Fit) -> bool:
    """Note which changes affect a document, and return whether any makes it invalid."""
    is_explained = False
    for finding in findings:
        effect = effect_of(finding.change, fit)
        if effect is not None:
            finding.affected.append(Affected(document.client, document.name, effect))
            is_explained |= effect is Effect.INVALID
    return is_explained
