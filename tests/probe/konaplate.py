"""A Konaplate that differs in one thing, and a probe of it."""

from __future__ import annotations

import functools
import json
from email.utils import formatdate
from time import time
from typing import TYPE_CHECKING, Any

from graph.konaplate.endpoint import by_name
from graph.konaplate.transport.lean import LeanTransport
from graph.konaplate.transport.pool import PoolLimits
from graph.probe.client import ProbeClient
from graph.probe.notebook import Notebook
from graph.probe.steps import Probe
from graph.wiring.upstream import build_identity, configured_endpoints, key_pairs
from schema.secrets import CardNo
from tests.independent.credentials import Credentials
from tests.independent.inquiries import (
    TRANSACTIONS_PATH,
    RefusalError,
)
from tests.independent.jwe import unseal
from tests.independent.konaplate import CARD_PATH, IndependentKonaplate
from tests.independent.rules import CORRELATION_ID, CRYPTO_KEY_ID, TIME_ZONE, read_envelope
from tests.independent.wallet import MEMBER_ID, card_no, fill
from tests.support import checked_settings

if TYPE_CHECKING:
    import asyncio

    from graph.output.findings import Finding
    from tests.independent.http1 import Request


CARD = {
    "userId": MEMBER_ID,
    "balance": 50_000,
    "serviceId": "PRODUCT00000002",
    "serviceName": "상품",
    "isAutoRechargeBeforePayment": False,
    "cashReceiptInfo": {"approvalDiv": "0", "idNo": "01012345678", "manYn": "1"},
}


MEMBER = {"userId": MEMBER_ID, "userName": "김비밀", "mobileNumber": "01012345678", "email": "kim@example.com"}


@functools.cache
def credentials() -> Credentials:
    """One set for all tests: making RSA keys takes a while."""
    return Credentials.generate()


class Konaplate(IndependentKonaplate):
    """A Konaplate that differs in one thing."""

    def __init__(self, **differs: Any) -> None:
        super().__init__(
            content_encryption=differs.pop("content_encryption", "A128GCM"), credentials=credentials()
        )
        self.differs = differs
        self.cards[card_no(0)] = CARD
        self.members[MEMBER_ID] = MEMBER
        fill(self.bank)

    async def _exchange(self, reader: asyncio.StreamReader) -> tuple[bytes, bool]:
        answer, keep = await super()._exchange(reader)
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        if "echo" in self.differs:
            lines = [line for line in lines if not line.lower().startswith(CORRELATION_ID.lower().encode())]
            if self.differs["echo"]:
                lines.append(f"{CORRELATION_ID}: {self.differs['echo']}".encode())
        lines.append(f"Date: {formatdate(time() + self.differs.get('ahead', 0), usegmt=True)}".encode())
        return b"\r\n".join(lines) + b"\r\n\r\n" + body, keep

    def _answer(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        status, headers, body = super()._answer(request)
        if self.differs.get("garbled") == request.target:
            return 200, headers, b"<html>"
        place = self.differs.get("place")
        if place is not None and status != 200:
            code = json.loads(body)["response"]["code"]
            body = json.dumps({place: code} if place != "nowhere" else {"oops": code}).encode()
        return status, headers, body

    def _inspect(self, request: Request) -> tuple[list[str], dict[str, Any]]:
        found, payload = super()._inspect(request)
        differs = self.differs
        if differs.get("zone", request.values(TIME_ZONE)[0]) != request.values(TIME_ZONE)[0]:
            found.append(f"{TIME_ZONE}: not the one")
        if request.target in differs.get("seals", ()):
            found = [each for each in found if CRYPTO_KEY_ID not in each]
        if differs.get("no_key_id") == request.target:
            # It must be missing, of which the other fake only says that it is.
            found = [each for each in found if CRYPTO_KEY_ID not in each]
            found += [f"{CRYPTO_KEY_ID}: present"] * bool(request.values(CRYPTO_KEY_ID))
        if differs.get("sealed_request") == request.target:
            try:
                private_pem = self.credentials.server_private_key_pem or ""
                payload = json.loads(unseal(read_envelope(request.body), private_pem, "A128GCM"))
                found = []
            except ValueError:
                found = ["body: not sealed"]
        return found, payload

    def _clear(self, body: bytes) -> bytes:
        enc = self.differs.get("request_enc", "A128GCM")
        return unseal(read_envelope(body), self.credentials.server_private_key_pem or "", enc)

    def _seals_answer(self, path: str) -> bool:
        flipped: dict[str, bool] = self.differs.get("seals", {})
        return flipped.get(path, super()._seals_answer(path))

    def _look_up(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        if path == CARD_PATH and payload.get("cardNo") not in self.cards and "no_card" in self.differs:
            raise RefusalError(self.differs["no_card"], "Nothing.")
        if path == TRANSACTIONS_PATH and self.differs.get("first_page"):
            asked = dict(payload["pageRequest"])
            if asked["page"] == 0:
                raise RefusalError("000_002", "Invalid input parameter. page")
            payload = {**payload, "pageRequest": {**asked, "page": asked["page"] - 1}}
        return super()._look_up(path, payload)


def environment(upstream: IndependentKonaplate, **changes: str) -> dict[str, str]:
    return environment_at(upstream.base_url, upstream.credentials, **changes)


def environment_at(base_url: str, given: Credentials, **changes: str) -> dict[str, str]:
    return {
        "KONAPLATE_BASE_URL": base_url,
        "KONAPLATE_ASP_ID": given.asp_id,
        "KONAPLATE_ACCESS_KEY": given.access_key,
        "KONAPLATE_SECRET_KEY": given.secret_key,
        "KONAPLATE_CRYPTO_KEY_ID": given.crypto_key_id,
        "KONAPLATE_SERVER_PUBLIC_KEY": given.server_public_key_pem,
        "KONAPLATE_CLIENT_PRIVATE_KEY": given.client_private_key_pem,
        **changes,
    }


async def probed(
    upstream: Konaplate, number: str = card_no(0), refuse: str = "", **changes: str
) -> tuple[list[Finding], int]:
    """The findings about a Konaplate, and how many calls they took."""
    async with upstream:
        settings = checked_settings(environment(upstream, **changes))
        transport = LeanTransport(PoolLimits(1, response_bytes=1 << 18), None)
        caller = ProbeClient(settings.konaplate_base_url, build_identity(settings), key_pairs(settings), transport)
        endpoints = by_name(configured_endpoints(settings))
        notes = Notebook(settings, caller, endpoints, lambda what: not refuse or refuse not in what)
        await Probe(notes, CardNo(number)).run()
        await transport.aclose()
    return notes.findings, caller.count
