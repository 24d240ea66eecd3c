"""Callers of a gateway, each with a real token, and everything that the gateway records about them."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graph.sandbox.ledger import CARDS, with_luhn_digit
from graph.security.development import DevelopmentSigner, signer_settings
from tests.support import GRAPHQL_RESPONSE, Recorder, gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.support import Gateway

NUMBERS = list(CARDS)
OWN, OTHERS, UNREGISTERED = NUMBERS[0], NUMBERS[3], NUMBERS[5]
"""Cards of the members 1001 and 1002, and of nobody. The first two have cash-receipt identities."""
NOT_ISSUED = [with_luhn_digit(f"949133947{index:06d}") for index in range(400)]
"""Well-formed numbers that no card has."""

ANY_CARD, MEMBER, RECEIPT = "cards:read:any", "member:read", "cash-receipt:read"
REQUEST_ID = "a-request-of-a-test"


@dataclass(frozen=True)
class Caller:
    """The subject of a token."""

    id: str
    scopes: tuple[str, ...] = ()
    member: str | None = None


OWNER = Caller("the-owner", member="1001")
ALL_KNOWING = Caller("a-service", (ANY_CARD, MEMBER, RECEIPT))


@dataclass
class Callers:
    """A running gateway that requires tokens."""

    gateway: Gateway
    signer: DevelopmentSigner
    audit_file: Path
    tokens: dict[Caller, str] = field(default_factory=dict)

    async def post(
        self,
        caller: Caller,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        request_id: str = REQUEST_ID,
        accept: str = GRAPHQL_RESPONSE,
    ) -> httpx.Response:
        """Send a query as a caller."""
        if caller not in self.tokens:
            claims = {} if caller.member is None else {"konaplate_user_id": caller.member}
            self.tokens[caller] = self.signer.token(caller.id, scopes=caller.scopes, lifetime=600, claims=claims)
        headers = {"authorization": f"Bearer {self.tokens[caller]}", "x-request-id": request_id}
        return await self.gateway.post(query, variables, accept=accept, **headers)

    async def ask(self, caller: Caller, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The JSON of the answer."""
        answer: dict[str, Any] = (await self.post(caller, query, variables)).json()
        return answer

    @property
    def calls(self) -> list[str]:
        """The paths of the upstream calls so far."""
        assert isinstance(self.gateway.transport, Recorder)
        return self.gateway.transport.paths

    def audited(self) -> list[dict[str, Any]]:
        """The audit log's events so far, without time, level and logger name."""
        events = [json.loads(line) for line in self.audit_file.read_text(encoding="utf-8").splitlines()]
        for event in events:
            assert tuple(event.pop(name) for name in ("event", "level", "logger")) == (
                "audit",
                "info",
                "konagraph.audit",
            )
            assert event.pop("timestamp").endswith("Z")
        return events


@asynccontextmanager
async def callers(
    folder: Path, transport: httpx.AsyncBaseTransport | None = None, **variables: object
) -> AsyncIterator[Callers]:
    """A gateway over a recorded sandbox, unless another transport is given."""
    signer = DevelopmentSigner.in_directory(folder / "signer")
    audit_file = folder / "audit.log"
    settings = {**signer_settings(folder / "signer"), "KONAGRAPH_AUDIT_LOG": audit_file, **variables}
    async with gateway(transport, **settings) as running:
        yield Callers(running, signer, audit_file)


def codes(answer: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    """The place and the code of every error."""
    return [(tuple(error["path"]), error["extensions"]["code"]) for error in answer.get("errors", [])]
