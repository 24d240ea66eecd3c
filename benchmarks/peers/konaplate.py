"""What the Python servers share: calls to Konaplate, signed and, with joserfc, sealed as its pages ask."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from joserfc import jwe
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Post = Callable[[str, bytes, dict[str, str]], Awaitable[bytes]]
    """Sends a body with headers to a path below the base URL, and returns the answer's body."""

BASE_URL: Final = os.environ.get("KONAPLATE_BASE_URL", "")
_HEADER: Final = {"enc": "A128GCM", "alg": "RSA-OAEP-256"}
_KST: Final = timezone(timedelta(hours=9))
_DIVISION: Final = {"0": "INCOME_DEDUCTION", "1": "EXPENSE_PROOF"}
_ENTRY: Final = {"0": "CARD_NUMBER", "1": "MANUAL"}


class Konaplate:
    """The calls, by the gateway's own environment variables.

    Args:
        post: sends them.
    """

    def __init__(self, post: Post) -> None:
        self._post = post
        self._numbers = itertools.count()
        self._secret = os.environ["KONAPLATE_SECRET_KEY"].encode()
        self._sealed = os.environ["KONAPLATE_ENCRYPTION"] == "on"
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-KM-User-AspId": os.environ["KONAPLATE_ASP_ID"],
            "X-KM-Access-Key": os.environ["KONAPLATE_ACCESS_KEY"],
            "X-KM-Time-Zone": "KST",
        }
        if self._sealed:
            self._headers["X-KM-Crypto-Key-Id"] = os.environ["KONAPLATE_CRYPTO_KEY_ID"]
            names = ("KONAPLATE_SERVER_PUBLIC_KEY", "KONAPLATE_CLIENT_PRIVATE_KEY")
            self._theirs, self._ours = (RSAKey.import_key(Path(os.environ[name]).read_bytes()) for name in names)
            self._registry = jwe.JWERegistry(algorithms=list(_HEADER.values()))

    async def card(self, card_no: str) -> dict[str, Any]:
        """Card-User Mapped Inquiry."""
        return await self._call("/api/v1/user/card/info", {"cardNo": card_no})

    async def member(self, user_id: int) -> dict[str, Any]:
        """Search for Member Information."""
        answer = await self._call("/api/v1/user/info", {"userId": user_id})
        profile: dict[str, Any] = answer["userInfo"]
        return {name: profile[name] for name in ("userName", "mobileNumber", "email")}

    async def cards_of(self, user_id: int) -> list[dict[str, Any]]:
        """Search for Card."""
        answer = await self._call("/api/v1/user/card/list", {"userId": user_id}, seals=False)
        rows: list[dict[str, Any]] = answer["cardDataInfo"]
        return rows

    async def transactions(self, par: str, user_id: int, first: int) -> list[dict[str, Any]]:
        """Checking Transaction History: the newest ones of the last thirty days."""
        today = datetime.now(UTC).astimezone(_KST)
        asked = {
            "par": par,
            "userId": user_id,
            "startDate": (today - timedelta(days=30)).strftime("%Y%m%d"),
            "endDate": today.strftime("%Y%m%d"),
            "pageRequest": {"page": 0, "pageSize": first, "orderByDirection": "DESC"},
        }
        answer = await self._call("/api/v1/transaction/card", asked, seals=False)
        rows: list[dict[str, Any]] = answer["transactionInfo"]
        return rows

    async def _call(self, path: str, payload: dict[str, Any], *, seals: bool = True) -> dict[str, Any]:
        content = orjson.dumps(payload)
        if self._sealed and seals:
            sealed = jwe.encrypt_compact(dict(_HEADER), content, self._theirs, registry=self._registry)
            content = orjson.dumps({"encData": sealed})
        answer: dict[str, Any] = orjson.loads(await self._post(path, content, self._signed(content)))
        if "encData" in answer:
            opened = jwe.decrypt_compact(answer["encData"], self._ours, registry=self._registry)
            answer = orjson.loads(opened.plaintext or b"")
        if answer["response"]["code"] != "000_000":
            raise ValueError("the upstream refused the call")
        return answer

    def _signed(self, content: bytes) -> dict[str, str]:
        now = datetime.now(UTC).astimezone(_KST)
        time = now.strftime("%Y%m%d%H%M%S")
        signature = base64.b64encode(hmac.digest(self._secret, content, hashlib.sha256)).decode("ascii")
        return {
            **self._headers,
            "X-KM-Correlation-Id": f"{time[2:]}-{next(self._numbers) % (1 << 28):07x}",
            "X-KM-Tran-Token": f"KMV1:{time}{now.microsecond // 1000:03d}:{signature}",
            "X-KM-Tran-Time": time,
        }


def card_answer(card_no: str, found: dict[str, Any]) -> dict[str, Any]:
    """One upstream answer as the gateway's JSON."""
    names = ("balance", "cardStatus", "serviceId", "serviceName", "ownerKa", "isAutoRechargeBeforePayment")
    receipt = found["cashReceiptInfo"]
    return {
        "cardNo": card_no,
        **{name: found[name] for name in names},
        "member": {"userId": str(found["userId"])},
        "cashReceiptInfo": {
            "approvalDiv": _DIVISION[receipt["approvalDiv"]],
            "idNo": receipt["idNo"],
            "manYn": _ENTRY[receipt["manYn"]],
        },
    }
