"""The sandbox as an ASGI app: the two inquiry APIs under `/open-api`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from graph.konaplate import protocol as wire
from graph.konaplate.encryption import Cipher, KeyPair, import_key
from graph.sandbox import checks
from graph.sandbox.faults import FAULTS, MEMBER_FAULTS, Altered, Behaviour, Coded, Raw, Tampered
from graph.sandbox.ledger import CARDS, FIRST_CARD, MEMBERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from graph.sandbox.credentials import SandboxCredentials

BASE_PATH: Final = "/open-api"
_SUCCESS: Final = {"code": "000_000", "description": "Success."}
_NO_CARD: Final = Coded("003_001", "Invalid card info.")
_NO_MEMBER: Final = Coded("001_006", "Wallet user not found.")


def create_sandbox(credentials: SandboxCredentials, *, encrypted: bool = True) -> Starlette:
    """An emulator of Konaplate for one project.

    Args:
        credentials: who may call, and the keys of both sides.
        encrypted: whether requests must be, and answers are, encrypted, as the documentation has it.
    """
    sandbox = _Sandbox(credentials, encrypted=encrypted)
    inquiries = [
        Route(wire.CARD_INFO_PATH, sandbox.card_info, methods=["POST"]),
        Route(wire.USER_INFO_PATH, sandbox.user_info, methods=["POST"]),
    ]
    return Starlette(routes=[Mount(BASE_PATH, routes=inquiries), Route("/livez", _alive)])


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


class _Sandbox:
    def __init__(self, credentials: SandboxCredentials, *, encrypted: bool) -> None:
        self._key_id = credentials.crypto_key_id
        self._cipher = _server_cipher(credentials) if encrypted else None
        self._checks = checks.Checks(credentials, self._cipher)

    async def card_info(self, request: Request) -> Response:
        """Card-User Mapped Inquiry."""
        return await self._answer(request, self._card)

    async def user_info(self, request: Request) -> Response:
        """Search for Member Information."""
        return await self._answer(request, self._member)

    async def _answer(
        self, request: Request, look_up: Callable[[dict[str, Any]], tuple[Behaviour, dict[str, Any]]]
    ) -> Response:
        try:
            fields = self._checks.clear_fields(request.headers, await request.body())
            behaviour, found = look_up(fields)
        except checks.RefusedError as refused:
            behaviour, found = Coded(refused.code, refused.description, refused.status), {}
        response = await self._act(behaviour, found)
        response.headers[wire.CORRELATION_ID] = request.headers.get(wire.CORRELATION_ID, "")[:64]
        return response

    def _card(self, fields: dict[str, Any]) -> tuple[Behaviour, dict[str, Any]]:
        number = checks.card_no(fields)
        if number in FAULTS:
            return FAULTS[number].behaviour, dict(CARDS[FIRST_CARD].fields)
        if number in CARDS:
            return Altered(), dict(CARDS[number].fields)
        return _NO_CARD, {}

    def _member(self, fields: dict[str, Any]) -> tuple[Behaviour, dict[str, Any]]:
        user_id = checks.user_id(fields)
        if user_id in MEMBER_FAULTS:
            return MEMBER_FAULTS[user_id], {}
        if user_id in MEMBERS:
            return Altered(), {"userInfo": dict(MEMBERS[user_id])}
        return _NO_MEMBER, {}

    async def _act(self, behaviour: Behaviour, found: dict[str, Any]) -> Response:
        match behaviour:
            case Coded(code, description, status, place, sealed):
                coded = {"code": code, "description": description}
                body: dict[str, Any] = {"response": coded} if place == "response" else {place: code}
                return self._json(body, status, sealed=sealed)
            case Raw(status, content, content_type, headers):
                return Response(content, status, dict(headers), content_type)
            case Tampered():
                return self._json({**found, "response": _SUCCESS}, 200, sealed=True, tampered=True)
            case Altered(changes, without, coded_answer, delay):
                await asyncio.sleep(delay)
                fields = {name: value for name, value in {**found, **changes}.items() if name not in without}
                if coded_answer:
                    fields["response"] = _SUCCESS
                return self._json(fields, 200, sealed=True)

    def _json(self, fields: dict[str, Any], status: int, *, sealed: bool, tampered: bool = False) -> Response:
        content = msgspec.json.encode(fields)
        headers = {}
        if sealed and self._cipher is not None:
            content = self._cipher.seal(content)
            headers[wire.CRYPTO_KEY_ID] = self._key_id
        if tampered:
            # Of an envelope these are characters of the authentication tag; of plain JSON, its end.
            content = content[:-6] + (b"AAAA" if content[-6:-2] != b"AAAA" else b"BBBB") + content[-2:]
        return Response(content, status, headers, "application/json")


def _server_cipher(credentials: SandboxCredentials) -> Cipher:
    return Cipher(
        [
            KeyPair(
                credentials.crypto_key_id,
                seal_with=import_key(credentials.client_public_key.reveal(), private=False),
                open_with=import_key(credentials.server_private_key.reveal(), private=True),
            )
        ]
    )
