"""The record of a member: only of the requested one, and never with the connecting identifier."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.konaplate.endpoints.user_info import USER_INFO, PostalAddress, UserInfo
from graph.konaplate.errors import InvalidFieldError, InvalidResponseError, KonaplateError
from graph.konaplate.record import Record
from schema.secrets import IdentityNo, MemberId, PersonalText, Secret
from tests.konaplate.json_values import json_objects, json_values
from tests.konaplate.support import (
    ASP_ID,
    CARD,
    CI,
    DETAILS,
    MEMBER,
    USER_ID,
    as_sent,
    deterministic,
    leaks,
    member_fields,
    without,
)
from tests.tables import table

ABSENT: Final = ...
NO_TEXT: Final[list[object]] = [5, 1.5, True, [], {}]
SIZES: Final = {
    "aspId": 15,
    "birthDate": 8,
    "loginId": 80,
    "nationality": 9,
    "gender": 6,
    "mobileNumber": 20,
    "userName": 100,
    "email": 50,
    "joinChannel": 20,
}
REQUIRED: Final = [name for name in SIZES if name != "joinChannel"]
ADDRESS: Final = ["address", "zipCode", "addressDetail"]


def read(user_info: object, asked: MemberId = MEMBER) -> UserInfo:
    return USER_INFO.read({"userInfo": user_info}, DETAILS, asked)


def clear(value: object) -> object:
    """A value with its secrets in the clear, to compare them."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Record):
        return {name: clear(inner) for name, inner in as_sent(value).items()}
    return value


def assert_fault(value: object, name: str) -> None:
    assert isinstance(value, InvalidFieldError)
    assert (name, DETAILS) == (value.field, value.details)
    assert leaks(value) == []


def test_a_good_member_has_every_field() -> None:
    expected = UserInfo(
        asp_id=ASP_ID,
        user_id=MEMBER,
        birth_date=PersonalText("19871231"),
        login_id=PersonalText("login-canary@example.com"),
        nationality="Korean",
        gender="Female",
        mobile_number=IdentityNo("01012345678"),
        user_name=PersonalText("홍카나리"),
        email=PersonalText("mail-canary@example.com"),
        join_channel="APP",
        address_info=PostalAddress(
            address=PersonalText("서울 강남대로 1-canary"),
            zip_code=PersonalText("06236-canary"),
            address_detail=PersonalText("카나리아 7층"),
        ),
    )
    assert read(member_fields()) == expected


@table(
    ("name", "value"),
    [
        *((name, value) for name in REQUIRED for value in [ABSENT, None, *NO_TEXT]),
        *(("joinChannel", value) for value in NO_TEXT),
        *(("addressInfo", value) for value in [5, 1.5, True, "", "서울", [], [{}]]),
    ],
)
def test_a_bad_field_fails_alone(name: str, value: object) -> None:
    fields = without(member_fields(), name) if value is ABSENT else member_fields(**{name: value})
    record = as_sent(read(fields))
    assert_fault(record[name], name)
    assert without(as_sent(read(member_fields())), name) == without(record, name)


@table("value", NO_TEXT)
@table("name", ADDRESS)
def test_a_bad_field_of_the_address_fails_alone(name: str, value: object) -> None:
    record = read(member_fields(addressInfo={**member_fields()["addressInfo"], name: value}))
    good = read(member_fields())
    assert isinstance(record.address_info, PostalAddress)
    assert isinstance(good.address_info, PostalAddress)
    assert_fault(as_sent(record.address_info)[name], name)
    assert without(as_sent(good.address_info), name) == without(as_sent(record.address_info), name)


def test_optional_fields_may_be_missing() -> None:
    records = [
        read(without(member_fields(), "joinChannel", "addressInfo")),
        read(member_fields(joinChannel=None, addressInfo=None)),
    ]
    assert [(each.join_channel, each.address_info) for each in records] == [(None, None)] * 2
    addresses = [read(member_fields(addressInfo=each)).address_info for each in ({}, dict.fromkeys(ADDRESS))]
    assert addresses == [PostalAddress(None, None, None)] * 2


@pytest.mark.parametrize(("name", "size"), SIZES.items())
def test_a_text_longer_than_documented_is_kept_and_reported(name: str, size: int) -> None:
    fits, drifts = read(member_fields(**{name: "가" * size})), read(member_fields(**{name: "가" * (size + 1)}))
    assert ("가" * size, ()) == (clear(as_sent(fits)[name]), fits.drift)
    assert ("가" * (size + 1), (name,)) == (clear(as_sent(drifts)[name]), drifts.drift)


@pytest.mark.parametrize("name", ["nationality", "gender"])
def test_an_unknown_word_survives(name: str) -> None:
    assert as_sent(read(member_fields(**{name: "Other"})))[name] == "Other"


@table(
    "user_id",
    [
        USER_ID + 1,
        USER_ID - 1,
        str(USER_ID + 1),
        float(USER_ID),
        -USER_ID,
        f"-{USER_ID}",
        f" {USER_ID}",
        10**19,
        0,
        True,
        None,
        "",
        [USER_ID],
        {"userId": USER_ID},
        ABSENT,
    ],
)
def test_another_members_data_is_refused_as_a_whole(user_id: object) -> None:
    fields = without(member_fields(), "userId") if user_id is ABSENT else member_fields(userId=user_id)
    with pytest.raises(InvalidResponseError) as caught:
        read(fields)
    assert (InvalidResponseError, DETAILS) == (type(caught.value), caught.value.details)
    assert leaks(caught.value) == []


@pytest.mark.parametrize("user_id", [USER_ID, str(USER_ID)])
def test_the_members_own_id_may_be_a_number_or_digits(user_id: object) -> None:
    assert read(member_fields()) == read(member_fields(userId=user_id))


@pytest.mark.parametrize("user_info", [None, [], [member_fields()], "x", 5, True, {}], ids=repr)
def test_an_answer_without_a_member_is_invalid(user_info: object) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        read(user_info)
    assert leaks(caught.value) == []


def test_an_answer_with_the_members_fields_at_the_top_is_invalid() -> None:
    with pytest.raises(InvalidResponseError):
        USER_INFO.read(member_fields(), DETAILS, MEMBER)


@pytest.mark.parametrize("ci", [CI, 5, None, [CI], {"ci": CI}])
def test_the_connecting_identifier_is_never_read(ci: object) -> None:
    record = read(member_fields(ci=ci))
    assert read(without(member_fields(), "ci")) == record
    assert [name for name in as_sent(record) if name.lower() == "ci"] == []
    assert CI not in repr(clear(record)) + repr(record) + str(record)


def test_a_member_shows_personal_data_masked() -> None:
    record = read(member_fields())
    assert leaks(record) == []
    assert "IdentityNo(010-****-5678)" in repr(record)
    assert "PersonalText(****)" in repr(record)


def test_a_field_that_fails_shows_nothing_of_its_value() -> None:
    fields: dict[str, Any] = {name: [CARD.reveal(), CI, "01012345678"] for name in member_fields()}
    assert leaks(read({**fields, "userId": USER_ID})) == []


@deterministic
@given(user_info=st.one_of(json_values(), json_objects([*member_fields()])), own=st.booleans())
def test_no_json_makes_a_member_raise_anything_but_an_error_of_the_tree(user_info: Any, own: bool) -> None:
    if own and isinstance(user_info, dict):
        user_info["userId"] = USER_ID
    got = outcome(user_info)
    if isinstance(got, KonaplateError):
        assert type(got) is InvalidResponseError
    else:
        faults = [value for value in as_sent(got).values() if isinstance(value, BaseException)]
        assert {type(fault) for fault in faults} <= {InvalidFieldError}
        assert int(user_info["userId"]) == USER_ID


def outcome(user_info: object) -> UserInfo | KonaplateError:
    try:
        return read(user_info)
    except KonaplateError as error:
        return error
