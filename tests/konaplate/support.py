"""Shared by the tests of the Konaplate client: throw-away keys, a client, responses, and a search for leaks."""

from __future__ import annotations

import functools
import json
import ssl
import traceback
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx
from hypothesis import settings

from graph.konaplate import protocol as wire
from graph.konaplate.client import KonaplateClient
from graph.konaplate.encryption import Cipher, KeyPair, import_private_key, import_public_key
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.errors import CallDetails
from graph.konaplate.record import record_fields
from graph.konaplate.send import Limits
from graph.konaplate.transport.lean import LeanTransport
from graph.konaplate.transport.pool import PoolLimits
from schema.secrets import CardNo, Credential, MemberId
from tests.tools import ROOT, examples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from graph.konaplate.client import CallReport
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.record import Record

deterministic: Final = settings(max_examples=examples(200))
"""The same examples in every run, so that failures are reproducible."""

CARD: Final = CardNo("9491339400001234")
USER_ID: Final = 9_223_372_036_854_775_808
MEMBER: Final = MemberId(str(USER_ID))
ASP_ID: Final = "000000000000001"
ACCESS_KEY: Final = "access-key-canary-0123456789abcdefghijkl"
SECRET_KEY: Final = "secret-key-canary/+=0123456789"
KEY_ID: Final = "crypto-key-id-0123456789abcdefgh"
CORRELATION_ID: Final = "250306120000-0123abc"
DETAILS: Final = CallDetails(CORRELATION_ID, 200, "000_000")
IDENTITY: Final = wire.Identity(ASP_ID, Credential(ACCESS_KEY), Credential(SECRET_KEY), wire.Zone.KST)
BASE_URL: Final = "http://upstream.test/open-api"

CI: Final = "ci-canary-" + "0123456789" * 7 + "abcdefgh"
_CASH_RECEIPT: Final = {"approvalDiv": "0", "idNo": "01098765432", "manYn": "1"}
_CARD: Final = {
    "userId": USER_ID,
    "balance": 9_999_999_999,
    "serviceId": "100000000000001",
    "serviceName": "지역 카드",
    "ownerKa": "200000000000002",
    "cashReceiptInfo": _CASH_RECEIPT,
    "cardStatus": "ACTIVE",
    "isAutoRechargeBeforePayment": True,
}
_ADDRESS: Final = {"address": "서울 강남대로 1-canary", "zipCode": "06236-canary", "addressDetail": "카나리아 7층"}
_MEMBER: Final = {
    "aspId": ASP_ID,
    "userId": USER_ID,
    "birthDate": "19871231",
    "ci": CI,
    "loginId": "login-canary@example.com",
    "nationality": "Korean",
    "gender": "Female",
    "mobileNumber": "01012345678",
    "userName": "홍카나리",
    "email": "mail-canary@example.com",
    "joinChannel": "APP",
    "addressInfo": _ADDRESS,
}

CANARIES: Final = frozenset(
    {
        CARD.reveal(),
        str(USER_ID),
        ACCESS_KEY,
        SECRET_KEY,
        CI,
        _CASH_RECEIPT["idNo"],
        *_ADDRESS.values(),
        *(str(_MEMBER[name]) for name in ("birthDate", "loginId", "mobileNumber", "userName", "email")),
    }
)
"""Every secret and every piece of personal data that the tests use."""


def card_fields(**changes: object) -> dict[str, Any]:
    """The business fields of one valid card."""
    return {**_CARD, **changes}


def member_fields(**changes: object) -> dict[str, Any]:
    """`userInfo` of one valid member."""
    return {**_MEMBER, **changes}


def as_sent(record: Record) -> dict[str, Any]:
    """The attributes of a record under Konaplate's names."""
    return {field.wire: getattr(record, field.name) for field in record_fields(type(record))}


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def succeeded(fields: dict[str, Any]) -> bytes:
    """The clear body of a successful response."""
    return encoded({**fields, "response": {"code": "000_000", "description": "Success"}})


def encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@functools.cache
def vectors(name: str) -> Any:
    """One of the files of golden vectors."""
    return json.loads((ROOT / "tests" / "vectors" / name).read_text("utf-8"))


def pem(owner: str, *, private: bool) -> str:
    """A throw-away key: of the `server`, the `client`, or the client's second one, `client2`."""
    text: str = vectors("jwe.json")["keys"][owner]["private_pem" if private else "public_pem"]
    return text


@functools.cache
def private_key(owner: str) -> RSAPrivateKey:
    """A throw-away key, read once: checking a private key takes a while."""
    return import_private_key(pem(owner, private=True))


def pair(key_id: str = KEY_ID, *, opens: str = "client") -> KeyPair:
    """The gateway's side of one key id."""
    return KeyPair(key_id, import_public_key(pem("server", private=False)), private_key(opens))


def httpx_network(limits: Limits, connections: int = 64) -> httpx.AsyncBaseTransport:
    """Httpx's own transport. Its times come with each request."""
    del limits
    return httpx.AsyncHTTPTransport(trust_env=False, limits=httpx.Limits(max_connections=connections))


def lean_network(limits: Limits, connections: int = 64) -> httpx.AsyncBaseTransport:
    """The gateway's own transport."""
    return LeanTransport(
        PoolLimits(connections=connections, response_bytes=limits.response_bytes),
        ssl.create_default_context(),
    )


NETWORKS: Final = {"lean": lean_network, "httpx": httpx_network}

# The default transport of tests: see `each_network` in `conftest.py`.
network: Callable[..., httpx.AsyncBaseTransport] = lean_network


@asynccontextmanager
async def connected(
    transport: httpx.AsyncBaseTransport | None = None,
    *,
    base_url: str = BASE_URL,
    identity: wire.Identity = IDENTITY,
    cipher: Cipher | None = None,
    start: int = 0,
    endpoints: Iterable[Endpoint[Any, Any]] = ENDPOINTS,
    **options: Any,
) -> AsyncIterator[KonaplateClient]:
    """A client over the given transport or the network; unencrypted unless there is a cipher."""
    client = KonaplateClient(
        base_url,
        identity,
        cipher,
        transport or network(options.get("limits") or Limits()),
        wire.CorrelationIds(start),
        endpoints=endpoints,
        **options,
    )
    try:
        yield client
    finally:
        await client.aclose()


def answering(
    body: bytes, status: int = 200, headers: Sequence[tuple[str, str]] = ()
) -> Callable[[httpx.Request], httpx.Response]:
    """A transport's handler that gives one response to every request."""
    # A stream, because the content of a ready-made response counts as read.
    return lambda _request: httpx.Response(status, headers=list(headers), stream=httpx.ByteStream(body))


def leaks(*shown: object) -> list[str]:
    """The canaries in something's text, representation or traceback."""
    text = "\n".join(part for value in shown for part in _texts(value))
    return sorted(canary for canary in CANARIES if canary in text)


def _texts(value: object) -> Iterable[str]:
    yield from (str(value), repr(value), f"{value}")
    if isinstance(value, BaseException):
        yield from traceback.format_exception(value)


class Reports(list["CallReport"]):
    """The reports of a client's calls."""

    def one(self) -> CallReport:
        (report,) = self
        return report
