"""The headers of a request: golden vectors made by other programs, and one clock reading for all of them."""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.konaplate import protocol as wire
from graph.konaplate.encryption import Cipher
from graph.konaplate.endpoints.card_info import CARD_INFO
from schema.secrets import Credential
from tests.konaplate.faulty_upstream import FaultyUpstream, answer, http
from tests.konaplate.support import (
    ACCESS_KEY,
    ASP_ID,
    CARD,
    CORRELATION_ID,
    IDENTITY,
    KEY_ID,
    SECRET_KEY,
    answering,
    card_fields,
    connected,
    deterministic,
    leaks,
    pair,
    succeeded,
    vectors,
)
from tests.tables import table

CASES = vectors("wire.json")["cases"]
TOKEN = re.compile(r"KMV1:[0-9]{17}:[A-Za-z0-9+/]{43}=", re.ASCII)
MOMENT = wire.Timestamp.at(1_741_230_000_042, wire.Zone.KST)

COMMON = {"Content-Type", "Accept", "Accept-Encoding"}
VENDORS_PLAIN = {
    "X-KM-User-AspId",
    "X-KM-Correlation-Id",
    "X-KM-Access-Key",
    "X-KM-Tran-Token",
    "X-KM-Tran-Time",
    "X-KM-Time-Zone",
}


def named(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers}


def request_headers(
    identity: wire.Identity, now: wire.Timestamp, correlation_id: str, body: bytes, *, crypto_key_id: str | None
) -> dict[str, str]:
    """All headers of one call."""
    common = wire.common_headers(identity, crypto_key_id)
    return named([*common, *wire.signed_headers(identity, now, correlation_id, body)])


@table("case", CASES)
def test_times_and_token_are_those_that_openssl_and_date_compute(case: dict[str, Any]) -> None:
    moment = wire.Timestamp.at(case["epoch_ms"], wire.Zone(case["zone"]))
    token = wire.tran_token(Credential(case["secret_key"]), moment.token_time, case["body"].encode())
    assert case["tran_time"] == moment.tran_time
    assert case["token_time"] == moment.token_time
    assert case["correlation_prefix"] == moment.correlation_time
    assert case["tran_token"] == token


def test_every_token_has_the_form_of_the_vendors_own_sample() -> None:
    samples = vectors("wire.json")["shape_only"]
    assert len(samples) == 1
    tokens = [*samples, wire.tran_token(Credential(SECRET_KEY), MOMENT.token_time, b"{}")]
    assert [TOKEN.fullmatch(token) is not None for token in tokens] == [True] * 2
    assert [len(token) for token in tokens] == [67] * 2


@deterministic
@given(
    epoch_ms=st.integers(0, 4_102_444_799_999),
    zone=st.sampled_from(wire.Zone),
    secret=st.text(st.characters(codec="utf-8"), min_size=1),
    body=st.binary(max_size=200),
)
def test_every_token_has_67_characters(epoch_ms: int, zone: wire.Zone, secret: str, body: bytes) -> None:
    moment = wire.Timestamp.at(epoch_ms, zone)
    assert TOKEN.fullmatch(wire.tran_token(Credential(secret), moment.token_time, body))


@deterministic
@given(epoch_ms=st.integers(0, 4_102_444_799_999), zone=st.sampled_from(wire.Zone))
def test_the_three_times_of_a_moment_agree(epoch_ms: int, zone: wire.Zone) -> None:
    moment = wire.Timestamp.at(epoch_ms, zone)
    assert re.fullmatch(r"[0-9]{14}", moment.tran_time)
    assert moment.token_time == f"{moment.tran_time}{epoch_ms % 1000:03d}"
    assert moment.tran_time[2:] == moment.correlation_time


@deterministic
@given(calls=st.lists(st.tuples(st.integers(0, 4_102_444_799_999), st.binary(max_size=200)), max_size=5))
def test_no_call_leaves_anything_in_the_token_of_the_next(calls: list[tuple[int, bytes]]) -> None:
    for epoch_ms, body in calls:
        moment = wire.Timestamp.at(epoch_ms, wire.Zone.KST)
        headers = wire.signed_headers(IDENTITY, moment, CORRELATION_ID, body)
        key = SECRET_KEY.encode()
        token = base64.b64encode(hmac.digest(key, body, "sha256")).decode()
        assert named(headers) == {
            "X-KM-Correlation-Id": CORRELATION_ID,
            "X-KM-Tran-Token": f"KMV1:{moment.token_time}:{token}",
            "X-KM-Tran-Time": moment.tran_time,
        }


@pytest.mark.parametrize("encrypted", [True, False], ids=["encrypted", "plain"])
async def test_the_own_transport_sends_these_fields_and_no_other(encrypted: bool) -> None:
    cipher = Cipher([pair()]) if encrypted else None
    async with FaultyUpstream(answer(http(succeeded(card_fields())))) as upstream:
        async with connected(
            base_url=upstream.base_url,
            cipher=cipher,
            clock_ms=lambda: 1_741_230_000_042,
            start=7,
            endpoints=[replace(CARD_INFO, seals_response=False)],
        ) as client:
            for _ in range(2):
                await client.fetch(CARD_INFO, CARD)
        port = upstream.port
        first, second = upstream.connections[0].requests
    for number, request in ((7, first), (8, second)):
        head, body = request.split(b"\r\n\r\n", 1)
        line, *lines = head.split(b"\r\n")
        assert line == b"POST /open-api/api/v1/user/card/info HTTP/1.1"
        signed = request_headers(
            IDENTITY, MOMENT, f"250306120000-{number:07x}", body, crypto_key_id=KEY_ID if encrypted else None
        )
        expected = {**signed, "Host": f"127.0.0.1:{port}", "Content-Length": str(len(body))}
        assert sorted(f"{name}: {value}" for name, value in expected.items()) == sorted(map(bytes.decode, lines))


def test_an_encrypted_request_has_the_seven_headers_of_the_vendor() -> None:
    body = b'{"encData":"..."}'
    headers = request_headers(IDENTITY, MOMENT, CORRELATION_ID, body, crypto_key_id=KEY_ID)
    expected = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "X-KM-User-AspId": ASP_ID,
        "X-KM-Correlation-Id": CORRELATION_ID,
        "X-KM-Access-Key": ACCESS_KEY,
        "X-KM-Crypto-Key-Id": KEY_ID,
        "X-KM-Tran-Token": wire.tran_token(IDENTITY.secret_key, "20250306120000042", body),
        "X-KM-Tran-Time": "20250306120000",
        "X-KM-Time-Zone": "KST",
    }
    assert headers == expected


def test_a_plain_request_names_no_crypto_key() -> None:
    headers = request_headers(IDENTITY, MOMENT, CORRELATION_ID, b"{}", crypto_key_id=None)
    assert headers.keys() == COMMON | VENDORS_PLAIN


def test_the_zone_of_the_times_is_named() -> None:
    identity = wire.Identity(ASP_ID, Credential(ACCESS_KEY), Credential(SECRET_KEY), wire.Zone.UTC)
    headers = request_headers(identity, MOMENT, CORRELATION_ID, b"{}", crypto_key_id=None)
    assert headers["X-KM-Time-Zone"] == "UTC"


class Clock:
    """Advances by a second at every reading, so that a second reading would show."""

    def __init__(self) -> None:
        self.readings = 0

    def __call__(self) -> int:
        self.readings += 1
        return 1_741_230_000_042 + 1_000 * self.readings


@pytest.mark.parametrize("encrypted", [True, False], ids=["encrypted", "plain"])
async def test_a_call_signs_the_bytes_that_it_sends_with_one_reading_of_the_clock(encrypted: bool) -> None:
    clock, sent = Clock(), []

    def respond(request: httpx.Request) -> httpx.Response:
        assert clock.readings == 1
        sent.append(request)
        return answering(succeeded(card_fields()))(request)

    cipher = Cipher([pair()]) if encrypted else None
    async with connected(
        httpx.MockTransport(respond),
        cipher=cipher,
        clock_ms=clock,
        start=7,
        endpoints=[replace(CARD_INFO, seals_response=False)],
    ) as client:
        await client.fetch(CARD_INFO, CARD)
    (request,) = sent
    expected = request_headers(
        IDENTITY,
        wire.Timestamp.at(1_741_230_001_042, wire.Zone.KST),
        "250306120001-0000007",
        request.content,
        crypto_key_id=KEY_ID if encrypted else None,
    )
    got = {name: request.headers[name] for name in expected}
    assert got == expected
    assert {name.lower() for name in expected if name.startswith("X-KM-")} == {
        name for name in request.headers if name.startswith("x-km-")
    }


def test_an_identity_shows_none_of_its_keys() -> None:
    assert leaks(IDENTITY) == []
