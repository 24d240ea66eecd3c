"""The sandbox as an ASGI app with a route for each API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from graph.konaplate import protocol as wire
from graph.konaplate.encryption import Cipher, KeyPair, import_private_key, import_public_key
from graph.konaplate.endpoints import ENDPOINTS
from graph.sandbox.checks import Checks
from graph.sandbox.data import DATA, Table, table_of
from graph.sandbox.faults import Altered, Behaviour, Coded, Raw, RefusedCallError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

    from graph.konaplate.endpoint import Endpoint
    from graph.sandbox.credentials import SandboxCredentials

BASE_PATH: Final = "/open-api"
_SUCCESS: Final = {"code": "000_000", "description": "Success."}


def create_sandbox(
    credentials: SandboxCredentials,
    *,
    endpoints: Iterable[Endpoint[Any, Any]] = ENDPOINTS,
    data: Mapping[str, Table] = DATA,
    encrypted: bool = True,
) -> Starlette:
    """Create an emulator of Konaplate for one project.

    Args:
        credentials: the project's credentials and the keys of both sides.
        endpoints: the APIs to serve.
        data: a table for each endpoint, by name.
        encrypted: whether messages are encrypted as the endpoints declare; False for a private line.
    """
    cipher = _server_cipher(credentials) if encrypted else None
    inquiries = [
        Route(
            endpoint.path,
            _Inquiry(
                table_of(data, endpoint.name),
                credentials,
                opener=cipher if endpoint.seals_request else None,
                sealer=cipher if endpoint.seals_response else None,
            ).answer,
            methods=["POST"],
        )
        for endpoint in endpoints
    ]
    return Starlette(routes=[Mount(BASE_PATH, routes=inquiries), Route("/livez", _alive)])


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


class _Inquiry:
    def __init__(
        self, table: Table, credentials: SandboxCredentials, *, opener: Cipher | None, sealer: Cipher | None
    ) -> None:
        self._table = table
        self._checks = Checks(credentials, opener, names_key=bool(opener or sealer))
        self._sealer = sealer

    async def answer(self, request: Request) -> Response:
        """Check a call and answer it from the table."""
        try:
            fields = self._checks.clear_fields(request.headers, await request.body())
            behaviour, found = self._table.look_up(fields)
        except RefusedCallError as refused:
            behaviour, found = refused.answer, {}
        response = await self._act(behaviour, found)
        response.headers[wire.CORRELATION_ID] = request.headers.get(wire.CORRELATION_ID, "")[:64]
        return response

    async def _act(self, behaviour: Behaviour, found: Mapping[str, Any]) -> Response:
        match behaviour:
            case Coded(code, description, status, place, sealed):
                coded = {"code": code, "description": description}
                body: dict[str, Any] = {"response": coded} if place == "response" else {place: code}
                return self._json(body, status, sealed=sealed)
            case Raw(status, content, content_type, headers):
                return Response(content, status, dict(headers), content_type)
            case Altered(changes, without, coded_answer, delay, tampered):
                await asyncio.sleep(delay)
                fields = {name: value for name, value in {**found, **changes}.items() if name not in without}
                if coded_answer:
                    fields["response"] = _SUCCESS
                return self._json(fields, 200, tampered=tampered)

    def _json(
        self, fields: dict[str, Any], status: int, *, sealed: bool = True, tampered: bool = False
    ) -> Response:
        content = msgspec.json.encode(fields)
        headers = {}
        if sealed and self._sealer is not None:
            content = self._sealer.seal(content)
            headers[wire.CRYPTO_KEY_ID] = self._sealer.key_id
        if tampered:
            # Characters of an envelope's authentication tag, or the end of plain JSON.
            content = content[:-6] + (b"AAAA" if content[-6:-2] != b"AAAA" else b"BBBB") + content[-2:]
        return Response(content, status, headers, "application/json")


def _server_cipher(credentials: SandboxCredentials) -> Cipher:
    return Cipher(
        [
            KeyPair(
                credentials.crypto_key_id,
                seal_with=import_public_key(credentials.client_public_key.reveal()),
                open_with=import_private_key(credentials.server_private_key.reveal()),
            )
        ]
    )
