"""Calls of the sandbox by a client that shares no code with it."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import httpx

from graph.sandbox.app import create_sandbox
from graph.sandbox.credentials import SandboxCredentials
from schema.secrets import Credential
from tests.independent.jwe import unseal
from tests.independent.raw_client import Draft, envelope, keys, sealed
from tests.independent.rules import CARD_PATH, MEMBER_PATH

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


@functools.cache
def sandbox(*, encrypted: bool) -> Starlette:
    """One sandbox for all tests, because it keeps no state between calls."""
    return create_sandbox(credentials(), encrypted=encrypted)


def asking(clear: Any, path: str = CARD_PATH, *, zone: str = "KST") -> Draft:
    """A correct sealed call with this clear request, which is text or becomes JSON."""
    text = clear if isinstance(clear, str) else json.dumps(clear)
    return Draft(envelope(sealed(text.encode())), path, zone=zone)


def asking_for_card(number: str) -> Draft:
    """A correct sealed Card-User Mapped Inquiry."""
    return asking({"cardNo": number})


def asking_for_member(user_id: int) -> Draft:
    """A correct sealed Search for Member Information."""
    return asking({"userId": user_id}, MEMBER_PATH)


async def send(draft: Draft, *, encrypted: bool = True) -> httpx.Response:
    """Send the draft's headers and body unchanged."""
    request = httpx.Request(
        draft.method,
        f"http://127.0.0.1{draft.path}",
        headers=[(name.encode(), value.encode("latin-1")) for name, value in draft.headers if name != "Host"],
        content=draft.body,
    )
    response = await httpx.ASGITransport(sandbox(encrypted=encrypted)).handle_async_request(request)
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
