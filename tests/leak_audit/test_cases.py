"""The cases of a leak audit: every root field, for everything, and for everything but what is secret."""

from __future__ import annotations

import itertools
import json

import strawberry
from graphql import build_ast_schema, parse

from graph.konaplate.endpoints import ENDPOINTS
from graph.leak_audit.canaries import canaries, search
from graph.leak_audit.cases import cases, cases_of_ids
from graph.sandbox.data import DATA
from graph.sandbox.faults import FAULTS, Altered
from graph.sandbox.table import Table
from schema.fields import Argument, edge, field, present
from schema.query import build_schema
from schema.secrets import MemberId, PersonalText
from tests.leak_audit.toys import NOBODY, TOY
from tests.support import credentials

CARD = "9491339400000013"


def test_a_root_is_asked_for_keys_of_the_tables_that_answer_it() -> None:
    bodies = [
        case.body.decode() for case in cases(build_schema(), ENDPOINTS, DATA) if case.name.startswith("card")
    ]
    assert bodies
    assert not any('"2005"' in body or "PAR" in body for body in bodies)


def test_every_reserved_failure_is_a_case() -> None:
    bodies = b"\n".join(case.body for case in cases(build_schema(), ENDPOINTS, DATA))
    for number in FAULTS:
        assert number.encode() in bodies


SCHEMA = build_ast_schema(
    parse(
        """type Query { toy(userId: ID!): Toy  toys(userIds: [ID!]!): [Toy]!  now: Int }
        type Toy { toyName: String  ownerName: String  maker: Maker  parts(first: Int!): [String!] }
        type Maker { name: String  toys: [Toy!] }"""
    )
)


def test_every_root_is_asked_for_everything_and_for_everything_but_what_is_secret() -> None:
    row = {"toyName": "a ball", "ownerName": "Mary Toy", "parts": []}
    data = {"toy": Table("userId", {123_456: {"toy": row}, 7: {"toy": row}}, NOBODY, faults={9: Altered()})}
    found = [
        (case.name, json.loads(case.body)) for case in cases(SCHEMA, [TOY], data) if case.name.startswith("toy")
    ]
    documents = {body["query"] for _, body in found}
    everything = "__typename toyName ownerName maker { __typename name }"
    masked = "__typename toyName maker { __typename name }"
    for selection in (everything, masked):
        assert f'{{ toy(userId: "123456") {{ {selection} }} }}' in documents
        assert f'{{ toys(userIds: ["123456", "7"]) {{ {selection} }} }}' in documents
        assert f"query ($n: [ID!]!) {{ toys(userIds: $n) {{ {selection} }} }}" in documents
    by_variable, inline = dict(found)["toy: failure 1 by userId"], dict(found)["toy: inline failure 1 by userId"]
    assert by_variable["variables"] == {"n": "9"}
    assert inline["query"] == f'{{ toy(userId: "9") {{ {masked} }} }}'


WITHOUT_KEYS = build_ast_schema(
    parse(
        """interface Node { id: ID! }
        type Query { me(first: Int): Toy  node(id: ID!): Node  nodes(ids: [ID!]!): [Node]!  toy(userId: ID!): Toy }
        type Toy implements Node { id: ID!  toyName: String  ownerName: String }
        type Box implements Node { id: ID!  toys: [Toy!] }"""
    )
)
ROW = {"toyName": "a ball", "ownerName": "Mary Toy"}
TOYS = {"toy": Table("userId", {123_456: {"toy": ROW}}, NOBODY)}


def test_a_root_without_a_key_is_asked_for_everything_too() -> None:
    made = [case for case in cases(WITHOUT_KEYS, [TOY], TOYS) if case.name == "me: without a key"]
    assert [(json.loads(case.body)["query"], case.clear) for case in made] == [
        ("{ me { __typename id toyName } }", False),
        ("{ me { __typename id toyName ownerName } }", True),
    ]


def test_objects_are_asked_for_by_ids_and_by_wrong_ones() -> None:
    found = list(cases_of_ids(WITHOUT_KEYS, [TOY], TOYS, ["first-id-a", "second-id"]))
    masked = "... on Toy { __typename id toyName } ... on Box { __typename id toys { __typename id toyName } }"
    document = f"query ($n: ID!) {{ node(id: $n) {{ __typename {masked} }} }}"
    bodies = [json.loads(case.body) for case in found]
    asked = [body["variables"]["n"] for body in bodies if body["query"] == document]
    assert asked == ["first-id-a", "second-id", "first-id-b", "irst-id-a", CARD]
    lists = [body["variables"]["n"] for body in bodies if "$n: [ID!]!" in body["query"]]
    assert lists == [["first-id-a", "second-id"]] * 2 + [["first-id-b", "irst-id-a", CARD]] * 2
    for case in found:
        assert case.clear == (b"ownerName" in case.body)
    assert not any(case.name.startswith("node") for case in cases(WITHOUT_KEYS, [TOY], TOYS))


@strawberry.type
class ToyType:
    owner_name: PersonalText | None = strawberry.field(description="Under its own name.")
    maker: PersonalText | None = field(of="owner_name", description="Under another name.")
    has_owner: bool = field(of="owner_name", show=present, description="Not itself.")
    asked: MemberId = field(of="user_id", description="What was asked for.")
    toy_name: str | None = strawberry.field(description="Known to everybody.")


@strawberry.type
class ToyQuery:
    toy: ToyType | None = edge("toy", key=Argument("user_id", MemberId, description="."), description=".")


def test_what_a_field_shows_makes_it_secret_and_not_its_name() -> None:
    data = {"toy": Table("userId", {123_456: {"toy": {}}}, NOBODY)}
    made = itertools.islice(cases(build_schema(ToyQuery), [TOY], data), 3)
    bodies = [json.loads(case.body)["query"] for case in made]
    assert bodies[0] == '{ toy(userId: "123456") { __typename hasOwner toyName } }'
    assert bodies[2] == '{ toy(userId: "123456") { __typename ownerName maker hasOwner asked toyName } }'


def test_no_case_is_named_by_what_must_not_come_out() -> None:
    names = "\n".join(case.name for case in cases(build_schema(), ENDPOINTS, DATA))
    assert list(search(names, canaries(ENDPOINTS, DATA, credentials()))) == []


def test_only_what_was_asked_for_in_clear_may_be_answered() -> None:
    for case in cases(build_schema(), ENDPOINTS, DATA):
        assert case.clear == (b" userName" in case.body)
