"""The client that settings configure: limits, keys, algorithms, and every problem reported at once."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.config.environment import load_settings
from graph.config.settings import SettingsError
from graph.konaplate.encryption import CannotOpenError
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.errors import TimedOutError, UnavailableError
from graph.wiring.upstream import build_cipher, build_client
from tests.faults.jumping_clock import jumping
from tests.independent import jwe
from tests.konaplate.faulty_upstream import FaultyUpstream, silence
from tests.konaplate.support import (
    ACCESS_KEY,
    ASP_ID,
    CARD,
    KEY_ID,
    SECRET_KEY,
    Reports,
    answering,
    card_fields,
    leaks,
    pem,
    succeeded,
)

if TYPE_CHECKING:
    from graph.config.settings import Settings
    from graph.konaplate.client import KonaplateClient

FIRST = {
    "KONAPLATE_CRYPTO_KEY_ID": KEY_ID,
    "KONAPLATE_SERVER_PUBLIC_KEY": pem("server", private=False),
    "KONAPLATE_CLIENT_PRIVATE_KEY": pem("client", private=True),
}
SECOND = {
    "KONAPLATE_CRYPTO_KEY_ID_2": "second",
    "KONAPLATE_SERVER_PUBLIC_KEY_2": pem("server", private=False),
    "KONAPLATE_CLIENT_PRIVATE_KEY_2": pem("client2", private=True),
}
OFF = {"KONAPLATE_ENCRYPTION": "off"}


def settings(variables: dict[str, str]) -> Settings:
    return load_settings(
        {
            "KONAPLATE_BASE_URL": "http://upstream.test/open-api",
            "KONAPLATE_ASP_ID": ASP_ID,
            "KONAPLATE_ACCESS_KEY": ACCESS_KEY,
            "KONAPLATE_SECRET_KEY": SECRET_KEY,
            **variables,
        }
    )


def client(variables: dict[str, str], transport: httpx.AsyncBaseTransport | None = None) -> KonaplateClient:
    return build_client(settings({**OFF, **variables}), transport, lambda _report: None)


def sealed(owner: str, enc: str = "A128GCM") -> str:
    return jwe.seal(b"{}", pem(owner, private=False), enc)


def problems(variables: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        build_cipher(settings(variables))
    return caught.value.problems


def test_without_encryption_there_is_no_cipher() -> None:
    assert build_cipher(settings({**OFF, **FIRST})) is None


def test_one_pair_of_keys_seals_and_opens() -> None:
    cipher = build_cipher(settings(FIRST))
    assert cipher is not None
    assert (cipher.key_id, cipher.open(sealed("client"), KEY_ID)) == (KEY_ID, b"{}")
    with pytest.raises(CannotOpenError):
        cipher.open(sealed("client2"), KEY_ID)


def test_a_second_pair_of_keys_only_opens() -> None:
    cipher = build_cipher(settings({**FIRST, **SECOND}))
    assert cipher is not None
    assert cipher.key_id == KEY_ID
    assert [cipher.open(sealed(owner), None) for owner in ("client", "client2")] == [b"{}"] * 2


def test_the_allowed_content_encryptions_are_those_of_the_settings() -> None:
    cipher = build_cipher(settings({**FIRST, "KONAPLATE_JWE_ALGORITHMS": "A256GCM"}))
    assert cipher is not None
    assert cipher.open(sealed("client", "A256GCM"), None) == b"{}"
    with pytest.raises(CannotOpenError):
        cipher.open(sealed("client", "A128GCM"), None)


def test_every_key_that_cannot_be_used_is_named_at_once() -> None:
    wrong = {
        "KONAPLATE_SERVER_PUBLIC_KEY": pem("server", private=True),
        "KONAPLATE_CLIENT_PRIVATE_KEY": pem("client", private=False),
        "KONAPLATE_CLIENT_PRIVATE_KEY_2": "-----BEGIN PRIVATE KEY-----\ngarbage-canary\n-----END PRIVATE KEY-----",
    }
    found = problems({**FIRST, **SECOND, **wrong})
    assert found == [
        "KONAPLATE_SERVER_PUBLIC_KEY is a private key where a public key is needed",
        "KONAPLATE_CLIENT_PRIVATE_KEY is a public key where a private key is needed",
        "KONAPLATE_CLIENT_PRIVATE_KEY_2 is damaged: its content is not a private key",
    ]


UNKNOWN = ["A192GCM", "A128GCM A128CBC-HS256", "a128gcm", "RSA1_5", "dir", "RSA-OAEP-256,none", ","]


@pytest.mark.parametrize("words", UNKNOWN)
def test_an_algorithm_that_is_not_known_is_a_problem(words: str) -> None:
    found = problems({**FIRST, "KONAPLATE_JWE_ALGORITHMS": words})
    known = "RSA-OAEP-256, RSA-OAEP, A128GCM, A256GCM"
    assert found == [f"KONAPLATE_JWE_ALGORITHMS: must be one or more of {known}"]


def test_of_each_kind_of_algorithm_the_default_holds_unless_one_is_named() -> None:
    both = build_cipher(settings({**FIRST, "KONAPLATE_JWE_ALGORITHMS": "RSA-OAEP-256"}))
    assert both is not None
    assert [both.open(sealed("client", enc), None) for enc in ("A128GCM", "A256GCM")] == [b"{}"] * 2
    named = build_cipher(settings({**FIRST, "KONAPLATE_JWE_ALGORITHMS": "A256GCM RSA-OAEP-256"}))
    assert named is not None
    message = json.loads(named.seal(b"{}"))["encData"]
    assert jwe.unseal(message, pem("server", private=True), "A256GCM") == b"{}"


def test_the_allowed_key_algorithms_are_those_of_the_settings() -> None:
    cipher = build_cipher(settings({**FIRST, "KONAPLATE_JWE_ALGORITHMS": "RSA-OAEP"}))
    assert cipher is not None
    with pytest.raises(CannotOpenError):
        cipher.open(sealed("client"), None)


async def test_the_identity_is_that_of_the_settings() -> None:
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answering(succeeded(card_fields()))(request)

    konaplate = client({}, httpx.MockTransport(handler))
    await konaplate.fetch(CARD_INFO, CARD)
    await konaplate.aclose()
    names = ["X-KM-User-AspId", "X-KM-Access-Key", "X-KM-Time-Zone"]
    assert [sent[0].headers[name] for name in names] == [ASP_ID, ACCESS_KEY, "KST"]
    assert "X-KM-Crypto-Key-Id" not in sent[0].headers


async def test_every_call_is_reported_to_the_hook() -> None:
    reports = Reports()
    transport = httpx.MockTransport(answering(succeeded(card_fields())))
    konaplate = build_client(settings(OFF), transport, reports.append)
    await konaplate.fetch(CARD_INFO, CARD)
    await konaplate.aclose()
    assert reports.one().outcome == "ok"


async def test_two_clients_do_not_start_with_the_same_correlation_id() -> None:
    reports = Reports()
    for _ in range(5):
        transport = httpx.MockTransport(answering(succeeded(card_fields())))
        konaplate = build_client(settings(OFF), transport, reports.append)
        await konaplate.fetch(CARD_INFO, CARD)
        await konaplate.aclose()
    # Five draws out of 2**28 do not all end alike by chance.
    assert len({report.details.correlation_id[-7:] for report in reports}) > 1


@jumping
async def test_the_total_time_is_that_of_the_settings() -> None:
    loop = asyncio.get_running_loop()
    async with FaultyUpstream(silence()) as upstream:
        konaplate = client({"KONAPLATE_BASE_URL": upstream.base_url, "KONAPLATE_TIMEOUT": "0.1"})
        began = loop.time()
        with pytest.raises(TimedOutError):
            await konaplate.fetch(CARD_INFO, CARD)
        assert loop.time() - began == pytest.approx(0.1)
        await konaplate.aclose()


async def test_the_time_for_each_step_is_that_of_the_settings() -> None:
    limits: list[dict[str, float]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"])
        return answering(succeeded(card_fields()))(request)

    variables = {"KONAPLATE_TIMEOUT": "7", "KONAPLATE_POOL_TIMEOUT": "0.125"}
    konaplate = client(variables, httpx.MockTransport(handler))
    await konaplate.fetch(CARD_INFO, CARD)
    await konaplate.aclose()
    assert limits == [{"connect": 1.0, "read": 7, "write": 7, "pool": 0.125}]


async def test_the_number_of_connections_is_that_of_the_settings() -> None:
    async with FaultyUpstream(silence()) as upstream:
        konaplate = client(
            {
                "KONAPLATE_BASE_URL": upstream.base_url,
                "KONAPLATE_TIMEOUT": "30",
                "KONAPLATE_MAX_CONNECTIONS": "2",
                "KONAPLATE_POOL_TIMEOUT": "0.1",
            }
        )
        calls = [asyncio.create_task(konaplate.fetch(CARD_INFO, CARD)) for _ in range(3)]
        done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        errors = [call.exception() for call in done]
        for call in waiting:
            call.cancel()
        await asyncio.wait(calls)
        await konaplate.aclose()
    assert [type(error) for error in errors] == [UnavailableError]
    assert leaks(*errors) == []
    assert len(upstream.connections) == 2
