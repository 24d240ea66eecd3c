"""Every inquiry API: what is sent, which headers name a key, and in which forms answers are taken."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.errors import (
    CardNotFoundError,
    InvalidInputError,
    InvalidResponseError,
    KonaplateError,
    MemberNotFoundError,
    SystemFaultError,
    UnavailableError,
    UnknownCodeError,
    UnsealedError,
)
from graph.konaplate.record import Record, record_fields
from tests.konaplate.endpoints.calls import ENDPOINT, NOW, OK, Call, faults, read, sealed
from tests.konaplate.endpoints.pages import ACCOUNT_NO, BUSINESS_NO, CARD_NO, MERCHANT, PAGES, PAR, Page
from tests.konaplate.support import KEY_ID, encoded, leaks
from tests.tables import table

every_page = pytest.mark.parametrize(("name", "page"), PAGES.items(), ids=list(PAGES))


def test_every_endpoint_but_the_first_two_has_its_page_here() -> None:
    there = PAGES.keys() | {"card_info", "user_info"}
    assert {each.name for each in ENDPOINTS} == there, "pages.py beside this file needs a page of each API"


@every_page
async def test_a_request_has_the_documented_bytes_and_flag(name: str, page: Page) -> None:
    call = await Call.of(name, page.key)
    assert (page.request.encode(), page.seals_request) == call.upstream.sent()
    (request,) = call.upstream.requests
    assert (request.method, request.url.path) == ("POST", f"/open-api{page.path}")


@every_page
async def test_without_encryption_the_same_is_sent_in_clear(name: str, page: Page) -> None:
    call = await Call.of(name, page.key, encoded({**page.whole, **OK}), encrypted=False)
    assert (page.request.encode(), False) == call.upstream.sent()
    assert "X-KM-Crypto-Key-Id" not in call.upstream.requests[0].headers
    assert call.report.outcome == "ok"


@every_page
async def test_the_key_is_named_where_either_direction_is_sealed_or_may_be(name: str, page: Page) -> None:
    call = await Call.of(name, page.key)
    may_be_sealed = page.seals_request or page.seals_answer is not False
    assert call.upstream.requests[0].headers.get("X-KM-Crypto-Key-Id") == (KEY_ID if may_be_sealed else None)


@every_page
@pytest.mark.parametrize("algorithm", ["A128GCM", "A256GCM"])
async def test_a_sealed_answer_is_opened_whatever_the_flag_is(name: str, page: Page, algorithm: str) -> None:
    call = await Call.of(name, page.key, sealed(encoded({**page.whole, **OK}), algorithm))
    assert (call.report.outcome, faults(call.answer)) == ("ok", [])


@every_page
async def test_an_answer_in_clear_is_refused_only_where_the_page_says_that_it_is_sealed(
    name: str, page: Page
) -> None:
    call = await Call.of(name, page.key, encoded({**page.whole, **OK}))
    assert isinstance(call.answer, UnsealedError) == (page.seals_answer is True)


@every_page
@pytest.mark.parametrize("seals", [True, False])
async def test_a_setting_says_which_form_an_answer_has(name: str, page: Page, seals: bool) -> None:
    known = tuple(dataclasses.replace(each, seals_response=seals) for each in ENDPOINTS)
    call = await Call.of(name, page.key, encoded({**page.whole, **OK}), endpoints=known)
    assert isinstance(call.answer, UnsealedError) == seals


@every_page
async def test_what_no_page_documents_may_be_absent(name: str, page: Page) -> None:
    answer = await read(name, page.key, page.least)
    assert not isinstance(answer, Exception)
    assert faults(answer) == []


@every_page
async def test_an_answer_without_a_code_is_a_success_if_what_is_required_is_there(name: str, page: Page) -> None:
    call = await Call.of(name, page.key, sealed(encoded(page.least if page.silent else page.whole)))
    assert call.report.outcome == "ok"
    nothing = await Call.of(name, page.key, sealed(encoded({"message": "?"})))
    assert InvalidResponseError is type(nothing.answer)


@pytest.mark.parametrize(
    ("name", "missing", "failing"),
    [(name, missing, failing) for name, page in PAGES.items() for missing, failing in page.required.items()],
)
async def test_what_is_required_fails_alone_when_it_is_missing(name: str, missing: str, failing: str) -> None:
    page = PAGES[name]
    for sent in ({}, {missing: None}):
        fields = {**{key: value for key, value in page.whole.items() if key != missing}, **sent}
        assert faults(await read(name, page.key, fields)) == [failing]


def in_texts(value: Any) -> Any:
    """The same with every whole number written as text."""
    if isinstance(value, dict):
        return {name: in_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [in_texts(each) for each in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@every_page
async def test_numbers_may_be_texts_of_digits(name: str, page: Page) -> None:
    assert await read(name, page.key, in_texts(page.whole)) == await read(name, page.key, page.whole)


@every_page
async def test_the_time_of_the_answer_is_noted_on_all_of_it(name: str, page: Page) -> None:
    def times(value: object) -> set[int]:
        inner: list[Any] = list(value.values()) if isinstance(value, dict) else []
        inner += value if isinstance(value, list) else []
        found = set()
        if isinstance(value, Record):
            found = {value.as_of}
            inner += [getattr(value, each.name) for each in record_fields(type(value))]
        return found.union(*map(times, inner))

    assert times(await read(name, page.key, page.whole)) == {NOW}


@every_page
async def test_nothing_personal_prints_itself(name: str, page: Page) -> None:
    for fields in (page.whole, in_texts(page.whole)):
        call = await Call.of(name, page.key, sealed(encoded({**fields, **OK})))
        shown = "\n".join((str(call.answer), repr(call.answer), repr(call.report)))
        for secret in (CARD_NO, PAR, ACCOUNT_NO, MERCHANT, BUSINESS_NO):
            assert secret not in shown
        assert leaks(call.answer, call.report) == []


CODES: list[tuple[str, int, type[KonaplateError]]] = [
    ("001_006", 400, MemberNotFoundError),
    ("001_087", 400, MemberNotFoundError),
    ("003_001", 400, CardNotFoundError),
    ("003_021", 400, CardNotFoundError),
    ("006_029", 400, CardNotFoundError),
    ("000_002", 400, InvalidInputError),
    ("000_002", 200, InvalidInputError),
    ("006_022", 400, SystemFaultError),
    ("002_018", 400, SystemFaultError),
    ("003_024", 400, UnknownCodeError),
    ("218_1000_001", 404, UnknownCodeError),
    # A status of 500 with a code that is in no table: Konaplate is at fault.
    ("218_1000_011", 500, UnavailableError),
]


@every_page
@pytest.mark.parametrize("seals", [True, False])
async def test_a_code_means_what_the_tables_say_and_is_shown(name: str, page: Page, seals: bool) -> None:
    for code, status, expected in CODES:
        body = encoded({"response": {"code": code, "description": f"no {CARD_NO}"}})
        call = await Call.of(name, page.key, sealed(body) if seals else body, status)
        assert expected is type(call.answer)
        assert (code, status, page.path) == (
            call.answer.details.code, call.answer.details.status, call.answer.details.api,
        )  # fmt: skip
        assert CARD_NO not in f"{call.answer!r} {call.report!r}"


@table("code", [CARD_NO, "010_1234_5678", "218_1000_00a", "218_1000_001_1", "E_003", f"003_{CARD_NO}", ACCOUNT_NO])
async def test_what_is_no_code_is_neither_shown_nor_reported(code: str) -> None:
    for name, page in PAGES.items():
        call = await Call.of(name, page.key, encoded({"response": {"code": code}}), 400)
        assert (InvalidResponseError, None) == (type(call.answer), call.answer.details.code)
        assert code not in f"{call.answer!r} {call.report!r}"


async def test_one_code_may_mean_two_things_at_two_apis() -> None:
    own = {"card_list": CardNotFoundError, "identity_check": MemberNotFoundError}
    known = tuple(
        dataclasses.replace(each, codes={"003_024": own[each.name]}) if each.name in own else each
        for each in ENDPOINTS
    )
    body = encoded({"response": {"code": "003_024"}})
    for name, expected in {**own, "virtual_account": UnknownCodeError}.items():
        call = await Call.of(name, PAGES[name].key, body, 400, endpoints=known)
        assert expected is type(call.answer)


def test_the_paths_and_flags_are_those_of_the_pages() -> None:
    for name, page in PAGES.items():
        endpoint = ENDPOINT[name]
        assert (page.path, page.seals_request, page.seals_answer) == (
            endpoint.path, endpoint.seals_request, endpoint.seals_response,
        )  # fmt: skip
        json.loads(page.request)
