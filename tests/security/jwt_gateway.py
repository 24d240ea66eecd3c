"""A gateway that requires bearer tokens, and its audit log."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from graph.sandbox.ledger import FIRST_CARD
from tests.security.jwt_maker import AUDIENCE, ISSUER, ec_signer, ed_signer, key_set, rsa_signer
from tests.support import Recorder, gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.support import Gateway

BALANCE = "query ($cardNo: CardNumber!) { card(cardNo: $cardNo) { balance } }"
FIRST_BALANCE = 50_000


class Guarded:
    """A client of a gateway with authentication."""

    def __init__(self, gateway: Gateway, audit: Path) -> None:
        self.gateway = gateway
        self._audit = audit

    async def ask(
        self, headers: dict[str, str] | list[tuple[bytes, bytes]], card: str = FIRST_CARD, **more: Any
    ) -> httpx.Response:
        """Ask for a card's balance with these headers."""
        # A new file starts a new sample of refusals.
        self.gateway.app.state.reopen_files()
        body = {"query": BALANCE, "variables": {"cardNo": card}, **more}
        return await self.gateway.client.post("/graphql", json=body, headers=headers)

    async def bearer(self, token: str, card: str = FIRST_CARD) -> httpx.Response:
        """Ask for a card's balance with a token."""
        return await self.ask({"Authorization": f"Bearer {token}"}, card)

    @property
    def calls(self) -> int:
        """How many calls went upstream."""
        transport = self.gateway.transport
        assert isinstance(transport, Recorder)
        return len(transport.paths)

    def audited(self) -> list[dict[str, Any]]:
        """The events of the audit log."""
        return [json.loads(line) for line in self._audit.read_text(encoding="utf-8").splitlines()]


@asynccontextmanager
async def guarded(folder: Path, **variables: object) -> AsyncIterator[Guarded]:
    """A gateway with these settings whose audit log is a file."""
    audit = folder / "audit.log"
    async with gateway(None, KONAGRAPH_AUDIT_LOG=audit, **variables) as running:
        yield Guarded(running, audit)


@asynccontextmanager
async def jwt_gateway(folder: Path, keys: bytes | None = None, **variables: object) -> AsyncIterator[Guarded]:
    """A gateway that accepts the tokens of the usual signers, or of a key set."""
    file = folder / "jwks.json"
    file.write_bytes(key_set(rsa_signer(), ec_signer(), ed_signer()) if keys is None else keys)
    async with guarded(folder, **jwt_settings(file), **variables) as running:
        yield running


def jwt_settings(source: object) -> dict[str, object]:
    """The settings for bearer tokens."""
    return {
        "KONAGRAPH_AUTH": "jwt",
        "KONAGRAPH_JWT_JWKS": source,
        "KONAGRAPH_JWT_ISSUER": ISSUER,
        "KONAGRAPH_JWT_AUDIENCE": AUDIENCE,
    }


def assert_accepted(answer: httpx.Response) -> None:
    """The card's balance, and nothing else."""
    assert (answer.status_code, answer.json()) == (200, {"data": {"card": {"balance": FIRST_BALANCE}}})


async def refuse(running: Guarded, token: str, reason: str) -> None:
    """A gateway refuses a token, and its audit log says this reason."""
    calls = running.calls
    answer = await running.bearer(token)
    assert_refused(answer, running, reason)
    assert calls == running.calls


def assert_refused(answer: httpx.Response, running: Guarded, reason: str, challenge: str = "Bearer") -> None:
    """The response to bad credentials is always the same. Only the audit log's last event says why."""
    assert (answer.status_code, answer.headers.get("www-authenticate")) == (401, challenge)
    request_id = answer.headers["x-request-id"]
    extensions = {"code": "UNAUTHENTICATED", "retryable": False, "requestId": request_id}
    assert {"errors": [{"message": "Valid credentials are required.", "extensions": extensions}]} == answer.json()
    event = running.audited()[-1]
    assert (reason, "UNAUTHENTICATED", request_id) == (event["reason"], event["code"], event["request_id"])
