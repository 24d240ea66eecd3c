"""Resolving a request to its document: ids, hashes, and other texts."""

from __future__ import annotations

import pytest

from graph.errors import GatewayError
from graph.graphql.errors import DocumentError
from graph.graphql.persisted import Mode, UntrustedDocument
from graph.graphql.registered import RegisteredDocuments
from graph.graphql.request import GraphQLRequest
from schema.errors import ErrorCode
from tests.graphql.documents import (
    CARD,
    CARD_QUERY,
    INLINE_CARD,
    TYPENAME,
    apollo_manifest,
    apollo_operation,
    hash_of,
    texts_within,
)
from tests.graphql.resolving import ID, MANIFEST, NOT_FOUND, NOT_SUPPORTED, Fixture, refusal
from tests.tables import table


async def test_a_text_is_its_document() -> None:
    fixture = Fixture()
    document = await fixture.by_text(TYPENAME)
    assert document is fixture.documents.resolve(TYPENAME).document
    assert fixture.reports == []


async def test_a_text_is_paid_for_when_it_is_read_and_never_again_whatever_comes_of_it() -> None:
    fixture = Fixture(manifest=MANIFEST)
    long = TYPENAME + " " * 1_000
    for _ in range(2):
        await fixture.by_text(long)
        assert fixture.paid == 10
    for _ in range(2):
        with pytest.raises(DocumentError):
            await fixture.by_text("{ nothing }" + " " * 1_000)
    assert fixture.paid == 30
    await fixture.by_text(CARD_QUERY)
    assert fixture.paid == 30


@pytest.mark.parametrize("mode", Mode)
async def test_the_id_of_a_trusted_document_is_its_document(mode: Mode) -> None:
    fixture = Fixture(mode, manifest=MANIFEST)
    assert await fixture.by_id(ID) is await fixture.by_hash(ID)
    assert (await fixture.by_id(ID)).operations.keys() == {"Card"}
    assert await fixture.by_id(f"sha256:{ID}") is await fixture.by_id(ID)
    assert fixture.reports == []


@pytest.mark.parametrize("mode", Mode)
async def test_the_text_of_a_trusted_document_is_as_good_as_its_id(mode: Mode) -> None:
    fixture = Fixture(mode, manifest=MANIFEST)
    trusted = await fixture.by_id(ID)
    assert await fixture.by_text(CARD_QUERY) is trusted
    assert await fixture.by_hash(ID, CARD_QUERY) is trusted
    assert fixture.reports == []


async def test_an_id_that_is_no_hash_may_stand_in_its_place() -> None:
    fixture = Fixture(manifest=apollo_manifest({"id": "card-query-7", "body": CARD_QUERY}))
    assert await fixture.by_hash("card-query-7") is await fixture.by_id("card-query-7")
    assert await fixture.by_hash("card-query-7", CARD_QUERY) is await fixture.by_id("card-query-7")


@table("mode", Mode)
@table("document_id", ["x", hash_of(TYPENAME), CARD, ID.upper()])
async def test_an_unknown_id_is_not_found(mode: Mode, document_id: str) -> None:
    with pytest.raises(DocumentError) as caught:
        await Fixture(mode, manifest=MANIFEST).by_id(document_id)
    assert refusal(caught) == NOT_FOUND


@pytest.mark.parametrize(
    ("mode", "manifest", "registers", "expected"),
    [
        (Mode.OFF, None, True, NOT_FOUND),
        (Mode.OFF, None, False, NOT_SUPPORTED),
        (Mode.OFF, MANIFEST, False, NOT_FOUND),
        (Mode.LOG, MANIFEST, True, NOT_FOUND),
        (Mode.ENFORCE, MANIFEST, True, NOT_FOUND),
    ],
)
async def test_an_unknown_hash_is_not_found_and_a_client_learns_whether_to_try_again(
    mode: Mode, manifest: bytes | None, expected: tuple[ErrorCode, str], *, registers: bool
) -> None:
    fixture = Fixture(mode, manifest=manifest, registers=registers)
    with pytest.raises(DocumentError) as caught:
        await fixture.by_hash(hash_of(TYPENAME))
    assert refusal(caught) == expected


async def test_a_text_is_registered_once_and_then_found_by_its_hash() -> None:
    fixture = Fixture()
    with pytest.raises(DocumentError) as caught:
        await fixture.by_hash(hash_of(TYPENAME))
    assert refusal(caught) == NOT_FOUND
    registered = await fixture.by_hash(hash_of(TYPENAME), TYPENAME)
    assert registered is await fixture.by_hash(hash_of(TYPENAME))
    assert registered is await fixture.by_text(TYPENAME)


async def test_a_text_without_a_hash_is_not_registered() -> None:
    fixture = Fixture()
    await fixture.by_text(TYPENAME)
    assert len(fixture.store) == 0


@pytest.mark.parametrize("sha256", [hash_of(CARD_QUERY), "0" * 64, hash_of(TYPENAME + " ")])
@pytest.mark.parametrize("registers", [True, False])
async def test_a_hash_that_is_not_the_texts_is_a_bad_request(sha256: str, *, registers: bool) -> None:
    fixture = Fixture(registers=registers)
    with pytest.raises(GatewayError, match="BAD_REQUEST") as caught:
        await fixture.by_hash(sha256, TYPENAME)
    assert caught.value.message == "provided sha does not match query"
    assert len(fixture.store) == len(fixture.documents) == 0


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("text", [TYPENAME, CARD_QUERY + " "])
async def test_a_trusted_id_with_another_text_is_a_bad_request(mode: Mode, text: str) -> None:
    with pytest.raises(GatewayError, match="BAD_REQUEST"):
        await Fixture(mode, manifest=MANIFEST).by_hash(ID, text)


@table(
    "sha256", ["x", "0" * 63, "0" * 65, ID.upper(), "g" * 64, f"{ID}\n", f" {ID}", "٠" * 64, f"sha256:{'0' * 64}"]
)
@table("text", [None, TYPENAME, INLINE_CARD])
async def test_what_is_neither_an_id_nor_a_hash_is_a_bad_request(sha256: str, text: str | None) -> None:
    with pytest.raises(GatewayError, match="BAD_REQUEST") as caught:
        await Fixture(manifest=apollo_manifest(apollo_operation(TYPENAME))).by_hash(sha256, text)
    assert "64 lowercase hexadecimal digits" in caught.value.message


@pytest.mark.parametrize("text", ["{", "{ nothing }", "{" + "__typename " * 11 + "}", "mutation { a }"])
async def test_a_document_that_is_refused_is_not_registered(text: str) -> None:
    fixture = Fixture()
    with pytest.raises(DocumentError):
        await fixture.by_hash(hash_of(text), text)
    assert len(fixture.store) == 0


MAY_HOLD_A_CARD_NUMBER = [
    f"{{ __typename }} # {CARD}",
    f"{{ a{CARD}: __typename }}",
    f"query Q{CARD} {{ __typename }}",
    *(
        f"{{ __typename }} # {between.join(('9491', '3394', '0000', '0013'))}"
        for between in ("\t", "\u00a0", "\u2013", "/", "\n# ", "\u200b", "____", "\u115f", " - - ")
    ),
    "{ __typename } # ９４９１٣٣٩٤００００００１３",
    '{ card(cardNo: "\\u0039491339400000013") { balance } }',
    f'query ($n: CardNumber! = "{CARD}") {{ card(cardNo: $n) {{ balance }} }}',
]


@table("text", MAY_HOLD_A_CARD_NUMBER)
async def test_a_document_that_may_hold_a_card_number_is_executed_and_leaves_no_trace(text: str) -> None:
    fixture = Fixture(Mode.LOG, manifest=MANIFEST)
    document = await fixture.by_hash(hash_of(text), text)
    assert len(document.operations) == 1
    assert len(fixture.store) == len(fixture.documents) == 0
    assert [report.sha256 for report in fixture.reports] == [None]
    assert CARD not in repr(fixture.reports)
    with pytest.raises(DocumentError) as caught:
        await fixture.by_hash(hash_of(text))
    assert refusal(caught) == NOT_FOUND


async def test_a_document_with_a_literal_is_executed_and_leaves_nothing_but_its_skeleton() -> None:
    fixture = Fixture(Mode.LOG, manifest=MANIFEST)
    resolved = await fixture.resolved(GraphQLRequest(INLINE_CARD, persisted_hash=hash_of(INLINE_CARD)))
    assert resolved.hoisted == {"konagraph_card_00": CARD}
    assert (len(fixture.store), len(fixture.documents)) == (0, 1)
    skeleton = "query Inline { card(cardNo: $konagraph_card_00) { balance } }"
    assert [UntrustedDocument(("Inline",), hash_of(skeleton))] == fixture.reports
    assert [
        text for text in texts_within((fixture.documents, fixture.store, fixture.reports)) if CARD in text
    ] == []
    with pytest.raises(DocumentError) as caught:
        await fixture.by_hash(hash_of(INLINE_CARD))
    assert refusal(caught) == NOT_FOUND


async def test_the_hash_of_a_skeleton_finds_nothing() -> None:
    fixture = Fixture()
    skeleton_hash = (await fixture.by_text(INLINE_CARD)).sha256
    assert skeleton_hash is not None
    with pytest.raises(DocumentError) as caught:
        await fixture.by_hash(skeleton_hash)
    assert refusal(caught) == NOT_FOUND


async def test_the_hash_of_a_document_that_may_hold_a_card_number_is_not_even_worked_out() -> None:
    document = await Fixture().by_hash("0" * 64, INLINE_CARD)
    assert document.operations.keys() == {"Inline"}


async def test_a_store_that_gives_another_text_than_was_registered_is_not_believed() -> None:
    fixture = Fixture()
    await fixture.store.put(hash_of(TYPENAME), CARD_QUERY)
    with pytest.raises(DocumentError) as caught:
        await fixture.by_hash(hash_of(TYPENAME))
    assert refusal(caught) == NOT_FOUND


async def test_a_stored_document_that_is_no_longer_valid_is_refused_like_its_text() -> None:
    # A shared store may contain documents that an older schema allowed.
    fixture = Fixture()
    await fixture.store.put(hash_of("{ former }"), "{ former }")
    with pytest.raises(DocumentError) as caught:
        await fixture.by_hash(hash_of("{ former }"))
    assert refusal(caught) == (ErrorCode.GRAPHQL_VALIDATION_FAILED, "The type 'Query' has no field 'former'.")


async def test_the_number_of_registered_documents_is_bounded() -> None:
    store = RegisteredDocuments()
    texts = [f"query Q{number} {{ __typename }}" for number in range(1_002)]
    for text in texts:
        await store.put(hash_of(text), text)
    found = [await store.get(hash_of(text)) for text in texts]
    assert 1_000 == len(store) == sum(text is not None for text in found)
