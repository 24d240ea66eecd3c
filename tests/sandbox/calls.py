"""Calls of the sandbox by a client that shares no code with it."""

from __future__ import annotations

import functools
import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

import httpx

from graph.sandbox.app import create_sandbox
from graph.sandbox.credentials import SandboxCredentials
from schema.secrets import Credential
from tests.independent.jwe import unseal
from tests.independent.raw_client import Draft, envelope, keys, sealed
from tests.independent.rules import CARD_PATH, MEMBER_PATH

API: Final = {
    "card/info": (CARD_PATH, True),
    "user/info": (MEMBER_PATH, True),
    "card/list": ("/open-api/api/v1/user/card/list", False),
    "transaction/card": ("/open-api/api/v1/transaction/card", False),
    "virtual-account/inquiry": ("/open-api/api/v1/card/virtual-account/inquiry", True),
    "cards/deduction": ("/open-api/api/v1/cards/deduction", True),
    "service/info/list": ("/open-api/api/v1/service/info/list", False),
    "terms/all": ("/open-api/api/v1/user/terms/all", False),
    "deduction/info": ("/open-api/api/v1/user/deduction/info", True),
}
"""The path of each API, and whether its requests are encrypted."""

if TYPE_CHECKING:
    from starlette.applications import Starlette


def credentials() -> SandboxCredentials:
    """The independent client's credentials in the sandbox's form."""
    known = keys()
    return SandboxCredentials(
        asp_id=known.asp_id,
        access_key=Credential(known.access_key),
        secret_key=Credential(known.secret_key),
        crypto_key_id=known.crypto_key_id,
        server_public_key=Credential(known.server_public_key_pem),
        server_private_key=Credential(known.server_private_key_pem or ""),
        client_public_key=Credential(known.client_public_key_pem),
        client_private_key=Credential(known.client_private_key_pem),
    )


KST: Final = timezone(timedelta(hours=9))
NOW: Final = datetime(2026, 11, 27, 15, 30, 45, tzinfo=KST)
"""The time in the sandboxes of these tests."""


@functools.cache
def sandbox(*, encrypted: bool) -> Starlette:
    """One sandbox for all tests; `new_sandbox` for those that count its calls."""
    return new_sandbox(encrypted=encrypted)


def new_sandbox(*, encrypted: bool = True) -> Starlette:
    """A sandbox that nobody has called."""
    return create_sandbox(credentials(), encrypted=encrypted, clock=NOW.timestamp)


def asking(clear: Any, path: str = CARD_PATH, *, zone: str = "KST") -> Draft:
    """A correct sealed call with this clear request, which is text or becomes JSON."""
    text = clear if isinstance(clear, str) else json.dumps(clear)
    return Draft(envelope(sealed(text.encode())), path, zone=zone)


async def ask(api: str, clear: Any, *, to: Starlette | None = None) -> httpx.Response:
    """Call an API of the vendor's, by the last parts of its path, as its page says."""
    path, seals = API[api]
    draft = asking(clear, path) if seals else Draft(json.dumps(clear).encode(), path)
    return await send(draft, to=to)


async def answered(api: str, clear: Any, *, to: Starlette | None = None) -> dict[str, Any]:
    """The clear fields of a successful answer, without its code."""
    response = await ask(api, clear, to=to)
    fields = opened(response) if "X-KM-Crypto-Key-Id" in response.headers else response.json()
    assert (response.status_code, fields.pop("response")) == (200, {"code": "000_000", "description": "Success."})
    return fields


def asking_for_card(number: str) -> Draft:
    """A correct sealed Card-User Mapped Inquiry."""
    return asking({"cardNo": number})


def asking_for_member(user_id: int) -> Draft:
    """A correct sealed Search for Member Information."""
    return asking({"userId": user_id}, MEMBER_PATH)


async def send(draft: Draft, *, encrypted: bool = True, to: Starlette | None = None) -> httpx.Response:
    """Send the draft's headers and body unchanged."""
    request = httpx.Request(
        draft.method,
        f"http://127.0.0.1{draft.path}",
        headers=[(name.encode(), value.encode("latin-1")) for name, value in draft.headers if name != "Host"],
        content=draft.body,
    )
    response = await httpx.ASGITransport(to or sandbox(encrypted=encrypted)).handle_async_request(request)
    await response.aread()
    return response


def opened(response: httpx.Response) -> dict[str, Any]:
    """The clear JSON of a sealed response, opened without the code under test."""
    body = response.json()
    assert list(body) == ["encData"]
    clear: dict[str, Any] = json.loads(unseal(body["encData"], keys().client_private_key_pem, "A128GCM"))
    return clear


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    """Status, code and description of a response that must be a plain error."""
    body = response.json()
    assert list(body) == ["response"]
    return response.status_code, body["response"]["code"], body["response"]["description"]
