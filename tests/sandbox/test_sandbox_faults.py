"""Reserved card numbers: the table is sound, and the sandbox does what each row says."""

from __future__ import annotations

import json
import re

import pytest

from graph.sandbox.faults import (
    BROKEN_MEMBER,
    FAULTS,
    MEMBER_FAULTS,
    SLOW,
    UNKNOWN_MEMBER,
    Altered,
    Coded,
    Fault,
    Raw,
)
from graph.sandbox.ledger import CARDS, FIRST_CARD, MEMBERS
from schema.errors import ErrorCode
from tests.independent.jwe import JweError, unseal
from tests.independent.raw_client import keys
from tests.sandbox.calls import asking_for_card, asking_for_member, opened, send
from tests.sandbox.luhn import passes_luhn
from tests.tables import table

SUCCESS = {"code": "000_000", "description": "Success."}


def with_behaviour(kind: type, *, tampered: bool = False) -> list[Fault]:
    """The rows of one kind, except for the slow ones."""
    return [
        fault
        for fault in FAULTS.values()
        if isinstance(fault.behaviour, kind)
        and getattr(fault.behaviour, "delay", 0) == 0
        and getattr(fault.behaviour, "tampered", False) == tampered
    ]


def description(fault: Fault) -> str:
    return fault.description


@table("fault", with_behaviour(Coded))
async def test_a_coded_error_is_answered_where_its_row_says(fault: Fault) -> None:
    expected = fault.behaviour
    assert isinstance(expected, Coded)

    response = await send(asking_for_card(fault.number))

    assert expected.status == response.status_code
    body = opened(response) if expected.sealed else response.json()
    if expected.place == "response":
        assert {"response": {"code": expected.code, "description": expected.description}} == body
    else:
        assert {expected.place: expected.code} == body


@table("fault", with_behaviour(Raw))
async def test_an_answer_outside_the_protocol_is_given_byte_for_byte(fault: Fault) -> None:
    expected = fault.behaviour
    assert isinstance(expected, Raw)

    response = await send(asking_for_card(fault.number))

    assert (expected.status, expected.body) == (response.status_code, response.content)
    assert response.headers["Content-Type"].startswith(expected.content_type)
    assert dict(expected.headers) == {name: response.headers[name] for name in expected.headers}


@table("fault", with_behaviour(Altered))
async def test_an_altered_answer_differs_from_a_good_one_only_as_its_row_says(fault: Fault) -> None:
    expected = fault.behaviour
    assert isinstance(expected, Altered)

    response = await send(asking_for_card(fault.number))

    good = {**CARDS[FIRST_CARD].fields, "response": SUCCESS}
    changed = {name for name, value in opened(response).items() if name not in good or good[name] != value}
    missing = good.keys() - opened(response).keys()
    assert response.status_code == 200
    assert set(expected.changes) == changed
    assert {*expected.without, *([] if expected.coded else ["response"])} == missing
    assert dict(expected.changes) == {name: opened(response)[name] for name in changed}


@pytest.mark.parametrize("fault", with_behaviour(Altered, tampered=True), ids=description)
async def test_a_tampered_answer_does_not_open(fault: Fault) -> None:
    response = await send(asking_for_card(fault.number))

    assert response.status_code == 200
    with pytest.raises(JweError, match="JWE tag: does not authenticate"):
        unseal(response.json()["encData"], keys().client_private_key_pem, "A128GCM")


async def test_without_encryption_a_tampered_answer_is_no_json() -> None:
    (fault,) = with_behaviour(Altered, tampered=True)
    draft = asking_for_card(fault.number).without("X-KM-Crypto-Key-Id")
    draft.body = json.dumps({"cardNo": fault.number}).encode()

    response = await send(draft.signed_over(draft.body), encrypted=False)

    with pytest.raises(json.JSONDecodeError):
        response.json()


async def test_every_fault_repeats_the_correlation_id() -> None:
    tampered = with_behaviour(Altered, tampered=True)
    for faults in (with_behaviour(Coded), with_behaviour(Raw), with_behaviour(Altered), tampered):
        draft = asking_for_card(faults[0].number)
        response = await send(draft)
        assert ["X-KM-Correlation-Id", response.headers["X-KM-Correlation-Id"]] in draft.headers


@pytest.mark.parametrize(
    ("user_id", "status", "text"), [(UNKNOWN_MEMBER, 400, "001_006"), (BROKEN_MEMBER, 503, "")]
)
async def test_a_reserved_member_fails(user_id: int, status: int, text: str) -> None:
    response = await send(asking_for_member(user_id))

    assert status == response.status_code
    assert text in response.text


def test_reserved_numbers_pass_the_luhn_check_and_have_their_own_range() -> None:
    for number, fault in FAULTS.items():
        assert number == fault.number
        assert re.fullmatch(r"949133949[123][0-9]{6}", number)
        assert passes_luhn(number)


def test_reserved_numbers_and_members_are_not_in_the_ledger() -> None:
    assert FAULTS.keys() & CARDS.keys() == set()
    assert MEMBER_FAULTS.keys() & MEMBERS.keys() == set()


def test_no_reserved_number_is_lost_to_another_and_no_two_do_the_same() -> None:
    assert len(FAULTS) == 58
    assert len({fault.description for fault in FAULTS.values()}) == len(FAULTS)
    assert len({repr(fault.behaviour) for fault in FAULTS.values()}) == len(FAULTS)


def test_every_code_for_an_upstream_failure_can_be_had() -> None:
    upstream = {code for code in ErrorCode if code.name.startswith("UPSTREAM_")}
    wanted = upstream | {ErrorCode.BAD_USER_INPUT, ErrorCode.CARD_NOT_FOUND, ErrorCode.MEMBER_NOT_FOUND}

    assert wanted == {fault.code for fault in FAULTS.values() if fault.code is not None}


@table("code", [
        "000_002", "000_003", "000_015", "001_006", "003_001", "003_008", "003_021", "003_022", "006_022",
        "900_001", "010_001", "020_001", "020_998", "003_024", "218_1000_001",
    ])  # fmt: skip
def test_every_documented_code_of_the_vendor_can_be_had(code: str) -> None:
    assert code in {f.behaviour.code for f in FAULTS.values() if isinstance(f.behaviour, Coded)}


def test_the_delays_are_a_second_and_longer_than_anybody_waits() -> None:
    delays = [f.behaviour.delay for f in FAULTS.values() if isinstance(f.behaviour, Altered) and f.behaviour.delay]

    assert sorted(delays) == [SLOW, 60.0]
    assert SLOW == 1.0
