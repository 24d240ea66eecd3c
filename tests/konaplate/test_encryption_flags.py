"""What is encrypted: each endpoint's flags for requests and responses, which settings can override."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from graph.config.environment import load_settings
from graph.config.settings import SettingsError
from graph.konaplate import protocol as wire
from graph.konaplate.encryption import Cipher
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.konaplate.errors import InvalidResponseError, UnsealedError
from graph.resilience.guard import CallStats, GuardObserver
from graph.wiring.checks import start_problems
from graph.wiring.upstream import build_konaplate, configured_endpoints
from tests.independent import jwe
from tests.konaplate.support import (
    CARD,
    IDENTITY,
    KEY_ID,
    MEMBER,
    Reports,
    card_fields,
    connected,
    encoded,
    member_fields,
    pair,
    pem,
    succeeded,
)

if TYPE_CHECKING:
    from graph.config.settings import Settings

WELL: Final = succeeded(card_fields())
SEALED: Final = encoded({"encData": jwe.seal(WELL, pem("client", private=False), "A128GCM")})
KEYS: Final = {
    "KONAPLATE_CRYPTO_KEY_ID": KEY_ID,
    "KONAPLATE_SERVER_PUBLIC_KEY": pem("server", private=False),
    "KONAPLATE_CLIENT_PRIVATE_KEY": pem("client", private=True),
}


class Upstream(httpx.AsyncBaseTransport):
    """Gives one response to every request, and keeps the requests."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(self._body))

    def sent(self) -> tuple[dict[str, Any], bool]:
        """The clear body of the only request, and whether it was sealed; the token signs the bytes sent."""
        (request,) = self.requests
        times = request.headers["X-KM-Tran-Token"].split(":")[1]
        assert wire.tran_token(IDENTITY.secret_key, times, request.content) == request.headers["X-KM-Tran-Token"]
        body = json.loads(request.content)
        if "encData" not in body:
            return body, False
        return json.loads(jwe.unseal(body["encData"], pem("server", private=True), "A128GCM")), True


async def called(body: bytes, *, request: bool, response: bool | None) -> tuple[Upstream, Reports]:
    """A call of an endpoint with these flags."""
    upstream, reports = Upstream(body), Reports()
    endpoint = replace(CARD_INFO, seals_request=request, seals_response=response)
    async with connected(
        upstream,
        cipher=Cipher([pair()]),
        endpoints=[endpoint],
        on_call=reports.append,
    ) as client:
        with suppress(InvalidResponseError):
            await client.fetch(endpoint, CARD)
    return upstream, reports


@pytest.mark.parametrize("response", [True, False])
@pytest.mark.parametrize("request_", [True, False])
async def test_a_request_is_sealed_where_the_endpoint_says_so_and_signed_as_it_is_sent(
    request_: bool, response: bool
) -> None:
    upstream, _ = await called(SEALED, request=request_, response=response)
    assert ({"cardNo": CARD.reveal()}, request_) == upstream.sent()


@pytest.mark.parametrize(
    ("request_", "response", "key_id"),
    [
        (True, True, KEY_ID),
        (True, False, KEY_ID),
        (False, True, KEY_ID),
        # The answer may be sealed.
        (False, None, KEY_ID),
        (False, False, None),
    ],
)
async def test_the_key_is_named_when_either_direction_is_encrypted(
    request_: bool, response: bool | None, key_id: str | None
) -> None:
    upstream, _ = await called(WELL, request=request_, response=response)
    assert key_id == upstream.requests[0].headers.get("X-KM-Crypto-Key-Id")


@pytest.mark.parametrize("response", [True, False, None])
async def test_what_comes_sealed_is_opened_whatever_the_flag_says(response: bool | None) -> None:
    _, reports = await called(SEALED, request=False, response=response)
    assert reports.one().outcome == "ok"


@pytest.mark.parametrize(
    ("response", "expected"),
    [(True, UnsealedError.__name__), (False, "ok"), (None, "ok")],
)
@pytest.mark.parametrize("body", [WELL, encoded(card_fields())], ids=["a code", "no code"])
async def test_a_success_in_clear_is_refused_where_answers_are_sealed(
    body: bytes, response: bool | None, expected: str
) -> None:
    _, reports = await called(body, request=True, response=response)
    assert reports.one().outcome == expected


def settings(**variables: str) -> Settings:
    return load_settings(
        {
            "KONAPLATE_BASE_URL": "http://upstream.test/open-api",
            "KONAPLATE_ASP_ID": "1" * 15,
            "KONAPLATE_ACCESS_KEY": IDENTITY.access_key.reveal(),
            "KONAPLATE_SECRET_KEY": IDENTITY.secret_key.reveal(),
            **KEYS,
            **variables,
        }
    )


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {"card_info": (True, True), "user_info": (True, True)}),
        (
            {"KONAPLATE_SEAL_REQUESTS": "-user_info", "KONAPLATE_SEAL_ANSWERS": "-card_info user_info"},
            {"card_info": (True, False), "user_info": (False, True)},
        ),
    ],
)
def test_settings_know_the_flags_better(variables: dict[str, str], expected: dict[str, tuple[bool, bool]]) -> None:
    endpoints = configured_endpoints(settings(**variables), [CARD_INFO, USER_INFO])
    assert {each.name: (each.seals_request, each.seals_response) for each in endpoints} == expected


def test_settings_may_seal_what_a_declaration_leaves_clear() -> None:
    clear = replace(CARD_INFO, seals_request=False, seals_response=False)
    (endpoint,) = configured_endpoints(settings(KONAPLATE_SEAL_REQUESTS="card_info"), [clear])
    assert (endpoint.seals_request, endpoint.seals_response) == (True, False)


@pytest.mark.parametrize("variable", ["KONAPLATE_SEAL_REQUESTS", "KONAPLATE_SEAL_ANSWERS"])
@pytest.mark.parametrize("words", ["cardinfo", "-nobody", "user_info,--card_info", "+card_info", "-"])
def test_an_endpoint_that_there_is_not_stops_the_start(variable: str, words: str) -> None:
    expected = [f"{variable}: must name endpoints: {', '.join(each.name for each in ENDPOINTS)}"]
    wrong = settings(**{variable: words})
    with pytest.raises(SettingsError) as caught:
        configured_endpoints(wrong)
    assert expected == caught.value.problems == start_problems(wrong)


async def test_the_guarded_client_calls_as_the_settings_say() -> None:
    upstream = Upstream(succeeded({"userInfo": member_fields()}))
    konaplate = build_konaplate(
        settings(KONAPLATE_SEAL_REQUESTS="-user_info", KONAPLATE_SEAL_ANSWERS="-user_info"),
        upstream,
        on_call=lambda _report: None,
        observer=GuardObserver(),
    )
    try:
        (member,) = konaplate.start(USER_INFO, [MEMBER], CallStats())
        assert (await member).user_id == MEMBER
    finally:
        await konaplate.aclose()
    assert ({"userId": int(MEMBER.reveal())}, False) == upstream.sent()
