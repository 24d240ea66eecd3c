"""What one would write by hand without GraphQL: a Starlette endpoint that makes the same signed upstream calls.

It reads the same request body and gives the same answer, byte for byte, but knows neither queries nor deadlines,
limits, masking or errors.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import importlib
import itertools
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx
import orjson
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from starlette.requests import Request

CARD_ROUTE: Final = "/card"
PROFILE_ROUTE: Final = "/card-with-profile"

_CARD_PATH: Final = "/api/v1/user/card/info"
_MEMBER_PATH: Final = "/api/v1/user/info"
_SECRET_KEY: Final = b"benchmark-secret-key"
_KST: Final = timezone(timedelta(hours=9))
_STATUS: Final = {"ACTIVE": "ACTIVE", "SUSPENDED": "SUSPENDED", "TERMINATED": "TERMINATED"}
_DIVISION: Final = {"0": "INCOME_DEDUCTION", "1": "EXPENSE_PROOF"}
_ENTRY: Final = {"0": "CARD_NUMBER", "1": "MANUAL"}


class Post(Protocol):
    """Sends one POST request and returns the body of the answer."""

    async def __call__(self, path: str, content: bytes, headers: dict[str, str]) -> bytes:
        """Send it; `path` is relative to the vendor's base URL."""
        ...


@contextlib.asynccontextmanager
async def httpx_client(base_url: str) -> AsyncIterator[Post]:
    """Send with httpx and its default transport and limits."""
    async with httpx.AsyncClient(trust_env=False) as client:

        async def post(path: str, content: bytes, headers: dict[str, str]) -> bytes:
            response = await client.post(base_url + path, content=content, headers=headers)
            response.raise_for_status()
            return response.content

        yield post


@contextlib.asynccontextmanager
async def aiohttp_client(base_url: str) -> AsyncIterator[Post]:
    """Send with aiohttp, which is no dependency of the project."""
    aiohttp: Any = importlib.import_module("aiohttp")
    # More than its default of 100, for more requests than that at once.
    connector = aiohttp.TCPConnector(limit=256)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def post(path: str, content: bytes, headers: dict[str, str]) -> bytes:
            async with session.post(base_url + path, data=content, headers=headers) as response:
                response.raise_for_status()
                body: bytes = await response.read()
                return body

        yield post


class Konaplate:
    """The two calls, signed."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._numbers = itertools.count()

    async def card(self, card_no: str) -> dict[str, Any]:
        """Card-User Mapped Inquiry."""
        return await self._call(_CARD_PATH, {"cardNo": card_no})

    async def member(self, user_id: int) -> dict[str, Any]:
        """Search for Member Information."""
        answer = await self._call(_MEMBER_PATH, {"userId": user_id})
        profile: dict[str, Any] = answer["userInfo"]
        return profile

    async def _call(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        content = orjson.dumps(payload)
        answer: dict[str, Any] = orjson.loads(await self._post(path, content, self._headers(content)))
        if answer["response"]["code"] != "000_000":
            raise ValueError("the upstream refused the call")
        return answer

    def _headers(self, content: bytes) -> dict[str, str]:
        now = datetime.now(UTC).astimezone(_KST)
        time = now.strftime("%Y%m%d%H%M%S")
        token_time = f"{time}{now.microsecond // 1000:03d}"
        digest = base64.b64encode(hmac.digest(_SECRET_KEY, content, hashlib.sha256)).decode("ascii")
        return {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "X-KM-User-AspId": "100000000000002",
            "X-KM-Correlation-Id": f"{time[2:]}-{next(self._numbers) % (1 << 28):07x}",
            "X-KM-Access-Key": "a" * 40,
            "X-KM-Tran-Token": f"KMV1:{token_time}:{digest}",
            "X-KM-Tran-Time": time,
            "X-KM-Time-Zone": "KST",
        }


def create_app(base_url: str, client: Callable[[str], AbstractAsyncContextManager[Post]]) -> Starlette:
    """The endpoint over a client of one's choice."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with client(base_url) as post:
            app.state.konaplate = Konaplate(post)
            yield

    async def card(request: Request) -> Response:
        return await _answer(request, with_profile=False)

    async def card_with_profile(request: Request) -> Response:
        return await _answer(request, with_profile=True)

    return Starlette(
        routes=[
            Route(CARD_ROUTE, card, methods=["POST"]),
            Route(PROFILE_ROUTE, card_with_profile, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


async def _answer(request: Request, *, with_profile: bool) -> Response:
    konaplate: Konaplate = request.app.state.konaplate
    card_no = orjson.loads(await request.body())["variables"]["cardNo"]
    found = await konaplate.card(card_no)
    card = card_answer(card_no, found)
    if with_profile:
        profile = await konaplate.member(found["userId"])
        card["member"]["profile"] = {name: profile[name] for name in ("userName", "mobileNumber", "email")}
    return Response(orjson.dumps({"data": {"card": card}}), media_type="application/json")


def card_answer(card_no: str, found: dict[str, Any]) -> dict[str, Any]:
    """One upstream answer as the gateway's JSON."""
    receipt = found["cashReceiptInfo"]
    return {
        "cardNo": card_no,
        "balance": found["balance"],
        "cardStatus": _STATUS[found["cardStatus"]],
        "serviceId": found["serviceId"],
        "serviceName": found["serviceName"],
        "ownerKa": found["ownerKa"],
        "isAutoRechargeBeforePayment": found["isAutoRechargeBeforePayment"],
        "member": {"userId": str(found["userId"])},
        "cashReceiptInfo": {
            "approvalDiv": _DIVISION[receipt["approvalDiv"]],
            "idNo": receipt["idNo"],
            "manYn": _ENTRY[receipt["manYn"]],
        },
    }
