"""Card numbers in documents work like variables, and are gone after the response."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from graph.graphql.documents import Documents
from graph.sandbox.ledger import CARDS, FIRST_CARD
from tests.graphql.documents import texts_within
from tests.support import GRAPHQL_RESPONSE, Recorder, gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND_CARD = list(CARDS)[1]
FIELDS = "cardNo balance cardStatus member { userId }"


@pytest.fixture(autouse=True)
def others() -> Iterator[set[int]]:
    """The document readers other than the gateway's."""
    kept = [item for item in gc.get_objects() if isinstance(item, Documents)]
    yield {id(item) for item in kept}
    kept.clear()


def own(others: set[int]) -> Documents:
    (documents,) = (item for item in gc.get_objects() if isinstance(item, Documents) and id(item) not in others)
    return documents


QUERIES = {
    "a card": (
        '{ card(cardNo: "%s") { FIELDS } b: card(cardNo: "%s") { FIELDS } }',
        "query ($a: CardNumber!, $b: CardNumber!) { card(cardNo: $a) { FIELDS } b: card(cardNo: $b) { FIELDS } }",
    ),
    "cards": (
        '{ cards(cardNos: ["%s", "%s"]) { FIELDS } }',
        "query ($a: CardNumber!, $b: CardNumber!) { cards(cardNos: [$a, $b]) { FIELDS } }",
    ),
}


@pytest.mark.parametrize(("inline", "by_variables"), QUERIES.values(), ids=QUERIES)
async def test_a_literal_gives_what_a_variable_gives_and_is_read_once(
    others: set[int], inline: str, by_variables: str
) -> None:
    inline, by_variables = inline.replace("FIELDS", FIELDS), by_variables.replace("FIELDS", FIELDS)
    async with gateway() as running:
        for first, second in ((FIRST_CARD, SECOND_CARD), (SECOND_CARD, FIRST_CARD)):
            answer = await running.query(inline % (first, second))
            assert answer == await running.query(by_variables, {"a": first, "b": second})
            assert "errors" not in answer
        documents = own(others)
        assert (documents.hits, documents.misses, len(documents)) == (2, 2, 2)


async def test_after_requests_with_literals_no_reader_of_documents_holds_a_card_number(others: set[int]) -> None:
    invalid = f'{{ card(cardNo: "{FIRST_CARD}") {{ nothing }} }}'
    uncached = f'{{ cards(cardNos: "{SECOND_CARD}") {{ {FIELDS} }} }}'
    async with gateway() as running:
        for inline, _ in QUERIES.values():
            for _ in range(2):
                await running.query(inline.replace("FIELDS", FIELDS) % (FIRST_CARD, SECOND_CARD))
        for text in (invalid, uncached) * 2:
            await running.query(text)
        kept = list(texts_within(own(others)))
    # Texts are found, and also what graphql-core keeps of them.
    assert any("konagraph_card_01" in text and "cardNos" in text for text in kept)
    assert [text for text in kept if FIRST_CARD in text or SECOND_CARD in text] == []


async def test_a_client_cannot_give_another_value_for_a_literal() -> None:
    text = f'{{ card(cardNo: "{FIRST_CARD}") {{ cardNo }} }}'
    async with gateway() as running:
        answer = await running.query(text, {"konagraph_card_00": SECOND_CARD})
    assert answer == {"data": {"card": {"cardNo": FIRST_CARD}}}


async def test_a_literal_in_a_url_is_refused() -> None:
    recorder = Recorder()
    async with gateway(recorder, KONAGRAPH_GET="true") as running:
        for _ in range(2):
            response = await running.client.get(
                "/graphql",
                params={"query": f'{{ card(cardNo: "{FIRST_CARD}") {{ balance }} }}'},
                headers={"accept": GRAPHQL_RESPONSE},
            )
            assert (response.status_code, response.headers["allow"]) == (405, "POST, QUERY")
    assert recorder.paths == []


async def test_an_error_of_a_literal_tells_its_place_in_what_was_sent() -> None:
    unknown = "9999999999999999"
    text = f'{{\n  a: card(cardNo: "{FIRST_CARD}") {{ balance }}\n  b: card(cardNo: "{unknown}") {{ balance }}\n}}'
    async with gateway() as running:
        answers = [await running.query(text) for _ in range(2)]
    for answer in answers:
        (error,) = answer["errors"]
        assert (error["path"], error["locations"]) == (["b"], [{"line": 3, "column": 3}])
