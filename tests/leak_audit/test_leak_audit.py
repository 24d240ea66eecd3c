"""The leak audit finds nothing in this gateway, and everything in one that leaks."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated, Any

import pytest
import strawberry
from graphql import build_ast_schema, parse
from hypothesis import given
from hypothesis import strategies as st

from graph.konaplate.endpoint import Endpoint
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.record import Record, Whole
from graph.leak_audit.canaries import Canary, canaries, search, secret_names
from graph.leak_audit.cases import Case, cases, cases_of_ids
from graph.leak_audit.run import run
from graph.sandbox.data import DATA
from graph.sandbox.faults import FAULTS, Altered, Coded
from graph.sandbox.ledger import CARDS, MEMBERS
from graph.sandbox.table import Table
from graph.sandbox.wallets import WALLETS
from schema.fields import argument, edge, field, present
from schema.query import build_schema
from schema.secrets import MemberId, PersonalText
from tests.conftest import clean_environment
from tests.support import credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

TEXTS = st.text('04aZ- "\\u서²\n', max_size=12)
CARD = "9491339400000013"
CANARY = Canary("card number", CARD)
CASE = Case("a case", CARD.encode())


def answering(body: bytes = b"", header: bytes = b"") -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-out", header)]})
        await send({"type": "http.response.body", "body": body})

    return app


async def leaks_of(app: ASGIApp, case: Case = CASE) -> tuple[str, ...]:
    return (await run(app, [case], [CANARY], {}, {})).leaks


@pytest.mark.process
def test_the_command_finds_no_leak_in_this_gateway() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "graph", "leak-audit"],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["anonymous", "without credentials", "member", "service"]
    for line in lines:
        assert line.endswith(" 0 leaks")
        requests, log_lines = (int(number) for number in re.findall(r"(\d+) (?:requests|log lines)", line))
        assert 150 < requests <= log_lines


@pytest.mark.parametrize(
    ("app", "where"),
    [(answering(b"got " + CARD.encode()), "answer"), (answering(header=CARD.encode()), "answer's headers")],
)
async def test_a_leak_is_found_wherever_it_is_in_an_answer(app: ASGIApp, where: str) -> None:
    assert await leaks_of(app) == (f"card number in the {where} of: a case",)


@pytest.mark.parametrize("where", ["log", "traces"])
async def test_a_leak_is_found_in_everything_that_operators_see(where: str) -> None:
    take: dict[str, Callable[[], str]] = {"log": str, "traces": str, where: lambda: f"card {CARD}\n"}
    assert (await run(answering(), [CASE], [CANARY], take, {})).leaks == (
        f"card number in the {where} of: a case",
    )


async def test_what_only_grows_is_searched_once_after_all_cases() -> None:
    seen: list[int] = []

    def metrics() -> str:
        seen.append(1)
        return f'a{{b="{CARD}"}}'

    outcome = await run(answering(), [CASE, CASE], [CANARY], {}, {}, sums={"metrics": metrics})
    assert outcome.leaks == ("card number in the metrics of: all cases together",)
    assert seen == [1]


async def test_lines_of_the_log_are_counted_and_nothing_else() -> None:
    outcome = await run(answering(), [CASE], [], {"log": lambda: "a\nb\n", "traces": lambda: "c\n"}, {})
    assert outcome.log_lines == 2


async def test_an_answer_that_was_asked_for_clear_values_may_hold_them_and_its_headers_may_not() -> None:
    clear = Case("clear", b"", clear=True)
    assert await leaks_of(answering(CARD.encode()), case=clear) == ()
    assert len(await leaks_of(answering(header=CARD.encode()), case=clear)) == 1


async def test_a_report_does_not_repeat_what_leaked() -> None:
    (leak,) = await leaks_of(answering(CARD.encode()))
    assert leak == "card number in the answer of: a case"


def test_a_value_that_json_has_escaped_is_found() -> None:
    name = Canary("name", "김샌드")
    assert [name] == list(search('{"name": "\\uae40\\uc0cc\\ub4dc"}', [name]))
    assert list(search('{"name": "?"}', [name])) == []


def test_a_short_number_is_found_as_a_word_and_not_by_chance_within_another() -> None:
    code = Canary("postal code", "04500")
    assert list(search('{"zipCode":"04500"}', [code])) == [code]
    assert list(search("in zip_code=04500, Seoul", [code])) == [code]
    for escaped in (r'{"address":"\uc11c\uc6b804500"}', r'{"address":"x\n04500"}', "?zip=%2204500%22"):
        assert list(search(escaped, [code])) == [code]
    assert list(search('"timestamp":"2026-11-27T04:50:00.045003Z","id":"261127045003-04500af"', [code])) == []


@given(before=TEXTS, value=TEXTS, after=TEXTS)
def test_a_long_value_is_found_whatever_stands_beside_it(before: str, value: str, after: str) -> None:
    canary = Canary("value", f"{value}a-1{value}-0123")
    for text in (whole := before + canary.text + after, json.dumps(whole)):
        assert list(search(text, [canary])) == [canary]


def test_every_card_person_and_key_is_a_canary() -> None:
    texts = {canary.text for canary in canaries(ENDPOINTS, DATA, credentials(), ["a-token"])}
    assert CARDS.keys() | FAULTS.keys() <= texts
    assert {"01012345678", "1234567890", "9550123456789"} <= texts
    for member in MEMBERS.values():
        assert {member[name] for name in ("ci", "mobileNumber", "userName", "email", "birthDate")} <= texts
    assert {"서울특별시 중구 모래로 1", "04500", "101호"} <= texts
    given = credentials().gateway_settings()
    assert {given["KONAPLATE_SECRET_KEY"], given["KONAPLATE_ACCESS_KEY"], "a-token"} <= texts
    assert set(given["KONAPLATE_CLIENT_PRIVATE_KEY"].splitlines()[1:-1]) <= texts


def test_what_many_tell_or_is_short_is_no_canary() -> None:
    texts = {canary.text for canary in canaries(ENDPOINTS, DATA, credentials())}
    given = credentials().gateway_settings()
    assert texts.isdisjoint({"샌드박스 선불카드", "ACTIVE", "Korean", "50000", "APP", "0", "1001"})
    assert texts.isdisjoint({given["KONAPLATE_ASP_ID"], given["KONAPLATE_CRYPTO_KEY_ID"]})


class Toy(Record):
    toy_name: str
    owner_name: PersonalText
    parts: list[PersonalText]


TOY = Endpoint(
    name="toy",
    title="Toy",
    path="/toy",
    key=MemberId,
    key_name="user_id",
    request=dict,
    record=Toy,
    within=("toy",),
    owner="user_id",
)
NOBODY = Coded("001_006", "")


def test_an_endpoint_of_the_registry_needs_no_canaries_of_its_own() -> None:
    row = {
        "toyName": "a ball",
        "ownerName": "Mary Toy",
        "parts": ["the hull"],
        "notDeclared": ["a cat", {"a": "a dog"}],
    }
    fault = Altered({"ownerName": "Tom Toy", "toyName": "a kite"}, each_of="toy")
    data = {"toy": Table("userId", {123_456: {"toy": row}}, NOBODY, faults={9: fault})}
    found = {(canary.kind, canary.text) for canary in canaries([TOY], data, credentials())}
    assert {canary for canary in found if canary[0].startswith("toy: ")} == {
        ("toy: userId", "123456"),
        ("toy: ownerName", "Mary Toy"),
        ("toy: ownerName", "Tom Toy"),
        ("toy: parts", "the hull"),
        ("toy: notDeclared", "a cat"),
        ("toy: a", "a dog"),
    }
    assert secret_names([TOY], data) == {"user_id", "userId", "owner_name", "ownerName", "parts"}


class Paid(Record):
    name: str
    amount: Annotated[int, Whole(max=9_999_999)]
    codes: list[str]


PAID = Endpoint(name="paid", title="Paid", path="/paid", key=str, request=dict, record=Paid, within=("list",))


def test_a_value_of_one_row_alone_is_a_canary_that_answers_may_show() -> None:
    codes = [f"CODE-1{place:02d}" for place in range(100)]
    rows: list[dict[str, Any]] = [
        {"name": "Product 1", "amount": 1_234_567, "codes": codes},
        {"name": "Product 1", "amount": 7_654_321, "codes": ["no digit"], "hidden": 999_999, "very": True},
        {"name": "Product 1", "amount": 50_000, "codes": [], "hidden": 2_000_000, "very": False},
    ]
    data = {"paid": Table("id", {"a": {"list": rows[:1]}, "b": {"list": rows[1:]}}, NOBODY)}
    found = {canary for canary in canaries([PAID], data, credentials()) if canary.kind.startswith("paid: ")}
    assert found == {
        Canary("paid: amount", "1234567", shown=True),
        Canary("paid: amount", "7654321", shown=True),
        *(Canary("paid: codes", code, shown=True) for code in codes[:5]),
        Canary("paid: hidden", "2000000"),
    }


async def test_a_value_that_answers_may_show_is_a_leak_anywhere_else() -> None:
    amount = [Canary("amount", "1234567", shown=True)]
    assert (await run(answering(b"1234567"), [CASE], amount, {}, {})).leaks == ()
    assert len((await run(answering(header=b"1234567"), [CASE], amount, {}, {})).leaks) == 1
    assert len((await run(answering(), [CASE], amount, {"log": lambda: "1234567"}, {})).leaks) == 1


def test_the_wallets_are_canaries() -> None:
    wanted = canaries(ENDPOINTS, DATA, credentials())
    secret = {canary.text for canary in wanted if not canary.shown}
    for card in WALLETS:
        assert {*card.numbers} <= secret
        assert card.user_id in (None, 0) or card.par in secret
    kinds = {canary.kind for canary in wanted if not canary.shown}
    assert {"transactions: merchantName", "transactions: bizLicenseNo", "virtual_account: accountNo"} <= kinds
    shown = {canary.kind for canary in wanted if canary.shown}
    assert {"transactions: trAmount", "transactions: balanceAfter", "transactions: nrNumber"} <= shown


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


async def test_ids_of_answers_are_followed() -> None:
    followed: list[list[str]] = []

    def follow(ids: Sequence[str]) -> list[Case]:
        followed.append(list(ids))
        return [CASE]

    body = b'{"data":{"a":{"id":"one"},"b":[{"id":"two"},{"id":"one"}],"grid":"three"}}'
    outcome = await run(answering(body), [CASE, CASE], [], {}, {}, follow=follow)
    assert (followed, outcome.cases) == ([["one", "two"]], 3)


@strawberry.type
class ToyType:
    owner_name: PersonalText | None = strawberry.field(description="Under its own name.")
    maker: PersonalText | None = field(of="owner_name", description="Under another name.")
    has_owner: bool = field(of="owner_name", show=present, description="Not itself.")
    asked: MemberId = field(of="user_id", description="What was asked for.")
    toy_name: str | None = strawberry.field(description="Known to everybody.")


@strawberry.type
class ToyQuery:
    toy: ToyType | None = edge("toy", key=argument("user_id", MemberId, description="."), description=".")


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


async def test_a_case_is_sent_as_it_is() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await answering()(scope, receive, send)

    case = Case("c", b"x", method="PUT", path="/p", headers={"x-a": "own"})
    await run(app, [case], [], {}, {"x-a": "shared", "x-b": "shared"})
    scope = seen[0]
    assert (scope["method"], scope["path"]) == ("PUT", "/p")
    assert {value for name, value in scope["headers"] if name in (b"x-a", b"x-b")} == {b"own", b"shared"}
