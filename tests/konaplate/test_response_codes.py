"""From a response's code and status to the error and the client's code, as the vendor documents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from graph.errors import code_of
from graph.konaplate.encryption import Cipher
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.konaplate.errors import (
    CallDetails,
    CardNotFoundError,
    InvalidInputError,
    InvalidResponseError,
    KonaplateError,
    RetryMayHelpError,
)
from graph.konaplate.record import record_fields
from graph.konaplate.responses import Response, read_success
from schema.errors import ErrorCode
from tests.independent import jwe
from tests.konaplate.support import (
    CORRELATION_ID,
    card_fields,
    encoded,
    leaks,
    member_fields,
    pair,
    pem,
    succeeded,
    without,
)
from tests.tables import table

if TYPE_CHECKING:
    from graph.konaplate.endpoint import Endpoint

CARD_REQUIRED = {"balance", "serviceId", "serviceName", "isAutoRechargeBeforePayment"}


class Shown(NamedTuple):
    """The error of an unsuccessful response."""

    error: str
    client_code: ErrorCode
    retry_may_help: bool


INPUT = Shown("InvalidInputError", ErrorCode.BAD_USER_INPUT, False)
NO_CARD = Shown("CardNotFoundError", ErrorCode.CARD_NOT_FOUND, False)
NO_MEMBER = Shown("MemberNotFoundError", ErrorCode.MEMBER_NOT_FOUND, False)
REJECTED = Shown("RejectedError", ErrorCode.UPSTREAM_REJECTED, False)
UNAVAILABLE = Shown("UnavailableError", ErrorCode.UPSTREAM_UNAVAILABLE, True)
FAULT = Shown("SystemFaultError", ErrorCode.UPSTREAM_ERROR, True)
INVALID = Shown("InvalidResponseError", ErrorCode.UPSTREAM_INVALID_RESPONSE, False)
UNKNOWN = Shown("UnknownCodeError", ErrorCode.UPSTREAM_ERROR, False)

KNOWN = {
    "000_002": INPUT,
    "000_003": INPUT,
    "000_015": INPUT,
    "001_006": NO_MEMBER,
    "001_087": NO_MEMBER,
    "002_018": FAULT,
    "003_001": NO_CARD,
    "003_008": NO_CARD,
    "003_021": NO_CARD,
    "003_022": NO_CARD,
    "006_022": FAULT,
    "006_029": NO_CARD,
    "900_001": FAULT,
    "010_001": REJECTED,
    "010_999": REJECTED,
    "020_001": REJECTED,
    "020_998": REJECTED,
}
BY_STATUS = {
    200: INVALID,
    201: INVALID,
    204: INVALID,
    301: INVALID,
    400: INVALID,
    404: INVALID,
    409: INVALID,
    418: INVALID,
    408: UNAVAILABLE,
    421: UNAVAILABLE,
    425: UNAVAILABLE,
    401: REJECTED,
    403: REJECTED,
    429: UNAVAILABLE,
    500: UNAVAILABLE,
    502: UNAVAILABLE,
    503: UNAVAILABLE,
    504: UNAVAILABLE,
    599: UNAVAILABLE,
}
NO_CODES: list[object] = [
    "",
    " ",
    "9491339400001234",
    "0000000000000",
    "94913394-00001234",
    "9491 3394",
    "000_000 ",
    " 003_001",
    "003_001\n",
    "003_001\0",
    "００３_００１",
    "코드",
    "E",
    "KimCheolsu",
    "unknown.code",
    "ERROR_001",
    "003",
    "003-001",
    "003__001",
    "_003",
    "003_",
    "003_001_",
    "0x0_001",
    "1_2_3_4",
    "010_1234_5678",
    "02_123_4567",
    "218_10000_001",
    "218_1000_0001",
    "218_1000_00a",
    "1987_12_31",
    "<b>003</b>",
    0,
    3001,
    9491339400001234,
    1.5,
    True,
    None,
    ["003_001"],
    {"003_001": 1},
]
CALL = CallDetails(CORRELATION_ID, api="/some/api")
cipher = Cipher([pair()])


def read(body: bytes, status: int = 200, endpoint: Endpoint[Any, Any] = CARD_INFO) -> dict[str, Any]:
    return read_success(endpoint, Response(status, {}, body), CALL, cipher).fields


def failed(body: bytes, status: int) -> KonaplateError:
    with pytest.raises(KonaplateError) as caught:
        read(body, status)
    error = caught.value
    assert (CORRELATION_ID, status) == (error.details.correlation_id, error.details.status)
    assert leaks(error) == []
    return error


def shown(error: KonaplateError) -> Shown:
    return Shown(type(error).__name__, code_of(error), isinstance(error, RetryMayHelpError))


def refusal(code: object) -> dict[str, Any]:
    return {"response": {"code": code, "description": "Invalid input parameter."}}


def sealed(clear: bytes) -> bytes:
    return encoded({"encData": jwe.seal(clear, pem("client", private=False), "A128GCM")})


@table("wrap", [bytes, sealed])
@table("status", BY_STATUS)
@table("code", KNOWN)
def test_a_documented_code_means_the_same_under_every_status(code: str, status: int, wrap: Any) -> None:
    error = failed(wrap(encoded(refusal(code))), status)
    assert KNOWN[code] == shown(error)
    assert code == error.details.code


@table("status", BY_STATUS)
@table("code", ["777_777", "000_0000", "00_002", "003_001_02", "218_1000_001"])
def test_an_unknown_code_is_shown_and_the_status_says_whether_to_retry(code: str, status: int) -> None:
    error = failed(encoded(refusal(code)), status)
    expected = UNKNOWN if BY_STATUS[status] is INVALID else BY_STATUS[status]
    assert shown(error) == expected
    assert code == error.details.code


@table("status", BY_STATUS)
@table("fields", [{}, {"message": "System Error."}, {"response": "003_001"}, {"response": []}])
def test_without_a_code_the_status_decides(fields: dict[str, Any], status: int) -> None:
    error = failed(encoded(fields), status)
    assert BY_STATUS[status] == shown(error)
    assert error.details.code is None


@table("status", [status for status in BY_STATUS if status >= 300])
def test_a_success_code_under_a_failing_status_is_a_failure(status: int) -> None:
    error = failed(succeeded(card_fields()), status)
    assert BY_STATUS[status] == shown(error)
    assert error.details.code == "000_000"


@table("code", NO_CODES)
def test_what_does_not_look_like_a_code_is_never_shown(code: object) -> None:
    for status, expected in BY_STATUS.items():
        error = failed(encoded({**refusal(code), "code": code, "reason": code}), status)
        assert shown(error) == expected
        assert error.details.code is None


@table("odd", NO_CODES)
def test_what_does_not_look_like_a_code_gives_way_to_the_next_place(odd: object) -> None:
    second = failed(encoded({**refusal(odd), "code": "003_001", "reason": "006_022"}), 400)
    third = failed(encoded({**refusal(odd), "code": odd, "reason": "006_022"}), 400)
    assert [shown(second), shown(third)] == [NO_CARD, FAULT]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"response": {"code": "001_006"}, "code": "003_001", "reason": "006_022"}, NO_MEMBER),
        ({"response": {"code": "001_006"}, "reason": "006_022"}, NO_MEMBER),
        ({"response": {}, "code": "003_001", "reason": "006_022"}, NO_CARD),
        ({"code": "003_001", "reason": "006_022"}, NO_CARD),
        ({"reason": "006_022"}, FAULT),
        ({"response": {"code": "001_006"}, "code": "000_000", "reason": "000_000"}, NO_MEMBER),
    ],
)
def test_the_code_is_read_from_three_places_in_order(fields: dict[str, Any], expected: Shown) -> None:
    assert shown(failed(encoded({**card_fields(), **fields}), 200)) == expected


@pytest.mark.parametrize(
    "message",
    ["Success", "Invalid input parameter", "카드 Invalid card info..", "003_001", "", None, 7, "실패"],
)
def test_the_message_decides_nothing(message: object) -> None:
    response = {"code": "006_022", "description": message}
    assert shown(failed(encoded({"response": response, "message": message}), 200)) == FAULT
    well = {**card_fields(), "response": {"code": "000_000", "description": message}, "message": message}
    assert well == read(encoded(well))


@pytest.mark.parametrize("status", [200, 201, 299])
@pytest.mark.parametrize("place", [{"response": {"code": "000_000"}}, {"code": "000_000"}, {"reason": "000_000"}])
def test_a_success_code_is_enough_even_if_fields_are_missing(place: dict[str, Any], status: int) -> None:
    assert place == read(encoded(place), status)


def test_the_details_of_a_success_name_its_code() -> None:
    _, details, _ = read_success(CARD_INFO, Response(200, {}, succeeded(card_fields())), CALL, None)
    assert (details.correlation_id, details.status, details.code) == (CORRELATION_ID, 200, "000_000")


def test_an_answer_without_a_code_succeeds_when_every_required_field_is_there() -> None:
    required_only = dict.fromkeys(CARD_REQUIRED)
    assert [required_only, card_fields()] == [read(encoded(required_only)), read(encoded(card_fields()))]


@pytest.mark.parametrize("missing", sorted(CARD_REQUIRED))
def test_an_answer_without_a_code_fails_when_one_required_field_is_missing(missing: str) -> None:
    assert shown(failed(encoded(without(card_fields(), missing)), 200)) == INVALID


def test_every_required_field_under_a_failing_status_is_no_success() -> None:
    assert shown(failed(encoded(card_fields()), 400)) == INVALID


def test_the_required_fields_are_those_that_the_vendor_documents() -> None:
    assert {each.wire for each in record_fields(CARD_INFO.record) if each.required} == CARD_REQUIRED
    member = {"userInfo": member_fields()}
    assert member == read(encoded(member), endpoint=USER_INFO)
    with pytest.raises(InvalidResponseError):
        read(encoded(member_fields()), endpoint=USER_INFO)


def test_a_code_of_an_endpoint_means_what_the_endpoint_says() -> None:
    own = replace(CARD_INFO, codes={"003_024": CardNotFoundError, "001_006": InvalidInputError})
    for code, expected in [
        ("003_024", CardNotFoundError),
        ("001_006", InvalidInputError),
        ("003_001", CardNotFoundError),
    ]:
        with pytest.raises(expected) as caught:
            read(encoded(refusal(code)), 400, own)
        assert code == caught.value.details.code
    assert shown(failed(encoded(refusal("003_024")), 400)) == UNKNOWN
