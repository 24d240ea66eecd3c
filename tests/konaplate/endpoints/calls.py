"""One call of an endpoint over a transport that gives one answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import httpx

from graph.konaplate import protocol as wire
from graph.konaplate.encryption import Cipher
from graph.konaplate.endpoint import by_name
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.errors import InvalidFieldError
from graph.konaplate.record import Record, record_fields
from tests.independent import jwe
from tests.konaplate.support import IDENTITY, Reports, connected, encoded, pair, pem

if TYPE_CHECKING:
    from graph.konaplate.client import CallReport
    from graph.konaplate.endpoint import Endpoint

ENDPOINT: Final = by_name(ENDPOINTS)
OK: Final = {"response": {"code": "000_000", "description": "Success"}}
NOW: Final = 1_741_230_000_042


def sealed(body: bytes, algorithm: str = "A128GCM") -> bytes:
    """The envelope of an answer."""
    return encoded({"encData": jwe.seal(body, pem("client", private=False), algorithm)})


class Upstream(httpx.AsyncBaseTransport):
    """Gives one answer, and keeps what was asked."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self._body = body
        self._status = status
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        return httpx.Response(self._status, stream=httpx.ByteStream(self._body))

    def sent(self) -> tuple[bytes, bool]:
        """The clear body of the only request, and whether it was sealed; the token must sign the bytes sent."""
        (request,) = self.requests
        time = request.headers[wire.TRAN_TOKEN].split(":")[1]
        assert request.headers[wire.TRAN_TOKEN] == wire.tran_token(IDENTITY.secret_key, time, request.content)
        envelope = json.loads(request.content)
        if "encData" not in envelope:
            return request.content, False
        assert envelope.keys() == {"encData"}
        return jwe.unseal(envelope["encData"], pem("server", private=True), "A128GCM"), True


class Call:
    """A call, made by `of`."""

    upstream: Upstream
    answer: Any = None
    """The record, or for a batch the records by key; or the error."""
    report: CallReport

    @classmethod
    async def of(
        cls,
        name: str,
        key: Any,
        body: bytes = b"",
        status: int = 200,
        *,
        encrypted: bool = True,
        endpoints: tuple[Endpoint[Any, Any], ...] = ENDPOINTS,
    ) -> Call:
        """Call an endpoint."""
        call, reports = cls(), Reports()
        call.upstream = Upstream(body, status)
        async with connected(
            call.upstream,
            cipher=Cipher([pair()]) if encrypted else None,
            endpoints=endpoints,
            on_call=reports.append,
            clock_ms=lambda: NOW,
        ) as client:
            try:
                call.answer = await client.fetch(ENDPOINT[name], key)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
                call.answer = error
        call.report = reports.one()
        return call


async def read(name: str, key: Any, fields: dict[str, Any]) -> Any:
    """What an endpoint makes of an answer's fields."""
    body = encoded({**fields, **OK})
    return (await Call.of(name, key, sealed(body))).answer


def faults(value: object) -> list[str]:
    """The names of the fields that failed, here and further in."""
    if isinstance(value, InvalidFieldError):
        return [value.field]
    inner: list[Any] = list(value) if isinstance(value, list) else []
    if isinstance(value, dict):
        inner = list(value.values())
    if isinstance(value, Record):
        inner = [getattr(value, each.name) for each in record_fields(type(value))]
    return [name for each in inner for name in faults(each)]
