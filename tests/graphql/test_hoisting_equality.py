"""A hoisted document is accepted, refused, priced and executed as it would be with its literals."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from graph.errors import GatewayError
from graph.graphql.documents import Documents
from graph.graphql.errors import DocumentError
from graph.graphql.executor import OperationExecutor
from graph.graphql.limits import DocumentLimits
from graph.graphql.literals import hoist
from graph.security.authorization import ANONYMOUS
from tests.graphql.plan_cases import A, B, C, card, says
from tests.graphql.plan_world import Reply, World, outcome_of
from tests.graphql.schemas import SCHEMA
from tests.tables import table
from tests.tools import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import GraphQLError

    from graph.graphql.operation import Document

LIMITS = DocumentLimits(tokens=70, aliases=4, fields=12, root_fields=5, directives=3, operations=2, cost=60)


WORLD = World(
    ANONYMOUS,
    {
        A: says(card(balance=1)),
        B: Reply(lambda: LookupError("card")),
        C: says(card(balance=3)),
    },
)


def shown(error: GraphQLError) -> tuple[Any, ...]:
    cause = error.original_error
    code = (cause.code, cause.extensions) if isinstance(cause, GatewayError) else repr(cause)
    places = [(place.line, place.column) for place in error.locations or ()]
    return error.message, code, error.path, places, error.positions


def run(document: Document, name: str | None, variables: Mapping[str, Any]) -> tuple[Any, ...]:
    operation = document.operation(name)
    try:
        cost: Any = operation.cost(variables)
    except DocumentError as error:
        cost = [shown(entry) for entry in error.errors]
    executed = asyncio.run(
        outcome_of(OperationExecutor(SCHEMA, "core"), WORLD, document, operation, dict(variables))
    )
    measures = operation.size.takes_card_numbers, document.introspects, operation.kind, operation.shown_name
    return measures, cost, executed


def outcome(read: Callable[[], tuple[Document, Mapping[str, str]]]) -> Any:
    """Everything that clients and the pipeline see of a document."""
    try:
        document, hoisted = read()
    except DocumentError as error:
        return [shown(entry) for entry in error.errors]
    # A client may send values for the reserved names.
    variables = {"n": A, "l": [A, B], "konagraph_card_00": C, "konagraph_card_01": C, **hoisted}
    return {name: run(document, name, variables) for name in document.operations}


def resolved(documents: Documents, text: str) -> tuple[Document, Mapping[str, str]]:
    found = documents.resolve(text)
    return found.document, found.hoisted


CARD_NO = st.sampled_from([f'"{A}"', f'"{B}"', f'"{C}"', "$n"])
LIST = st.one_of(st.lists(CARD_NO, max_size=3).map(lambda values: f"[{' '.join(values)}]"), st.just("$l"))
ALIAS = st.sampled_from(["", "a: ", "b: ", "c: "])
SELECTION = st.sampled_from(["{ balance }", "@skip(if: true) { cardNo member { userId } }", "{ ...C }"])
CARD = st.builds("{}card(cardNo: {}) {}".format, ALIAS, CARD_NO, SELECTION)
CARDS = st.builds("{}cards(cardNos: {}) {}".format, ALIAS, LIST, SELECTION)
OTHER = st.sampled_from(
    ["__typename", "...Q", '... @include(if: true) { __typename } __type(name: "Card") { name }']
)
FIELDS = st.lists(st.one_of(CARD, CARD, CARDS, OTHER), min_size=1, max_size=4)
FRAGMENTS = {
    "...C": "fragment C on Card { balance }",
    "...Q": f'fragment Q on Query {{ card(cardNo: "{A}") {{ cardNo }} }}',
}
VARIABLES = {"$n": "$n: CardNumber!", "$l": "$l: [CardNumber!]!"}


@st.composite
def tidy_texts(draw: st.DrawFn) -> str:
    """Documents that are valid, except for conflicting fields and exceeded limits."""
    separator = draw(st.sampled_from([" ", "\n", ", ", "\r\n"]))
    body = f"{{ {separator.join(draw(FIELDS))} }}"
    declared = [declaration for name, declaration in VARIABLES.items() if name in body]
    head = f"query A({separator.join(declared)}) " if declared else draw(st.sampled_from(["", "query A "]))
    return separator.join([head + body, *(text for name, text in FRAGMENTS.items() if name in body)])


ODD_VALUES = [
    *("null", A, '""', '"x"', f'"{A[1:]}"', f'"{A}0"', '"９４９１３３９４００００００１３"', f'"""{A}"""'),
    *(f'"\\u0039{A[1:]}"', f'"{A}"x', f'"{A}"1', f'"{A}" "{B}"', f'"{A}""{B}"', f'"{A}', f'["{A}"]', f'[["{A}"]]'),
    *(f'{{a: "{A}"}}', '"a\nb"', "$konagraph_card_00", "$n", "$l", f'$"{A}"'),
]
CHANGES = [
    *((f'"{A}"', value) for value in ODD_VALUES),
    *(
        (" { balance }", f" {other}")
        for other in ("", "{ nothing }", f'{{ balance(x: "{A}") }}', f'@skip(if: "{A}") {{ balance }}')
    ),
    *(("query A", head) for head in (f'"{A}" query A', "mutation A", f"query A{A}", "query")),
    *(("query A(", head) for head in (f'query A("{A}": CardNumber! ', "query A($konagraph_card_00: CardNumber! ")),
    *(
        ("CardNumber!", kind)
        for kind in (f'CardNumber! = "{A}"', f'CardNumber! @x(y: "{A}")', "CardNumber", "String!")
    ),
    *(
        ("", f"{part} ")
        for part in (f'query B {{ card(cardNo: "{A}") {{ balance }} }}', f"# {A}\n", '# "\n', '"', "}")
    ),
    *(("a: ", alias) for alias in (f"a{A}: ", "konagraph_card_00: ")),
    ('"Card"', f'"{A}"'),
    ("}", f'}} fragment U on Query {{ card(cardNo: "{B}") {{ balance }} }}'),
]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Documents with literals in valid and invalid places, half of them tidy."""
    text = draw(tidy_texts())
    for old, new in draw(st.lists(st.sampled_from(CHANGES), max_size=2)):
        text = text.replace(old, new, 1)
    return text


@given(text=texts(), introspection=st.booleans())
@example(text=f'{{ card(cardNo: "{A}") {{ balance }} }}', introspection=False)
@example(text=f'query("{A}": CardNumber!) {{ card(cardNo: "{A}") {{ balance }} }}', introspection=False)
@example(text=f'{{ card(cardNo: "{A}") {{ balance }} card(cardNo: "{B}") {{ balance }} }}', introspection=False)
@example(text=f'{{ ...Q ...Q }} fragment Q on Query {{ card(cardNo: "{B}") {{ balance }} }}', introspection=False)
@example(
    text=f'{{ cards(cardNos: ["{A}""{B}"]) {{ balance }} b: card(cardNo: "{A}") {{ cardNo }} }}',
    introspection=False,
)
@example(
    text=f"{{ cards(cardNos: [{', '.join([f'{chr(34)}{A}{chr(34)}'] * 7)}]) {{ balance }} }}", introspection=False
)
@settings(max_examples=examples(200))
def test_a_document_is_treated_as_if_its_literals_were_where_they_are(text: str, *, introspection: bool) -> None:
    expected = outcome(lambda: (Documents(SCHEMA, LIMITS, introspection=introspection).read(text), {}))
    documents = Documents(SCHEMA, LIMITS, introspection=introspection)
    assert outcome(lambda: resolved(documents, text)) == expected
    assert outcome(lambda: resolved(documents, text)) == expected
    kept = repr(list(documents._cache._entries))
    assert not any(number in kept for number in (A, B, C))
    hoisted = hoist(text)
    if hoisted is not None:
        event(f"literals, and {'refused' if isinstance(expected, list) else 'valid'}")
        event(f"read as a {'skeleton' if len(documents) else 'text'}")
        # Sending a skeleton gains nothing.
        skeleton = hoisted.skeleton
        plain = outcome(lambda: (Documents(SCHEMA, LIMITS, introspection=introspection).read(skeleton), {}))
        assert plain == outcome(lambda: resolved(documents, skeleton))
        assert outcome(lambda: resolved(documents, text)) == expected


@table("field", ["a: card(cardNo: {})", "cards(cardNos: [{}])"])
@table(
    ("limit", "maximum"),
    [
        ("characters", 60),
        ("tokens", 14),
        ("depth", 2),
        ("aliases", 1),
        ("root_fields", 1),
        ("fields", 2),
        ("cost", 10),
    ],
)
def test_every_limit_judges_a_document_as_if_its_literals_were_where_they_are(
    field: str, limit: str, maximum: int
) -> None:
    text = f"{{ {field.replace('{}', f'{chr(34)}{A}{chr(34)}')} {{ balance }} }}"
    for bound in range(maximum + 3):
        limits = DocumentLimits(**{limit: bound})
        documents = Documents(SCHEMA, limits, introspection=False)
        assert outcome(lambda: (documents.read(text), {})) == outcome(lambda: resolved(documents, text))  # noqa: B023
