"""The bodies of responses: sealed, plain, malformed, and the limits of what is read."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from graph.konaplate.encryption import Cipher
from graph.konaplate.endpoints.card_info import CARD_INFO, CardInfo
from graph.konaplate.errors import (
    CallDetails,
    CardNotFoundError,
    InvalidFieldError,
    InvalidResponseError,
    KonaplateError,
    RejectedError,
    UnavailableError,
)
from graph.konaplate.responses import Response, read_success
from tests.independent import jwe
from tests.konaplate.counted_key import counted_pair
from tests.konaplate.json_values import json_objects
from tests.konaplate.support import (
    CARD,
    CORRELATION_ID,
    DETAILS,
    KEY_ID,
    card_fields,
    deterministic,
    encoded,
    leaks,
    pair,
    pem,
    succeeded,
    without,
)
from tests.tables import table

CALL = CallDetails(CORRELATION_ID, api="/some/api")
CIPHER = Cipher([pair()])
STATUSES = {
    200: InvalidResponseError,
    400: InvalidResponseError,
    404: InvalidResponseError,
    401: RejectedError,
    403: RejectedError,
    429: UnavailableError,
    500: UnavailableError,
    503: UnavailableError,
}
DEEP = 100_000
NO_OBJECTS = {
    "empty": b"",
    "HTML": b"<!DOCTYPE html><html><body>" + CARD.reveal().encode() + b"</body></html>",
    "text": b"Service Unavailable",
    "null": b"null",
    "number": b"7",
    "string": b'"000_000"',
    "list": b'[{"code":"000_000"}]',
    "cut short": succeeded(card_fields())[:-1],
    "two values": b"{}{}",
    "UTF-16": succeeded(card_fields()).decode().encode("utf-16"),
    "single quotes": b"{'code':'000_000'}",
    "deep lists": b'{"code":"000_000","serviceName":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "brackets only": b"[" * DEEP,
    # It takes minutes if each quote begins a search up to the end.
    "cut short behind quotes": b'{"code":"000_000","serviceName":"' + b'\\"' * DEEP,
}


def read(
    body: bytes, status: int = 200, *, cipher: Cipher | None = None, key_id: str | None = KEY_ID
) -> dict[str, Any]:
    headers = {} if key_id is None else {"x-km-crypto-key-id": key_id}
    return read_success(CARD_INFO, Response(status, headers, body), CALL, cipher).fields


def sealed(clear: bytes, owner: str = "client") -> bytes:
    return encoded({"encData": jwe.seal(clear, pem(owner, private=False), "A256GCM")})


def assert_status_decides(body: bytes, *, cipher: Cipher | None) -> None:
    """The body is ignored: each status has the meaning that it has alone."""
    for status, expected in STATUSES.items():
        with pytest.raises(KonaplateError) as caught:
            read(body, status, cipher=cipher)
        details = caught.value.details
        assert expected is type(caught.value)
        assert (CORRELATION_ID, status, None) == (details.correlation_id, details.status, details.code)
        assert leaks(caught.value) == []


@table("body", NO_OBJECTS.values())
def test_a_body_that_is_no_json_object_says_nothing(body: bytes) -> None:
    assert_status_decides(body, cipher=None)


@table("clear", NO_OBJECTS.values())
def test_a_sealed_body_that_is_no_json_object_says_nothing(clear: bytes) -> None:
    short_enough = clear[:100_000]
    assert_status_decides(sealed(short_enough), cipher=CIPHER)


BROKEN_VALUES = {
    "half a surrogate pair": b'"\\ud800"',
    "the other half": b'"a\\uDC00b"',
    "EUC-KR": '"\uc9c0\uc5ed \uce74\ub4dc"'.encode("euc-kr"),
    "CP949": '"\ub620\ubc29\uac01\ud558"'.encode("cp949"),
    "half a character": '"\uce74"'.encode()[:-2] + b'"',
    "overlong UTF-8": b'"\xc0\x80"',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "control character": b'"a\nb"',
    "null byte": b'"\0"',
    "no escape": b'"C:\\q"',
    "half an escape": b'"\\u12"',
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "5,000 digits": b"9" * 5_000,
    "an exponent beyond all bounds": b"1e99999999999999999999",
}


def with_broken(value: bytes, code: bytes = b"000_000") -> bytes:
    """A card whose name and description are malformed."""
    fields = encoded(without(card_fields(), "serviceName"))[1:]
    answer = b'"response":{"description":%b,"code":"%b"}' % (value, code)
    return b'{"serviceName":%b,%b,%b' % (value, answer, fields)


@table("wrap", [bytes, sealed])
@table("value", BROKEN_VALUES.values())
def test_a_broken_value_spoils_itself_and_nothing_beside_it(value: bytes, wrap: Any) -> None:
    record: Any = CardInfo.read(read(wrap(with_broken(value)), cipher=CIPHER), DETAILS)
    assert isinstance(record.service_name, InvalidFieldError)
    good = CardInfo.read(card_fields(), DETAILS)
    assert structs.replace(good, service_name=record.service_name, invalid_fields=("serviceName",)) == record


@table("status", [200, 400, 500])
@table("value", BROKEN_VALUES.values())
def test_a_code_is_read_however_broken_the_text_beside_it_is(value: bytes, status: int) -> None:
    for body in (with_broken(value, b"003_001"), b'{"\xff":1,"code":"003_001","message":%b}' % value):
        with pytest.raises(CardNotFoundError):
            read(sealed(body), status, cipher=CIPHER)


def test_a_broken_code_is_no_code_and_not_the_same_as_none() -> None:
    for place in (
        b'"response":{"code":"\\ud800"}',
        b'"code":NaN',
        b'"reason":"KimCheolsu"',
        b'"response":"000_000"',
    ):
        with pytest.raises(InvalidResponseError) as caught:
            read(encoded(card_fields())[:-1] + b",%b}" % place)
        assert caught.value.details.code is None


def test_an_escape_that_is_one_stays_even_beside_one_that_is_none() -> None:
    body = with_broken(b'"\\ud800"').replace(b'"ACTIVE"', b'"\\u0041\\n\\ud83d\\ude42\\\\"')
    assert read(body)["cardStatus"] == "A\n\U0001f642\\"


def test_a_byte_order_mark_is_ignored() -> None:
    assert read(b"\xef\xbb\xbf" + encoded(card_fields())) == card_fields()


@deterministic
@given(text=st.binary(max_size=40).filter(lambda raw: b'"' not in raw and not raw.endswith(b"\\")))
def test_whatever_bytes_a_text_has_the_rest_is_read(text: bytes) -> None:
    fields = read(with_broken(b'"%b"' % text))
    assert without(card_fields(), "serviceName") == without(fields, "serviceName", "response")


@pytest.mark.parametrize("cipher", [None, CIPHER], ids=["plain line", "encrypted line"])
def test_a_plain_body_is_read_on_either_line(cipher: Cipher | None) -> None:
    expected = card_fields(response={"code": "000_000", "description": "Success"})
    assert read(succeeded(card_fields()), cipher=cipher) == expected


@pytest.mark.parametrize("body", [succeeded(card_fields()), encoded(card_fields())], ids=["a code", "no code"])
def test_a_success_tells_whether_it_was_sealed(body: bytes) -> None:
    answers = [Response(200, {}, content) for content in (body, sealed(body))]
    assert [read_success(CARD_INFO, each, CALL, CIPHER).sealed for each in answers] == [False, True]


def test_a_sealed_body_is_opened_and_its_envelope_forgotten() -> None:
    envelope = encoded({"encData": jwe.seal(encoded(card_fields()), pem("client", private=False), "A128GCM")})
    with_more = envelope.replace(b"{", b'{"code":"003_001","response":{"code":"006_022"},', 1)
    assert card_fields() == read(with_more, cipher=CIPHER)


def test_an_envelope_is_opened_once_only() -> None:
    assert_status_decides(sealed(sealed(succeeded(card_fields()))), cipher=CIPHER)


def test_a_null_envelope_is_no_envelope() -> None:
    body = succeeded(card_fields(encData=None))
    assert read(body, cipher=CIPHER)["balance"] == card_fields()["balance"]


BROKEN: dict[str, Any] = {
    "number": 5,
    "true": True,
    "false": False,
    "list": [],
    "object": {"encData": "x"},
    "empty": "",
    "text": CARD.reveal(),
    "five empty parts": "....",
    "for somebody else": jwe.seal(b"{}", pem("server", private=False), "A128GCM"),
    "unknown profile": jwe.assemble(b'{"enc":"A128GCM","alg":"dir"}', b"{}", pem("client", private=False),
                                    os.urandom(16), os.urandom(12)),
}  # fmt: skip


@pytest.mark.parametrize("envelope", BROKEN.values(), ids=BROKEN.keys())
def test_an_envelope_that_does_not_open_says_nothing_whatever_lies_beside_it(envelope: object) -> None:
    body = succeeded({**card_fields(), "encData": envelope, "code": "003_001"})
    assert_status_decides(body, cipher=CIPHER)


def test_an_envelope_on_a_plain_line_says_nothing() -> None:
    assert_status_decides(sealed(succeeded(card_fields())), cipher=None)


@pytest.mark.parametrize(("key_id", "uses"), [("new", (1, 1)), ("old", (0, 1)), (None, (1, 1))])
def test_the_response_names_the_key_that_is_tried_first(key_id: str | None, uses: tuple[int, int]) -> None:
    (new_pair, new), (old_pair, old) = counted_pair("new", opens="client2"), counted_pair("old")
    read(sealed(succeeded(card_fields())), cipher=Cipher([new_pair, old_pair]), key_id=key_id)
    assert uses == (new.operations, old.operations)


def test_a_repeated_name_counts_with_its_last_value() -> None:
    body = b'{"code":"006_022","code":"000_000"}'
    assert read(body) == {"code": "000_000"}


def test_a_response_shows_no_body() -> None:
    assert leaks(Response(200, {}, encoded(card_fields()))) == []


@deterministic
@given(body=st.one_of(st.binary(), json_objects().map(encoded)), status=st.integers(100, 999))
def test_every_response_is_read_or_becomes_an_error_of_the_tree(body: bytes, status: int) -> None:
    kind, told = outcome(body, status)
    if isinstance(told, CallDetails):
        assert (CORRELATION_ID, status) == (told.correlation_id, told.status)
    else:
        assert (kind, status // 100) == ("ok", 2)


@deterministic
@given(
    clear=st.one_of(st.binary(), json_objects().map(lambda fields: encoded(without(fields, "encData")))),
    status=st.sampled_from(sorted(STATUSES)),
)
def test_sealing_a_response_changes_nothing_of_its_meaning(clear: bytes, status: int) -> None:
    assert outcome(clear, status) == outcome(sealed(clear), status)


def outcome(body: bytes, status: int) -> tuple[str, dict[str, Any] | CallDetails]:
    """The fields of a success, or the name and the details of an error of the tree; another exception passes."""
    try:
        return "ok", read(body, status, cipher=CIPHER)
    except KonaplateError as error:
        return type(error).__name__, error.details
