"""A fake Konaplate Open API on a real loopback socket that refuses every deviation from the wire facts."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from .credentials import Credentials
from .http1 import HttpError, Request, read_request, render_response
from .inquiries import INQUIRIES, Bank, RefusalError
from .jwe import KEY_BYTES, JweError, seal, unseal
from .rules import (
    CARD_PATH,
    CORRELATION_ID,
    CRYPTO_KEY_ID,
    MEMBER_PATH,
    BodyError,
    HeaderInspection,
    check_payload,
    parse_object,
    read_envelope,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["CARD_PATH", "MEMBER_PATH", "Call", "Credentials", "IndependentKonaplate"]

_REQUEST_ENCRYPTION = "A128GCM"
_SETTLING_TURNS = 10


@dataclass(frozen=True)
class Call:
    """One accepted call: its full path and the clear request."""

    path: str
    payload: dict[str, Any] = field(repr=False)


class IndependentKonaplate:
    """The upstream as an async context manager; fill `cards` and `members`, then read `violations`."""

    def __init__(
        self,
        *,
        encrypted: bool = True,
        content_encryption: str = "A128GCM",
        answer_key_id: bool = True,
        seals_unknown: bool = False,
        reshape: Callable[[dict[str, Any]], dict[str, Any]] = dict,
        credentials: Credentials | None = None,
    ) -> None:
        """`encrypted` shapes both directions, everything else the answers.

        `seals_unknown`: whether answers are encrypted where no page says so. `reshape` changes their fields.
        """
        if content_encryption not in KEY_BYTES:
            raise ValueError(f"content_encryption: not one of {', '.join(KEY_BYTES)}")
        self.credentials = credentials or Credentials.generate()
        if encrypted and self.credentials.server_private_key_pem is None:
            raise ValueError("an encrypted upstream needs server_private_key_pem")
        self.violations: list[str] = []
        self.correlation_ids: list[str] = []
        self.calls: list[Call] = []
        self.cards: dict[str, dict[str, Any]] = {}
        self.members: dict[int, dict[str, Any]] = {}
        self.bank = Bank()
        self._encrypted = encrypted
        self._content_encryption = content_encryption
        self._answer_key_id = answer_key_id
        self._seals_unknown = seals_unknown
        self._reshape = reshape
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def base_url(self) -> str:
        """The base URL to configure in the client, without a trailing slash."""
        if self._server is None:
            raise RuntimeError("the upstream is not running")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/open-api"

    async def __aenter__(self) -> Self:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the listener and every connection, and wait for their tasks."""
        server, self._server = self._server, None
        # asyncio fails on a connection that is half accepted when its server closes: let those through
        # first, for `_connected` to refuse.
        for _ in range(_SETTLING_TURNS):
            await asyncio.sleep(0)
        if server is not None:
            server.close()
        tasks = list(self._connections)
        for task, writer in self._connections.items():
            writer.transport.abort()
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        if server is not None:
            await server.wait_closed()
        failure = next((result for result in results if isinstance(result, Exception)), None)
        if failure is not None and error is None:
            raise failure

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            writer.transport.abort()  # accepted while closing
            return
        # A plain callback that makes its own task: no task exists that `__aexit__` does not know.
        # Ended tasks stay listed, so that an error in the fake itself surfaces at exit.
        self._connections[asyncio.ensure_future(self._serve(reader, writer))] = writer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                keep = True
                while keep:
                    answer, keep = await self._exchange(reader)
                    writer.write(answer)
                    await writer.drain()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader) -> tuple[bytes, bool]:
        """Read one request; returns its response, and whether the connection stays open."""
        try:
            request = await read_request(reader)
        except HttpError as error:
            self.violations.append(str(error))
            return render_response(400, [], _error("010_001", str(error)), keep=False), False
        if request is None:
            return b"", False
        status, headers, body = self._answer(request)
        echo = request.values(CORRELATION_ID)
        if len(echo) == 1:
            headers.append((CORRELATION_ID, echo[0]))
        return render_response(status, headers, body, keep=request.keep_alive), request.keep_alive

    def _answer(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        """Check one request; returns status, extra headers and body of the response."""
        found, payload = self._inspect(request)
        if found:
            self.violations.extend(found)
            return 400, [], _error("010_001", found[0])
        self.calls.append(Call(request.target, payload))
        try:
            fields = self._reshape(self._look_up(request.target, payload))
        except RefusalError as refusal:
            return refusal.status, [], _error(refusal.code, refusal.description)
        body = _json({**fields, "response": {"code": "000_000", "description": "Success"}})
        if not self._seals_answer(request.target):
            return 200, [], body
        sealed = seal(body, self.credentials.client_public_key_pem, self._content_encryption)
        key_id = [(CRYPTO_KEY_ID, self.credentials.crypto_key_id)] if self._answer_key_id else []
        return 200, key_id, _json({"encData": sealed})

    def _seals_answer(self, path: str) -> bool:
        inquiry = INQUIRIES.get(path)
        flag = True if inquiry is None else inquiry.seals_answer
        return self._encrypted and (self._seals_unknown if flag is None else flag)

    def _inspect(self, request: Request) -> tuple[list[str], dict[str, Any]]:
        """Every rule the request breaks, and its clear payload."""
        found: list[str] = []
        if request.method != "POST":
            found.append("method: not POST")
        inquiry = INQUIRIES.get(request.target)
        if inquiry is None and request.target not in (CARD_PATH, MEMBER_PATH):
            found.append("path: not a known API")
        key_id = True if inquiry is None else inquiry.key_id
        headers = HeaderInspection(request, self.credentials, encrypted=self._encrypted and key_id)
        found += headers.found
        sent_ids = request.values(CORRELATION_ID)
        if headers.correlation_id is not None and headers.correlation_id in self.correlation_ids:
            found.append(f"{CORRELATION_ID}: used by an earlier call")
        self.correlation_ids += sent_ids
        payload: dict[str, Any] = {}
        try:
            sealed = self._encrypted and (inquiry is None or inquiry.seals_request)
            payload = parse_object(self._clear(request.body) if sealed else request.body, "payload")
            if inquiry is None:
                check_payload(request.target, payload)
            else:
                inquiry.check(payload)
        except (BodyError, JweError) as error:
            found.append(str(error))
        return found, payload

    def _clear(self, body: bytes) -> bytes:
        private_pem = self.credentials.server_private_key_pem
        assert private_pem is not None
        return unseal(read_envelope(body), private_pem, _REQUEST_ENCRYPTION)

    def _look_up(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The business fields."""
        if path in INQUIRIES:
            return self.bank.answer(path, payload)
        if path == CARD_PATH:
            card = self.cards.get(payload["cardNo"])
            if card is None:
                raise RefusalError("003_001", "Invalid card info.")
            return card
        member = self.members.get(payload["userId"])
        if member is None:
            raise RefusalError("001_006", "Wallet user not found.")
        return {"userInfo": member}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _error(code: str, description: str) -> bytes:
    return _json({"response": {"code": code, "description": description}})
