"""What operations name of the schema."""

from __future__ import annotations

from tests.graphql.documents import CARD, INLINE_CARD, new_documents
from tests.tables import table

CASES = [
    ("{ viewer { member { userId } } }", {"Query.viewer", "Viewer.member", "Member.userId"}),
    (
        "query A($n: CardNumber!, $on: Boolean!) { card(cardNo: $n) @include(if: $on) { balance } }",
        {"Query.card", "Query.card(cardNo:)", "@include", "@include(if:)", "Card.balance"},
    ),
    (
        "{ terms(locale: KO) { title } }",
        {"Query.terms", "Query.terms(locale:)", "TermsLocale.KO", "Terms.title"},
    ),
    (
        '{ cardLookup(by: { id: "a" }) { __typename ... on CardError { code } ... on Card { node: id } } }',
        {"Query.cardLookup", "Query.cardLookup(by:)", "CardLookupInput.id", "CardError.code", "Card.id"},
    ),
    ("{ __typename }", set()),
]


@table("text, named", CASES)
def test_an_operation_names_fields_arguments_values_and_directives(text: str, named: set[str]) -> None:
    operation = new_documents().read(text).operation(None)
    assert tuple(sorted(named)) == operation.named.coordinates


def test_each_operation_names_its_own_and_what_its_fragments_name() -> None:
    text = """
        query A { viewer { ...V } }
        query B { terms { title } }
        fragment V on Viewer { member { ...M } }
        fragment M on Member { userId }
    """
    document = new_documents().read(text)
    a, b = (document.operation(name).named.coordinates for name in "AB")
    assert a == ("Member.userId", "Query.viewer", "Viewer.member")
    assert b == ("Query.terms", "Terms.title")


def test_a_document_is_visited_once_and_its_card_numbers_are_no_coordinates() -> None:
    documents = new_documents()
    first, second = (documents.resolve(INLINE_CARD).document.operation(None).named for _ in range(2))
    assert first is second
    assert "Query.card(cardNo:)" in first.coordinates
    assert CARD not in str(first)
