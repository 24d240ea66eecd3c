"""Questions about many cards, and what counts as a right answer to them."""

from __future__ import annotations

import copy

import orjson
import pytest

from benchmarks import others
from benchmarks.cases import SHARED
from benchmarks.gateways import ENCRYPTED, RAISED
from benchmarks.inprocess import ask, gateway
from benchmarks.load import placeholders
from benchmarks.many import BY_VARIABLES, INLINE, LISTS, MANY
from benchmarks.processes import BenchmarkError
from benchmarks.scenarios import ONE_CALL, Question
from benchmarks.targets import Launch, Target

MANY_CARDS = (BY_VARIABLES, INLINE, *LISTS)
SERVER = Target("server", lambda _start: Launch([]), {ONE_CALL.name: "/card"})


def numbers(question: Question) -> list[str]:
    return [str(9_491_339_400_001_234 + at) for at in range(question.cards)]


@pytest.mark.parametrize("question", MANY_CARDS, ids=lambda question: question.name)
async def test_the_gateway_answers_each_of_them_rightly(question: Question) -> None:
    card_nos = numbers(question)
    async with gateway(extra=RAISED) as app:
        answer = await ask(app, question.body(*card_nos))
    assert question.answer(*card_nos) == orjson.loads(answer)
    assert question.expected in answer.decode()


def test_twenty_aliases_ask_for_fifteen_cards_of_which_five_come_again() -> None:
    variables = orjson.loads(BY_VARIABLES.body(*numbers(BY_VARIABLES)))["variables"]
    asked = list(variables.values())
    assert (MANY, 15) == (len(asked), len(set(asked)))
    assert asked[:5] == asked[15:]


def test_inline_card_numbers_make_every_document_new() -> None:
    first, second = (
        orjson.loads(INLINE.body(*(f"{start + at}" for at in range(15)))) for start in (10**15, 10**16 // 2)
    )
    assert first["query"] != second["query"]
    assert {"query"} == first.keys()


@pytest.mark.parametrize("case", SHARED, ids=lambda case: case.name)
def test_every_distinct_card_of_a_body_has_a_placeholder(case: object) -> None:
    question: Question = case.question  # type: ignore[attr-defined]
    body = question.body(*placeholders(question.cards)).decode()
    assert all(one in body for one in placeholders(question.cards))
    assert placeholders(question.cards + 1)[-1] not in body


def test_a_server_is_asked_only_what_it_has_a_path_for() -> None:
    assert ("/card", None) == (SERVER.path(ONE_CALL), SERVER.path(INLINE))
    assert "/graphql" == others.STRAWBERRY.path(INLINE)


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"data":{"card":null}}', b'{"data":{}}', b"[]"])
def test_anything_but_the_right_answer_is_wrong(content: bytes) -> None:
    SERVER.check(ONE_CALL, ["9" * 16], 200, orjson.dumps(ONE_CALL.answer("9" * 16)))
    for target in (SERVER, others.HIVE, others.NGINX, ENCRYPTED):
        with pytest.raises(BenchmarkError, match="gives a wrong answer: HTTP 200"):
            target.check(ONE_CALL, ["9" * 16], 200, content)


def test_a_declarative_gateway_may_leave_coded_values_as_they_are_and_nothing_else() -> None:
    answer = ONE_CALL.answer("9491339400001234")
    card = answer["data"]["card"]
    card["cashReceiptInfo"] |= {"approvalDiv": "0", "manYn": "1"}
    card["cardNo"] = 9491339400001234
    assert others.coded(ONE_CALL, ["9491339400001234"], answer)
    assert not others.coded(ONE_CALL, ["9491339400001236"], answer)
    wrong = copy.deepcopy(answer)
    wrong["data"]["card"]["balance"] = 1
    assert not others.coded(ONE_CALL, ["9491339400001234"], wrong)
    for name, other in (("manYn", "0"), ("approvalDiv", "1")):
        wrong = copy.deepcopy(answer)
        wrong["data"]["card"]["cashReceiptInfo"][name] = other
        assert not others.coded(ONE_CALL, ["9491339400001234"], wrong)
    card["cardNo"] = 9491339400001235
    assert not others.coded(ONE_CALL, ["9491339400001234"], answer)


def test_an_encrypted_answer_may_name_any_member_and_nothing_else() -> None:
    answer = ONE_CALL.answer("9491339400001234")
    answer["data"]["card"]["member"]["userId"] = "1000000000000007"
    assert ENCRYPTED.is_right(ONE_CALL, ["9491339400001234"], answer)
    answer["data"]["card"]["balance"] = 1
    assert not ENCRYPTED.is_right(ONE_CALL, ["9491339400001234"], answer)


def test_what_only_passes_requests_on_gives_the_upstream_s_answer() -> None:
    passed = {"response": {"code": "000_000"}, "userId": 9491339400001234}
    assert others.NGINX.is_right(ONE_CALL, ["9491339400001234"], passed)
    assert not others.NGINX.is_right(ONE_CALL, ["9491339400001236"], passed)
