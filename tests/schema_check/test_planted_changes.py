"""Each planted change names exactly the documents of the client versions that it affects."""

from __future__ import annotations

import pytest
from graphql import BreakingChangeType, DangerousChangeType, build_schema, validate

from graph.schema_check.changes import Level
from graph.schema_check.check import Comparison, compare
from graph.schema_check.effects import Effect
from tests.schema_check.planted import BREAKING, DANGEROUS, SAFE, Planted
from tests.schema_check.stored_by_clients import SDL, stored
from tests.tables import table

OLD = build_schema(SDL)
LEVELED = [
    (level, planted) for level, rows in zip(Level, (BREAKING, DANGEROUS, SAFE), strict=True) for planted in rows
]


def changed(*planted: Planted) -> Comparison:
    sdl = SDL
    for each in planted:
        assert each.before in sdl
        sdl = sdl.replace(each.before, each.after)
    return compare(OLD, build_schema(sdl), stored())


def affected(outcome: Comparison, kind: str, coordinate: str) -> dict[str, Effect]:
    (finding,) = [
        one for one in outcome.findings if (one.change.kind, one.change.coordinate) == (kind, coordinate)
    ]
    return {f"{each.client} {each.document}": each.effect for each in finding.affected}


def test_every_stored_document_is_valid_before() -> None:
    assert [each.name for each in stored() if validate(OLD, each.node)] == []


@pytest.mark.slow
@table("level, planted", LEVELED)
def test_a_planted_change_names_exactly_the_documents_that_it_affects(level: Level, planted: Planted) -> None:
    outcome = changed(planted)
    assert planted.affected == affected(outcome, planted.kind, planted.coordinate)
    # Beside it, there may be what follows from it.
    assert level is outcome.findings[0].change.level
    assert (outcome.unexplained, outcome.skipped) == ([], [])
    # graphql-core is the judge of what is no longer valid.
    new = build_schema(SDL.replace(planted.before, planted.after))
    invalid = {f"{each.client} {each.name}" for each in stored() if validate(new, each.node)}
    assert invalid == {name for name, effect in planted.affected.items() if effect is Effect.INVALID}


def test_the_table_has_every_kind_of_change_that_may_break_a_client() -> None:
    kinds = {planted.kind for planted in (*BREAKING, *DANGEROUS)}
    assert {kind.name for kind in (*BreakingChangeType, *DangerousChangeType)} - kinds == set()
    assert len(BREAKING) >= 30


def test_changes_at_once_keep_their_documents_apart() -> None:
    planted = [each for each in BREAKING if each.coordinate in ("Member.name", "Locale.EN", "@cached(by:)")]
    outcome = changed(*planted)
    assert outcome.count(Level.BREAKING) == 3
    for each in planted:
        assert each.affected == affected(outcome, each.kind, each.coordinate)
    assert outcome.broken == {"android@1.2": ["Node"], "partner@9": ["English", "Search"]}


def test_a_field_that_goes_from_a_nullable_one_breaks_the_same_documents_for_its_own_reason() -> None:
    (removed,) = [each for each in BREAKING if (each.kind, each.coordinate) == ("FIELD_REMOVED", "Card.balance")]
    outcome = changed(removed, Planted("lookup(by: Lookup!): Result!", "lookup(by: Lookup!): Result", "", "", {}))
    assert removed.affected == affected(outcome, removed.kind, removed.coordinate)
    assert affected(outcome, "FIELD_CHANGED_KIND", "Query.lookup") == {"ios@3.1 Find": Effect.ANSWERS}


def test_nothing_is_found_where_nothing_has_changed() -> None:
    outcome = changed()
    assert (outcome.findings, outcome.unexplained, outcome.skipped, outcome.broken) == ([], [], [], {})
