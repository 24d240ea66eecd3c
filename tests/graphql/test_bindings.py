"""A bad declaration is refused when the schema is built, with its place."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Annotated, Any, NamedTuple, Union

import pytest
import strawberry

from graph.graphql.binding_checks import BindingError
from graph.graphql.bindings import executable_schema
from graph.graphql.documents import Documents
from graph.graphql.executor import OperationExecutor
from graph.graphql.limits import DocumentLimits
from graph.konaplate.endpoint import Endpoint
from graph.konaplate.record import Record, Whole
from graph.konaplate.view import View
from graph.security.authorization import ANONYMOUS, EVERY_SCOPE
from schema.directives import SEMANTIC_NON_NULL
from schema.errors import ErrorCode
from schema.fields import Argument, Edge, also, edge, field, masked, part, present
from schema.scalars import Won
from schema.secrets import CardNo, IdentityNo, MemberId, Par, PersonalText, Secret
from tests.graphql.plan_cases import says
from tests.graphql.plan_world import World, outcome_of
from tests.tables import table


class Inner(Record):
    text: str | None


class Row(Record):
    text: str | None
    inner: Inner | None
    inners: list[Inner] | None


class Held(Record):
    text: str | None
    texts: list[str] | None
    amount: Annotated[int, Whole(max=9)] | None
    high: Annotated[int, Whole(max=2**31)] | None
    flag: bool | None
    id_no: IdentityNo | None
    user_id: MemberId | None
    names: list[PersonalText] | None
    inner: Inner | None
    inners: list[Inner] | None


class Pair(NamedTuple):
    card_no: CardNo
    first: int | None


@strawberry.enum
class Words(Enum):
    RED = "red"
    UNKNOWN = "UNKNOWN"


@strawberry.enum
class Numbers(Enum):
    ONE = 1
    UNKNOWN = "UNKNOWN"


@strawberry.enum
class Certain(Enum):
    RED = "red"


ROWS: Endpoint[str, Row] = Endpoint(
    name="rows", title="Rows", path="/rows", key=str, request=lambda _: {}, record=Row
)


def declared(name: str, **fields: Any) -> Any:
    members = {attribute: value for attribute, (_, value) in fields.items()}
    members["__annotations__"] = {attribute: kind for attribute, (kind, _) in fields.items()}
    return strawberry.type(type(name, (), members), description="No matter.")


def text(of: str = "text", **spec: Any) -> tuple[Any, Any]:
    return str | None, field(of=of, description="A text.", **spec)


def rows(kind: Any, endpoint: str = "rows", **spec: Any) -> tuple[Any, Any]:
    spec = {"key": Argument("key", str, description="Which."), **spec}
    return kind | None, edge(endpoint, description="A row.", **spec)


KNOWN = f"known are {', '.join(sorted(EVERY_SCOPE))}"
TEXT = declared("T", text=text())
OTHER = declared("Other", text=text())
EITHER: Any = Annotated[Union[(TEXT, OTHER)], strawberry.union("Either", description="One of two.")]  # noqa: UP007

SIZE = "`size` is a whole number, or the name of an int argument"
MISTAKES: dict[str, tuple[dict[str, tuple[Any, Any]], str]] = {
    "an endpoint": ({"row": rows(TEXT, "row")}, "Query.row: there is no endpoint 'row'; did you mean 'rows'?"),
    "a scope of an edge": ({"row": rows(TEXT, scope="rows")}, f"Query.row: there is no scope 'rows'; {KNOWN}"),
    "a scope of a value": (
        {"row": rows(declared("A", t=text(scope="x")))},
        f"A.t: there is no scope 'x'; {KNOWN}",
    ),
    "an attribute": ({"row": rows(declared("A", t=text("txt")))}, "A.t: Row has no 'txt'; did you mean 'text'?"),
    "an attribute of a declaration": (
        {"row": rows(declared("A", t=(str | None, field(off="text", description="A text."))))},
        "A.t: Value has no 'off'; did you mean 'of'?",
    ),
    "an attribute of an edge": (
        {"row": rows(TEXT, kee="text")},
        "Query.row: Edge has no 'kee'; did you mean 'key'?",
    ),
    "what a declaration needs": (
        {"row": rows(declared("A", t=(str | None, field(description="A text."))))},
        "A.t: Value.__init__() missing 1 required positional argument: 'of'",
    ),
    "the argument of a size": (
        {"row": rows(TEXT, size="kye")},
        f"Query.row: {SIZE}, not 'kye'",
    ),
    "the kind of a size's argument": ({"row": rows(TEXT, size="key")}, f"Query.row: {SIZE}, not 'key'"),
    "a negative size": ({"row": rows(TEXT, size=-1)}, f"Query.row: {SIZE}, not -1"),
    "a type that is not imported": (
        {"row": rows(declared("A", t=("Missing | None", field(of="text", description="A text."))))},
        "A: Could not resolve the type of 't'. Check that the class is accessible from the global module scope.",
    ),
    "a type that nothing shows": (
        {"row": rows(declared("A", t=(Par | None, field(of="text", description="A text."))))},
        "the schema: A fields cannot be resolved. Unexpected type '<class 'schema.secrets.Par'>'",
    ),
    "a type without fields": (
        {"row": rows(declared("A"))},
        "the schema: Invalid Schema. Errors: ❌ Type A must define one or more fields.",
    ),
    "an attribute that a name implies": (
        {"row": rows(declared("A", word=(str | None, strawberry.field(description="A word."))))},
        "A.word: Row has no 'word'",
    ),
    "a part": (
        {"row": rows(declared("A", t=(TEXT | None, part(of="outer", description="A part."))))},
        "A.t: Row has no 'outer'",
    ),
    "what a part needs": (
        {"row": rows(declared("A", t=(TEXT | None, part(present="user", description="A part."))))},
        "A.t: Row has no 'user'",
    ),
    "an attribute of a part": (
        {
            "row": rows(
                declared("A", t=(declared("B", i=text("inner")) | None, part(of="inner", description="A part.")))
            )
        },
        "B.i: Inner has no 'inner'",
    ),
    "an attribute of an item": (
        {"row": rows(list.__class_getitem__(declared("B", i=text("inner"))), of="inners")},
        "B.i: Inner has no 'inner'",
    ),
    "what an edge asks for": (
        {"row": rows(declared("A", t=rows(TEXT, key="id")))},
        "A.t: Row has no 'id'",
    ),
    "a part of what an edge asks for": (
        {"row": rows(declared("A", t=rows(TEXT, key=("text", "id"))))},
        "A.t: Row has no 'id'",
    ),
    "a type in place of what an edge asks for": (
        {"row": rows(TEXT, key=str)},
        "Query.row: a key is the name of an attribute or an Argument, not str",
    ),
    "an attribute that no answer has": (
        {"row": rows(also(Edge("rows", key="text"))(declared("A", t=text("txt"))))},
        "A.t: Row has no 'txt'; did you mean 'text'?",
    ),
    "an attribute of the root": ({"row": rows(TEXT, key="id")}, "Query.row: Viewer has no 'id'"),
    "no type of a union": (
        {
            "row": (
                EITHER | None,
                edge("rows", key=Argument("key", str, description="Which."), description="A row."),
            )
        },
        "Query.row: `type_of` is needed for interfaces and unions, and for nothing else",
    ),
    "a type where there is one": (
        {"row": rows(TEXT, type_of=lambda _: "T")},
        "Query.row: `type_of` is needed for interfaces and unions, and for nothing else",
    ),
}


def asked_by(kind: type, name: str) -> Endpoint[Any, Held]:
    return Endpoint(
        name=name,
        title="An API",
        path=f"/{name}",
        key=kind,
        key_name="card_no" if kind is CardNo else "",
        request=lambda _: {},
        record=Held,
        owner="user_id",
    )


HELD = [
    *(asked_by(kind, f"by_{name}") for name, kind in {"text": str, "card": CardNo, "member": MemberId}.items()),
    asked_by(Pair, "by_pair"),
]
TOO_HIGH = "show it as `Won`, or as `str` with `show=str`"
SECRETLY = "; a secret is shown as its own type, or through `show`"


def leaf(kind: Any, of: str, **spec: Any) -> dict[str, tuple[Any, Any]]:
    return {"t": (kind, field(of=of, description="A value.", **spec))}


def leads(endpoint: str, key: Any, depth: int = 0, **spec: Any) -> dict[str, tuple[Any, Any]]:
    shown = declared("B", text=text()) | None
    for _ in range(depth):
        shown = list.__class_getitem__(shown) | None
    return {"t": (shown, edge(endpoint, key=key, description="An edge.", **spec))}


def lists(wanted: int, given: int, kind: str) -> str:
    return (
        "A.t: a list of keys gives a list, and so does an `of` that is one: declare "
        f"{wanted} of them, not {given} as in {kind}"
    )


def given(kind: Any) -> Any:
    return Argument("asked", kind, description="What is asked for.")


MISFITS: dict[str, tuple[dict[str, tuple[Any, Any]], str]] = {
    "a text as a number": (leaf(int | None, "text"), "A.t: Held.text is str, and is shown as int"),
    "a text as an amount": (leaf(Won | None, "text"), "A.t: Held.text is str, and is shown as int"),
    "a number as a text": (leaf(str | None, "amount"), "A.t: Held.amount is int, and is shown as str"),
    "a flag as a number": (leaf(int | None, "flag"), "A.t: Held.flag is bool, and is shown as int"),
    "a text as a secret": (leaf(CardNo | None, "text"), "A.t: Held.text is str, and is shown as CardNo"),
    "a word as numbers": (leaf(Numbers | None, "text"), "A.t: Held.text is str, and is shown as Numbers"),
    "a list as a text": (leaf(str | None, "texts"), "A.t: Held.texts is list[str], and is shown as str"),
    "a text as a list": (leaf(list[str] | None, "text"), "A.t: Held.text is str, and is shown as list[str]"),
    "a record as a text": (leaf(str | None, "inner"), "A.t: Held.inner is Inner, and is shown as str"),
    "a secret as a text": (
        leaf(str | None, "id_no"),
        f"A.t: Held.id_no is IdentityNo, and is shown as str{SECRETLY}",
    ),
    "a secret as a text, with a scope": (
        leaf(str | None, "id_no", scope="cash-receipt:read"),
        f"A.t: Held.id_no is IdentityNo, and is shown as str{SECRETLY}",
    ),
    "a secret as an id": (
        leaf(strawberry.ID, "user_id"),
        f"A.t: Held.user_id is MemberId, and is shown as str{SECRETLY}",
    ),
    "a secret as another": (
        leaf(PersonalText | None, "id_no"),
        f"A.t: Held.id_no is IdentityNo, and is shown as PersonalText{SECRETLY}",
    ),
    "secrets as texts": (
        leaf(list[str | None] | None, "names"),
        f"A.t: Held.names is list[PersonalText], and is shown as list[str]{SECRETLY}",
    ),
    "a secret as a word": (
        leaf(Words | None, "id_no"),
        f"A.t: Held.id_no is IdentityNo, and is shown as Words{SECRETLY}",
    ),
    "a secret key as a text": (leaf(str, "card_no"), f"A.t: the key is CardNo, and is shown as str{SECRETLY}"),
    "a mask of a text": (
        leaf(str | None, "text", show=masked),
        "A.t: Held.text is str, no secret that `masked` could show",
    ),
    "a mask of a list": (
        leaf(list[str] | None, "names", show=masked),
        "A.t: Held.names is list[PersonalText], no secret that `masked` could show",
    ),
    "a mask as a secret": (leaf(CardNo, "card_no", show=masked), "A.t: `masked` makes str, shown as CardNumber!"),
    "what may be missing as what has no null": (
        leaf(str, "text"),
        "A.t: Held.text may be missing, and the type String! has no null",
    ),
    "what may be missing, masked": (
        leaf(str, "user_id", show=masked),
        "A.t: Held.user_id may be missing, and the type String! has no null",
    ),
    "a promise of what may be missing": (
        leaf(str | None, "text", directives=SEMANTIC_NON_NULL),
        "A.t: Held.text may be missing without an error; leave SEMANTIC_NON_NULL out",
    ),
    "a promise of a part that may be missing": (
        {
            "t": (
                declared("B", text=text()) | None,
                part(of="inner", directives=SEMANTIC_NON_NULL, description="A part."),
            )
        },
        "A.t: Held.inner may be missing without an error; leave SEMANTIC_NON_NULL out",
    ),
    "a number that may be too large": (
        leaf(int | None, "high"),
        f"A.t: Held.high may be {2**31:,}; Int ends at {2**31 - 1:,}: {TOO_HIGH}",
    ),
    "an object for a list of keys": (leads("by_card", given(list[CardNo])), lists(1, 0, "B")),
    "a list for one key": (leads("by_card", given(CardNo), 1), lists(0, 1, "[B]")),
    "objects for lists": (leads("by_card", given(list[CardNo]), 1, of="inners"), lists(2, 1, "[B]")),
    "a list for an object": (leads("by_card", "card_no", 1, of="inner"), lists(0, 1, "[B]")),
    "a list in a key": (leads("by_pair", ("card_no", given(list[int])), 1), "A.t: no part of a key may be a list"),
    "a presence as a text": (leaf(str, "text", show=present), "A.t: `present` makes bool, shown as String!"),
    "an enum that knows all": (leaf(Certain | None, "text"), "A.t: the enum Certain has no member UNKNOWN"),
    "a part that is a text": (
        {"t": (declared("B", text=text()) | None, part(of="text", description="A part."))},
        "A.t: Held.text is str, and is shown as B",
    ),
    "a part that is a list": (
        {"t": (declared("B", text=text()) | None, part(of="inners", description="A part."))},
        "A.t: Held.inners is list[Inner], and is shown as B",
    ),
    "a card number for a text": (
        leads("by_text", "card_no"),
        "A.t: by_text is asked for by str, and the key is CardNo",
    ),
    "a member's id for a card number": (
        leads("by_card", "user_id"),
        "A.t: by_card is asked for by CardNo, and Held.user_id is MemberId",
    ),
    "a text for a card number": (
        leads("by_card", "text"),
        "A.t: by_card is asked for by CardNo, and Held.text is str",
    ),
    "secrets for texts": (
        leads("by_text", "names"),
        "A.t: by_text is asked for by str, and Held.names is PersonalText",
    ),
    "an argument that is a secret for a text": (
        leads("by_text", given(CardNo)),
        "A.t: by_text is asked for by str, and the argument 'asked' is CardNo",
    ),
    "an argument that is an id for a card number": (
        leads("by_card", given(list[MemberId])),
        "A.t: by_card is asked for by CardNo, and the argument 'asked' is MemberId",
    ),
    "an argument that is a text for a card number": (
        leads("by_card", given(str | None)),
        "A.t: by_card is asked for by CardNo, and the argument 'asked' is str",
    ),
    "an argument that is a card number for an id": (
        leads("by_member", given(CardNo)),
        "A.t: by_member is asked for by MemberId, and the argument 'asked' is CardNo",
    ),
    "an argument that is a number for a text": (
        leads("by_text", given(int)),
        "A.t: by_text is asked for by str, and the argument 'asked' is int",
    ),
    "a part of a key": (
        leads("by_pair", ("user_id", given(int))),
        "A.t: by_pair is asked for by CardNo, and Held.user_id is MemberId",
    ),
    "an argument that is a part of a key": (
        leads("by_pair", ("card_no", given(str))),
        "A.t: by_pair is asked for by int, and the argument 'asked' is str",
    ),
    "too few parts of a key": (
        leads("by_pair", ("card_no",)),
        "A.t: the edge's key has 1 parts; Pair, the key of by_pair, has 2",
    ),
    "one thing for a key of two": (
        leads("by_pair", "card_no"),
        "A.t: by_pair is asked for by Pair, and the key is CardNo",
    ),
}
FITS: dict[str, dict[str, tuple[Any, Any]]] = {
    "a text": leaf(str | None, "text"),
    "an id": leaf(strawberry.ID | None, "text"),
    "a word": leaf(Words | None, "text"),
    "an amount": leaf(Won | None, "amount"),
    "a large amount": leaf(Won | None, "high"),
    "a large number as a text": leaf(str | None, "high", show=str),
    "a promise of a presence": leaf(bool | None, "text", show=present, directives=SEMANTIC_NON_NULL),
    "a list for a list of keys": leads("by_card", given(list[CardNo] | None), 1),
    "lists for a list of keys": leads("by_card", given(list[CardNo]), 2, of="inners"),
    "a list that an answer holds": leads("by_card", "card_no", 1, of="inners"),
    "a number": leaf(int | None, "amount"),
    "a secret": leaf(IdentityNo | None, "id_no"),
    "secrets": leaf(list[PersonalText | None] | None, "names"),
    "a key": leaf(CardNo, "card_no"),
    "a mask": leaf(str | None, "id_no", show=masked),
    "a presence": leaf(bool, "id_no", show=present),
    "a choice of its own": leaf(int | None, "text", show=len),
    "a part": {"t": (declared("B", text=text()) | None, part(of="inner", description="A part."))},
    "a card number": leads("by_card", "card_no"),
    "a member's id": leads("by_member", "user_id"),
    "an argument": leads("by_card", given(CardNo | None)),
    "an argument that is an id": leads("by_member", given(strawberry.ID)),
    "a pair": leads("by_pair", ("card_no", given(int | None))),
}


def shown_of_a_card(fields: dict[str, tuple[Any, Any]]) -> None:
    edge_to_it = edge("by_card", key=given(CardNo), description="A card.")
    executable_schema(HELD, declared("Query", held=(declared("A", **fields) | None, edge_to_it)))


@table(("fields", "message"), MISFITS.values())
def test_types_that_do_not_fit_are_refused_and_both_named(
    fields: dict[str, tuple[Any, Any]], message: str
) -> None:
    with pytest.raises(BindingError) as caught:
        shown_of_a_card(fields)
    assert message == str(caught.value)


@table("fields", FITS.values())
def test_types_that_fit_are_bound(fields: dict[str, tuple[Any, Any]]) -> None:
    shown_of_a_card(fields)


@table(("fields", "message"), MISTAKES.values())
def test_a_mistake_is_refused_and_its_place_named(fields: dict[str, tuple[Any, Any]], message: str) -> None:
    with pytest.raises(BindingError) as caught:
        executable_schema([ROWS], declared("Query", **fields))
    assert message == str(caught.value)


async def test_a_list_of_keys_that_is_too_long_is_refused_whatever_it_names() -> None:
    many = edge("rows", key=Argument("keys", list[str], description="Which."), description="Rows.")
    schema = executable_schema([ROWS], declared("Query", rows=(list.__class_getitem__(TEXT) | None, many)))
    document = Documents(schema, DocumentLimits(), introspection=False).read(
        '{ rows(keys: ["a", "b", "c", "d"]) { text } }'
    )
    around = World(
        ANONYMOUS, {}, others={"rows": {key: says(Row(text=key, inner=None, inners=None)) for key in "abcd"}}
    )
    for kind in ("plan", "core"):
        executor = OperationExecutor(schema, kind)
        outcome = await outcome_of(executor, around, document, document.operation(None), {})
        assert outcome.data == b'{"rows":null}'
        (error,) = outcome.errors
        assert (
            error["message"], error["extensions"]["limit"], error["extensions"]["maximum"],
        ) == ("A list may have at most 3 keys.", "keys", 3)  # fmt: skip
        assert not outcome.calls


class CardAndDay(NamedTuple):
    card_no: CardNo
    day: str


@pytest.mark.parametrize(
    ("kind", "secret", "shown", "many"),
    [
        (CardNo, CardNo, CardNo, False),
        (CardNo, CardNo, CardNo, True),
        (Par, Par, str, False),
        (IdentityNo, IdentityNo, strawberry.ID, True),
        (CardAndDay, CardNo, CardNo, False),
    ],
)
def test_what_has_no_owner_is_not_shown_to_whoever_gives_a_secret(
    kind: type, secret: type[Secret], shown: type, many: bool
) -> None:
    endpoint: Endpoint[Any, Row] = Endpoint(
        name="open", title="", path="/open", key=kind, request=lambda _: {}, record=Row
    )
    asked: Any = Argument("asked", list.__class_getitem__(shown) if many else shown, description="Which.")
    key = (asked, Argument("day", str, description="When.")) if kind is CardAndDay else asked
    row = rows(list.__class_getitem__(TEXT | None) if many else TEXT, "open", key=key)
    with pytest.raises(BindingError) as caught:
        executable_schema([endpoint], declared("Query", row=row))
    assert str(caught.value) == (
        "Query.row: open has no `owner`, so the argument 'asked' would show everybody's data to anybody; declare "
        f"an `owner`, or take the {secret.__name__} from a record"
    )


async def found_nothing(_key: object, _look_ups: object) -> None:
    """Look nothing up."""


HIDDEN = "`hidden_as` is ErrorCode.CARD_NOT_FOUND or ErrorCode.MEMBER_NOT_FOUND"
VIEWED: View[str, Row] = View(name="viewed", key=str, record=Row, look_up=found_nothing)
COST = "`cost` is a whole number from"


@pytest.mark.parametrize(
    ("source", "changes", "told"),
    [
        *((ROWS, {"cost": cost}, f"{COST} 1, not {cost!r}") for cost in (-100, 0, 1.5, "5", True)),
        *((VIEWED, {"cost": cost}, f"{COST} 0, not {cost!r}") for cost in (-1, 0.5)),
        (
            ROWS,
            {"open_to": "cards:read:any"},
            "`open_to` is a tuple, as in (\"cards:read:any\",), not 'cards:read:any'",
        ),
        (VIEWED, {"open_to": ("rows",)}, f"there is no scope 'rows'; {KNOWN}"),
        *(
            (source, {"hidden_as": code}, f"{HIDDEN}, not {code!r}")
            for source in (ROWS, VIEWED)
            for code in (ErrorCode.FORBIDDEN, "NONE")
        ),
        (ROWS, {"handle": 9}, "`Kind` of graph/security/handles.py has no 9, its `handle`"),
        (VIEWED, {"owner": "user_id"}, "the key has no 'user_id', its `owner`"),
    ],
)
def test_what_no_request_could_use_of_a_source_is_refused(source: Any, changes: dict[str, Any], told: str) -> None:
    changed = replace(source, **changes)
    with pytest.raises(BindingError) as caught:
        executable_schema([changed] if source is ROWS else [], views=[changed] if source is VIEWED else [])
    assert str(caught.value) == f"{source.name}: {told}"


class WordAndNumber(NamedTuple):
    word: str
    many: int | None


@pytest.mark.parametrize("kind", ["plan", "core"])
@pytest.mark.parametrize("composed", [False, True])
async def test_words_are_asked_for_as_konaplate_has_them_and_unknown_ones_are_not(
    composed: bool, kind: Any
) -> None:
    asked: Any = {"key": WordAndNumber} if composed else {}
    endpoint = replace(ROWS, **asked)
    word = Argument("word", Words, description="Which.")
    key = (word, Argument("many", int | None, default=None, description="How many.")) if composed else word
    schema = executable_schema([endpoint], declared("Query", row=rows(TEXT, key=key)))
    row = says(Row(text="found", inner=None, inners=None))
    around = World(ANONYMOUS, {}, others={"rows": {str(WordAndNumber("red", None)) if composed else "red": row}})
    document = Documents(schema, DocumentLimits(), introspection=False).read(
        "{ red: row(word: RED) { text } unknown: row(word: UNKNOWN) { text } }"
    )
    executor = OperationExecutor(schema, kind)
    outcome = await outcome_of(executor, around, document, document.operation(None), {})
    assert outcome.data == b'{"red":{"text":"found"},"unknown":null}'
    (error,) = outcome.errors
    told = (error["message"], error["path"], error["extensions"]["code"])
    assert told == ("`word` must not be UNKNOWN", ["unknown"], "BAD_USER_INPUT")
    assert sum(outcome.calls.values()) == 1
