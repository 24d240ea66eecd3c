"""`cardLookup` does what `card` and `node` do, and gives their errors as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest

from graph.graphql.errors import DocumentError
from graph.konaplate import errors
from graph.konaplate.errors import CallDetails
from graph.resilience.breaker import CircuitOpenError
from graph.resilience.deadline import DeadlineExceededError
from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import FIRST_CARD
from graph.security.authorization import ANONYMOUS, Allowance, Viewer
from graph.security.handles import Kind
from schema.errors import ErrorCode
from schema.secrets import MemberId
from tests.graphql.plan_cases import DETAILS, A, card, counts, documents, run_both, says
from tests.graphql.plan_world import Reply, World
from tests.support import HANDLES, gateway
from tests.tables import table
from tests.telemetry.capture import events, logs_as

if TYPE_CHECKING:
    from tests.graphql.plan_world import Outcome

SHOWN: Final = "cardNo maskedCardNo balance member { userId profile { userName } }"
LOOK_UP: Final = f"""query ($by: CardLookupInput!) {{
  found: cardLookup(by: $by) {{
    __typename
    ... on Card {{ {SHOWN} }}
    ... on CardError {{ code message retryable }}
    ... on CardUnavailableError {{ retryAfterMs }}
  }}
}}"""
CARD: Final = f"query ($n: CardNumber!) {{ found: card(cardNo: $n) {{ __typename {SHOWN} }} }}"
NODE: Final = f"query ($id: ID!) {{ found: node(id: $id) {{ __typename ... on Card {{ {SHOWN} }} }} }}"
OWNER: Final = Viewer("member", "an owner", frozenset(), MemberId("1001"), Allowance(cards_per_minute=1))
MISSING: Final = next(fault.number for fault in FAULTS.values() if fault.code is ErrorCode.CARD_NOT_FOUND)
REPLIES: Final = {
    "own": says(card()),
    "somebody else's": says(card(7)),
    "nobody's": says(card(0)),
    "missing": Reply(lambda: errors.CardNotFoundError(DETAILS)),
    "rejected": Reply(lambda: errors.InvalidInputError(DETAILS)),
    "unavailable": Reply(lambda: errors.UnavailableError(CallDetails("an-id", 503, retry_after=2.5))),
    "breaker": Reply(lambda: CircuitOpenError(1.5)),
    "late": Reply(DeadlineExceededError),
    "a bug": Reply(lambda: RuntimeError("of nobody's making")),
}


def found(outcome: Outcome) -> Any:
    return orjson.loads(outcome.data)["found"]


def as_data(error: dict[str, Any]) -> dict[str, Any]:
    """What `cardLookup` gives for an entry of `errors`."""
    said = error["extensions"]
    kind = "CardUnavailableError" if said["retryable"] else "CardUnreadableError"
    if said["code"] in ("CARD_NOT_FOUND", "NODE_NOT_FOUND"):
        kind = "CardNotFoundError"
    data = {"__typename": kind, "code": said["code"], "message": error["message"], "retryable": said["retryable"]}
    return data | ({"retryAfterMs": said.get("retryAfterMs")} if kind == "CardUnavailableError" else {})


async def same(by: dict[str, str], text: str, variables: dict[str, str], around: World) -> dict[str, Any]:
    """Ask in both ways; return what was found, which is the same, as are calls, budgets and the audit log."""
    expected, _ = await run_both(text, around, **variables)
    actual, plans = await run_both(LOOK_UP, around, by=by)
    assert counts(plans) == (1, 0, 0)
    assert (actual.calls, actual.counted, actual.events, actual.cards_counted) == (
        expected.calls, expected.counted, expected.events, expected.cards_counted,
    )  # fmt: skip
    shown: dict[str, Any] = found(actual)
    if found(expected) is None:
        (error,) = expected.errors
        assert actual.errors == []
        assert shown == as_data(error)
    else:
        assert shown == found(expected)
        assert [error["extensions"] for error in actual.errors] == [
            error["extensions"] for error in expected.errors
        ]
    return shown


@table("viewer, reply", [(viewer, reply) for viewer in (ANONYMOUS, OWNER) for reply in REPLIES])
async def test_by_number_it_finds_what_card_finds_and_says_what_its_errors_say(viewer: Viewer, reply: str) -> None:
    around = World(viewer, {A: REPLIES[reply]}, {"1001": says(None), "7": says(None)})
    shown = await same({"cardNo": A}, CARD, {"n": A}, around)
    if viewer is OWNER and reply in ("somebody else's", "nobody's", "missing"):
        assert shown["code"] == "CARD_NOT_FOUND"


@table("kind, key", [(Kind.CARD, A), (Kind.MEMBER, "1001")])
async def test_by_id_it_finds_only_cards_and_only_those_that_node_finds(kind: Kind, key: str) -> None:
    around = World(OWNER, {A: says(card())}, {"1001": says(None)})
    for name in ("member:an owner", "member:another"):
        handle = HANDLES.make(name, kind, key)
        if kind is Kind.CARD:
            await same({"id": handle}, NODE, {"id": handle}, around)
        else:
            outcome, _ = await run_both(LOOK_UP, around, by={"id": handle})
            assert found(outcome)["code"] == "NODE_NOT_FOUND"
            assert not outcome.calls


@table("by", [f'{{cardNo: "{A}", id: "x"}}', "{}", "{cardNo: null}", '{cardNo: "1"}', f'{{number: "{A}"}}'])
async def test_anything_but_one_valid_member_is_refused_before_a_call(by: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        documents().read(f"{{ cardLookup(by: {by}) {{ __typename }} }}")
    assert A not in "".join(error.message for error in refusal.value.errors)


@table("by", [{"cardNo": A, "id": "x"}, {}, {"cardNo": None}, {"cardNo": "1234"}, None])
async def test_so_is_such_a_variable(by: object) -> None:
    outcome, _ = await run_both(LOOK_UP, World(ANONYMOUS, {}), by=by)
    assert outcome.data == b'"refused"'
    assert [error["extensions"]["code"] for error in outcome.errors] == ["BAD_USER_INPUT"]
    assert A not in str(outcome.errors)


@table(
    "declared, by, variables",
    [
        ("$v: CardNumber", "{cardNo: $v}", {"v": None}),
        ("$v: CardNumber", "{cardNo: $v}", {}),
        ('$v: ID = "x"', "{id: $v}", {"v": None}),
    ],
)
async def test_a_member_without_a_value_is_refused_and_its_variable_named(
    declared: str, by: str, variables: dict[str, None]
) -> None:
    text = f"query ({declared}) {{ ...F }} fragment F on Query {{ found: cardLookup(by: {by}) {{ __typename }} }}"
    outcome, _ = await run_both(text, World(ANONYMOUS, {}), **variables)
    (error,) = outcome.errors
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == "The variable '$v' must have a value here, not null."
    assert (error["path"], len(outcome.calls)) == (["found"], 0)


async def test_it_cannot_be_sent_by_get() -> None:
    async with gateway(KONAGRAPH_GET="true") as running:
        for by in (f'{{cardNo: "{FIRST_CARD}"}}', '{id: "x"}'):
            text = f"{{ cardLookup(by: {by}) {{ __typename }} }}"
            answer = await running.client.get("/graphql", params={"query": text})
            assert answer.status_code == 405
            assert FIRST_CARD not in answer.text


async def test_logs_and_metrics_count_an_error_that_is_given_as_data() -> None:
    with logs_as("info") as stream:
        async with gateway() as running:
            answer = await running.query(LOOK_UP, {"by": {"cardNo": MISSING}})
            rendered = running.metrics.render().decode()
        lines = events(stream)
    assert "errors" not in answer
    assert answer["data"]["found"]["code"] == "CARD_NOT_FOUND"
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line["codes"] == ["CARD_NOT_FOUND"]
    assert 'code="CARD_NOT_FOUND"' in rendered
