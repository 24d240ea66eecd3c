"""The sandbox as an ASGI app with a route for each API."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from graph.konaplate import protocol as wire
from graph.konaplate.encryption import Cipher, KeyPair, import_private_key, import_public_key
from graph.konaplate.endpoints import ENDPOINTS
from graph.sandbox.checks import Checks
from graph.sandbox.data import DATA, table_of
from graph.sandbox.faults import Altered, Behaviour, Coded, Raw, RefusedCallError
from graph.sandbox.inquiries import SandboxState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.requests import Request

    from graph.konaplate.endpoint import Endpoint
    from graph.sandbox.credentials import SandboxCredentials
    from graph.sandbox.table import Table

BASE_PATH: Final = "/open-api"
_LOGGER: Final = logging.getLogger("konagraph.sandbox")
_SUCCESS: Final = {"code": "000_000", "description": "Success."}


def create_sandbox(
    credentials: SandboxCredentials,
    *,
    endpoints: Iterable[Endpoint[Any, Any]] = ENDPOINTS,
    data: Mapping[str, Table] = DATA,
    encrypted: bool = True,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Create an emulator of Konaplate for one project.

    Args:
        credentials: the project's credentials and the keys of both sides.
        endpoints: the APIs to serve.
        data: a table for each endpoint, by name.
        encrypted: whether messages are encrypted as the endpoints declare; False for a private line.
        clock: seconds since 1970; the newest transactions are as old as it says.
    """
    state = SandboxState(clock)
    cipher = _server_cipher(credentials) if encrypted else None
    inquiries = [
        Route(
            endpoint.path,
            _Inquiry(table_of(data, endpoint.name), state, credentials, cipher, endpoint).answer,
            methods=["POST"],
        )
        for endpoint in endpoints
    ]
    return Starlette(routes=[Mount(BASE_PATH, routes=inquiries), Route("/livez", _alive)])


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


class _Inquiry:
    def __init__(
        self,
        table: Table,
        state: SandboxState,
        credentials: SandboxCredentials,
        cipher: Cipher | None,
        endpoint: Endpoint[Any, Any],
    ) -> None:
        self._table = table
        self._path = endpoint.path
        self._state = state
        self._cipher = cipher
        # Where nobody knows, in clear.
        self._seals = bool(endpoint.seals_response)
        opener = cipher if endpoint.seals_request else None
        names_key = cipher is not None and (endpoint.seals_request or self._seals)
        self._checks = Checks(credentials, opener, names_key=names_key)

    async def answer(self, request: Request) -> Response:
        """Check a call and answer it from the table."""
        try:
            fields = self._checks.clear_fields(request.headers, await request.body())
            behaviour, found = self._table.look_up(fields, self._state)
        except RefusedCallError as refused:
            self._log(refused.answer)
            behaviour, found = refused.answer, {}
        response = await self._act(behaviour, found)
        response.headers[wire.CORRELATION_ID] = request.headers.get(wire.CORRELATION_ID, "")[:64]
        return response

    def _log(self, refusal: Coded) -> None:
        """Say why a call is refused: the gateway shows and logs only the code. Holds no word of the request."""
        about = {"api": self._path, "code": refusal.code, "reason": refusal.description}
        fields = {"key": self._table.key, "others": list(self._table.others or ())}
        _LOGGER.info("the sandbox refused a call", extra={**about, **fields})

    async def _act(self, behaviour: Behaviour, found: Mapping[str, Any]) -> Response:
        match behaviour:
            case Coded(code, description, status, place, sealed):
                coded = {"code": code, "description": description}
                body: dict[str, Any] = {"response": coded} if place == "response" else {place: code}
                return self._json(body, status, sealed=sealed and self._seals)
            case Raw(status, content, content_type, headers):
                return Response(content, status, dict(headers), content_type)
            case Altered():
                await asyncio.sleep(behaviour.delay)
                fields = behaviour.fields(found)
                if behaviour.coded:
                    fields["response"] = _SUCCESS
                sealed = self._seals != behaviour.other_form
                return self._json(fields, 200, sealed=sealed, tampered=behaviour.tampered)

    def _json(self, fields: dict[str, Any], status: int, *, sealed: bool, tampered: bool = False) -> Response:
        content = msgspec.json.encode(fields)
        headers = {}
        if sealed and self._cipher is not None:
            content = self._cipher.seal(content)
            headers[wire.CRYPTO_KEY_ID] = self._cipher.key_id
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
