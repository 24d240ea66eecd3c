"""The modes of a manifest, and which documents they allow."""

from __future__ import annotations

import pytest

from graph.graphql.errors import DocumentError
from graph.graphql.manifests import Manifest, TrustedDocuments, trust
from graph.graphql.persisted import Mode, UntrustedDocument
from tests.graphql.documents import (
    CARD,
    CARD_QUERY,
    INLINE_CARD,
    TYPENAME,
    apollo_manifest,
    apollo_operation,
    hash_of,
)
from tests.graphql.resolving import ID, MANIFEST, NOT_ALLOWED, NOT_FOUND, Fixture, refusal


async def test_a_text_is_looked_for_in_the_manifest_as_it_was_sent() -> None:
    # The skeleton of a literal is not the trusted document that it happens to look like.
    named = "query Card($konagraph_card_00: CardNumber!) { card(cardNo: $konagraph_card_00) { balance } }"
    fixture = Fixture(Mode.ENFORCE, manifest=apollo_manifest(apollo_operation(named)))
    for text in (named.replace("$konagraph_card_00)", f'"{CARD}")'), INLINE_CARD):
        with pytest.raises(DocumentError) as caught:
            await fixture.by_text(text)
        assert refusal(caught) == NOT_ALLOWED


async def test_a_mode_holds_without_a_manifest_too() -> None:
    with pytest.raises(DocumentError) as caught:
        await Fixture(Mode.ENFORCE).by_text(TYPENAME)
    assert refusal(caught) == NOT_ALLOWED
    fixture = Fixture(Mode.LOG)
    await fixture.by_text(TYPENAME)
    assert [UntrustedDocument(("Name",), hash_of(TYPENAME))] == fixture.reports


async def test_a_new_manifest_is_looked_at_from_then_on() -> None:
    fixture = Fixture()
    untrusted = await fixture.by_text(CARD_QUERY)
    fixture.resolver.trusted = trust([Manifest(MANIFEST)], fixture.documents)
    assert await fixture.by_text(CARD_QUERY) is await fixture.by_id(ID)
    assert untrusted is not await fixture.by_text(CARD_QUERY)
    fixture.resolver.trusted = TrustedDocuments()
    assert untrusted is await fixture.by_text(CARD_QUERY)


@pytest.mark.parametrize("text", [TYPENAME, CARD_QUERY + " ", "{", "{ nothing }", INLINE_CARD, "{" * 20_000])
async def test_a_text_that_is_not_in_the_manifest_is_refused_where_that_is_enforced(text: str) -> None:
    fixture = Fixture(Mode.ENFORCE, manifest=MANIFEST)
    with pytest.raises(DocumentError) as caught:
        await fixture.by_text(text)
    assert refusal(caught) == NOT_ALLOWED
    with pytest.raises(DocumentError) as caught:
        await fixture.by_hash(hash_of(text), text)
    assert refusal(caught) == NOT_ALLOWED
    # It was not parsed.
    assert fixture.documents.misses == 0


async def test_nothing_is_registered_where_the_manifest_is_enforced() -> None:
    fixture = Fixture(Mode.ENFORCE, manifest=MANIFEST)
    await fixture.store.put(hash_of(TYPENAME), TYPENAME)
    with pytest.raises(DocumentError) as caught:
        await fixture.by_hash(hash_of(TYPENAME))
    assert refusal(caught) == NOT_FOUND


async def test_a_text_that_is_not_in_the_manifest_runs_and_is_reported_each_time_where_that_is_logged() -> None:
    fixture = Fixture(Mode.LOG, manifest=MANIFEST)
    sha256 = hash_of(TYPENAME)
    await fixture.by_text(TYPENAME)
    await fixture.by_hash(sha256, TYPENAME)
    await fixture.by_hash(sha256)
    assert [UntrustedDocument(("Name",), sha256)] * 3 == fixture.reports


async def test_a_text_that_cannot_be_executed_is_not_reported() -> None:
    fixture = Fixture(Mode.LOG, manifest=MANIFEST)
    with pytest.raises(DocumentError):
        await fixture.by_text("{ nothing }")
    assert fixture.reports == []


async def test_a_report_names_each_operation_and_no_card_number() -> None:
    fixture = Fixture(Mode.LOG, manifest=MANIFEST)
    await fixture.by_text(f"query A {{ __typename }} query Q{CARD} {{ __typename }}")
    await fixture.by_text("{ __typename }")
    assert [report.operations for report in fixture.reports] == [("A", "[hidden]"), ()]
