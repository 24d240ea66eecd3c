"""A Konaplate that costs next to nothing: prepared answers, from a process of its own.

`python -m benchmarks.upstream FOLDER` answers four APIs. Those about a card and a member answer clear calls in
clear and sealed ones sealed; the folder holds the keys (`benchmarks/credentials.py`). In clear, the number that
is asked for becomes the answer's. A sealed call for a card is not opened, because that takes as much CPU as a
server needs to open the answer: it gets one of a few hundred cards that were sealed at the start. One for a
member is opened, because the answer must be about that member. Calls for a member's list of cards and for a
card's transactions are clear; a caller who names a key gets one of a few hundred sealed lists, and everybody
the same transactions in clear.

After a call of `/check/sealed` or `/check/clear` it does all that Konaplate does: it opens calls, verifies
signatures, and seals answers about the very card. Every server is asked in that way before it is measured.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from benchmarks.credentials import CLIENT_KEY, SECRET_KEY, VENDOR_KEY
from benchmarks.scenarios import TRANSACTIONS, WALLET_CARDS
from benchmarks.serving import serve

if TYPE_CHECKING:
    from benchmarks.serving import Message, Receive, Send

BASE_PATH: Final = "/open-api"
CARD_PATH: Final = BASE_PATH + "/api/v1/user/card/info"
MEMBER_PATH: Final = BASE_PATH + "/api/v1/user/info"
LIST_PATH: Final = BASE_PATH + "/api/v1/user/card/list"
TRANSACTIONS_PATH: Final = BASE_PATH + "/api/v1/transaction/card"
CALLS_PATH: Final = "/calls"
"""Answers how many calls there were so far."""
DELAY_PATH: Final = "/delay/"
"""With milliseconds after it: how long calls take from now on."""
CHECK_PATH: Final = "/check/"
"""With `sealed`, `clear` or `off` after it: what calls must be from now on."""

_FIRST_MEMBER: Final = 10**15
_PREPARED: Final = 256
_SIXTEEN_DIGITS: Final = re.compile(rb"[0-9]{16}")
_TOKEN: Final = re.compile(rb"KMV1:[0-9]{17}:(.+)")
_HEADER: Final = {"enc": "A128GCM", "alg": "RSA-OAEP-256"}
_CARD: Final = (
    b'{"response":{"code":"000_000","description":"Success."},"userId":%b,"balance":152300,'
    b'"serviceId":"100000000000001","serviceName":"Benchmark card","ownerKa":"100000000000002","cashReceiptInfo":'
    b'{"approvalDiv":"0","idNo":"01012345678","manYn":"1"},"cardStatus":"ACTIVE","isAutoRechargeBeforePayment":true}'
)
_MEMBER: Final = (
    b'{"response":{"code":"000_000","description":"Success."},"userInfo":{"aspId":"100000000000002","userId":%b,'
    b'"birthDate":"19900102","ci":"-","loginId":"member@example.com","nationality":"Korean","gender":"Female",'
    b'"mobileNumber":"01012345678","userName":"Hong Gildong","email":"member@example.com"}}'
)
_TRANSACTIONS: Final = orjson.dumps(
    {
        "response": {"code": "000_000", "description": "Success."},
        "pageResponse": {"page": 0, "totalPages": 1, "numberOfElements": TRANSACTIONS},
        "transactionInfo": [
            {
                "trType": "00",
                "nrNumber": f"{at:018d}",
                "trAmount": 1000 + at,
                "authCancelType": "AUTH",
                "merchantName": f"Merchant {at}",
                "approvalDateTime": (datetime.now(UTC) - timedelta(days=1 + at)).strftime("%Y%m%d%H%M%S"),
            }
            for at in range(TRANSACTIONS)
        ],
    }
)
_REFUSED: Final = 400, b'{"response":{"code":"000_002","description":"Invalid input parameter."}}'


def _card_list(user_id: bytes) -> bytes:
    """The cards of a member, whose numbers and PARs are made from the member's id."""
    rows = [
        {
            "par": f"PAR{user_id.decode()}{place:08d}",
            "balance": 152300,
            "pendingAmount": 0,
            "isNamed": True,
            "serviceId": "100000000000001",
            "serviceName": "Benchmark card",
            "mobileCardNo": f"94913394{user_id.decode()[-7:]}{place}",
            "mobileCardStatus": "ACTIVE",
        }
        for place in range(WALLET_CARDS)
    ]
    return orjson.dumps({"response": {"code": "000_000", "description": "Success."}, "cardDataInfo": rows})


def _is_signed(token: bytes, body: bytes) -> bool:
    parts = _TOKEN.fullmatch(token)
    digest = base64.b64encode(hmac.digest(SECRET_KEY.encode(), body, hashlib.sha256))
    return parts is not None and hmac.compare_digest(parts[1], digest)


class Konaplate:
    """The ASGI application.

    Args:
        keys: the folder with the keys.
    """

    def __init__(self, keys: Path) -> None:
        self.calls = 0
        self.seconds = 0.0
        """How long a call takes."""
        self._check = "off"
        self._ours = RSAKey.import_key((keys / VENDOR_KEY).read_bytes())
        self._theirs = RSAKey.import_key((keys / CLIENT_KEY).read_bytes())
        self._registry = jwe.JWERegistry(algorithms=list(_HEADER.values()))
        members = [b"%d" % (_FIRST_MEMBER + at) for at in range(_PREPARED)]
        self._cards = itertools.cycle([self._sealed(_CARD % member) for member in members])
        self._lists = itertools.cycle([self._sealed(_card_list(member)) for member in members])
        self._members = {member: self._sealed(_MEMBER % member) for member in members}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        headers = dict(scope["headers"])
        if scope["path"] in (CARD_PATH, MEMBER_PATH, LIST_PATH, TRANSACTIONS_PATH):
            status, answer = self.answer(scope["path"], headers, body)
            await asyncio.sleep(self.seconds)
        else:
            status, answer = self._controlled(scope["path"])
        echo = headers.get(b"x-km-correlation-id", b"")
        fields = {b"content-type": b"application/json", b"content-length": b"%d" % len(answer)}
        fields |= {b"x-km-correlation-id": echo} if echo else {}
        await send({"type": "http.response.start", "status": status, "headers": list(fields.items())})
        await send({"type": "http.response.body", "body": answer})

    def answer(self, path: str, headers: dict[bytes, bytes], body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to one call."""
        self.calls += 1
        checks, sealed = self._check != "off", body.startswith(b'{"encData"')
        wanted = self._check == "sealed" and path in (CARD_PATH, MEMBER_PATH)
        if checks and not (sealed == wanted and _is_signed(headers.get(b"x-km-tran-token", b""), body)):
            return _REFUSED
        if path in (LIST_PATH, TRANSACTIONS_PATH):
            seals = b"x-km-crypto-key-id" in headers
            return 200, _TRANSACTIONS if path == TRANSACTIONS_PATH else self._list(
                body, seals=seals, checks=checks
            )
        if sealed and path == CARD_PATH and not checks:
            return 200, next(self._cards)
        number = _SIXTEEN_DIGITS.search(self._opened(body) if sealed else body)
        if number is None:
            return _REFUSED
        if path == MEMBER_PATH and sealed and number[0] in self._members:
            return 200, self._members[number[0]]
        content = (_CARD if path == CARD_PATH else _MEMBER) % number[0]
        return 200, self._sealed(content) if sealed else content

    def _list(self, body: bytes, *, seals: bool, checks: bool) -> bytes:
        if seals and not checks:
            return next(self._lists)
        content = _card_list(str(orjson.loads(body)["userId"]).encode())
        return self._sealed(content) if seals else content

    def _controlled(self, path: str) -> tuple[int, bytes]:
        if path.startswith(DELAY_PATH):
            self.seconds = int(path.removeprefix(DELAY_PATH)) / 1000
        elif path.startswith(CHECK_PATH):
            self._check = path.removeprefix(CHECK_PATH)
        elif path != CALLS_PATH:
            return 404, b"{}"
        return 200, b"%d" % self.calls

    def _sealed(self, content: bytes) -> bytes:
        sealed = jwe.encrypt_compact(dict(_HEADER), content, self._theirs, registry=self._registry)
        return b'{"encData":"%b"}' % sealed.encode()

    def _opened(self, body: bytes) -> bytes:
        try:
            sealed = orjson.loads(body)["encData"]
            return jwe.decrypt_compact(sealed, self._ours, registry=self._registry).plaintext or b""
        except (JoseError, ValueError, KeyError):
            return b""


if __name__ == "__main__":
    serve(Konaplate(Path(sys.argv[1])), BASE_PATH)
