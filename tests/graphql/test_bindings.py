"""A declaration that names what there is not is refused when the schema is built, and told where it is."""

from __future__ import annotations

from typing import Annotated, Any, Union

import pytest
import strawberry

from graph.graphql.bindings import BindingError, executable_schema
from graph.graphql.documents import Documents
from graph.graphql.executor import OperationExecutor
from graph.graphql.limits import DocumentLimits
from graph.konaplate.endpoint import Endpoint
from graph.konaplate.record import Record
from graph.security.viewer import ANONYMOUS
from schema.fields import KEY, argument, edge, field, part
from tests.graphql.plan_cases import says
from tests.graphql.plan_world import World, outcome_of


class Inner(Record):
    text: str | None


class Row(Record):
    text: str | None
    inner: Inner | None
    inners: list[Inner] | None


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
    spec = {"key": argument("key", str, description="Which."), **spec}
    return kind | None, edge(endpoint, description="A row.", **spec)


TEXT = declared("T", text=text())
OTHER = declared("Other", text=text())
EITHER: Any = Annotated[Union[(TEXT, OTHER)], strawberry.union("Either", description="One of two.")]  # noqa: UP007

MISTAKES: dict[str, tuple[dict[str, tuple[Any, Any]], str]] = {
    "an endpoint": ({"row": rows(TEXT, "row")}, "Query.row: there is no endpoint 'row'"),
    "a scope of an edge": ({"row": rows(TEXT, scope="rows")}, "Query.row: there is no scope 'rows'"),
    "a scope of a value": ({"row": rows(declared("A", t=text(scope="x")))}, "A.t: there is no scope 'x'"),
    "an attribute": ({"row": rows(declared("A", t=text("txt")))}, "A.t: Row has no 'txt'"),
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
        {"row": rows(declared("B", i=text("inner")), of="inners")},
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
    "a record of the root": ({"row": rows(TEXT, key="id")}, "Query.row: the root has no record"),
    "a key of the root": ({"row": text(KEY)}, "Query.row: the root has no record"),
    "no type of a union": (
        {
            "row": (
                EITHER | None,
                edge("rows", key=argument("key", str, description="Which."), description="A row."),
            )
        },
        "Query.row: `type_of` is needed for interfaces and unions, and for nothing else",
    ),
    "a type where there is one": (
        {"row": rows(TEXT, type_of=lambda _: "T")},
        "Query.row: `type_of` is needed for interfaces and unions, and for nothing else",
    ),
}


@pytest.mark.parametrize(("fields", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused_and_its_place_named(fields: dict[str, tuple[Any, Any]], message: str) -> None:
    with pytest.raises(BindingError) as caught:
        executable_schema([ROWS], declared("Query", **fields))
    assert message == str(caught.value)


async def test_a_list_of_keys_that_is_too_long_is_refused_whatever_it_names() -> None:
    many = edge("rows", key=argument("keys", list[str], description="Which."), description="Rows.")
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
        assert ("A list may have 3 keys.", "keys", 3) == (
            error["message"], error["extensions"]["limit"], error["extensions"]["maximum"],
        )  # fmt: skip
        assert not outcome.calls
