"""What must never come out: the sandbox's cards, people and credentials, and how to find them in a text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS, MEMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graph.sandbox.credentials import SandboxCredentials

# Shorter texts would be found where they are not: "01" in a time, "APP" in a word.
_SHORTEST: Final = 3
_HARMLESS: Final = frozenset({"aspId", "userId", "nationality", "gender", "joinChannel"})


@dataclass(frozen=True, slots=True)
class Canary:
    """One text that must not come out, and what it is; reports show only the latter."""

    kind: str
    text: str


def canaries(credentials: SandboxCredentials, tokens: Iterable[str] = ()) -> tuple[Canary, ...]:
    """Every card number, personal value, key and token of a run."""
    found = [Canary("card number", number) for number in (*CARDS, *FAULTS)]
    for card in CARDS.values():
        receipt = card.fields.get("cashReceiptInfo")
        if receipt:
            found.append(Canary("cash-receipt identity", receipt["idNo"]))
    for member in MEMBERS.values():
        found += [Canary(f"member's {name}", text) for name, text in _texts(member)]
    for name, text in credentials.gateway_settings().items():
        found += [Canary(name, part) for part in _secret_parts(name, text)]
    found += [Canary("token", token) for token in tokens]
    return tuple({canary.text: canary for canary in found if len(canary.text) >= _SHORTEST}.values())


def search(text: str, wanted: Iterable[Canary]) -> Iterator[Canary]:
    """The canaries that a text holds, written plainly or as JSON escapes them."""
    for canary in wanted:
        escaped = json.dumps(canary.text)[1:-1]
        if canary.text in text or escaped in text:
            yield canary


def _texts(member: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in member.items():
        if name in _HARMLESS or value is None:
            continue
        if isinstance(value, dict):
            yield from _texts(value)
        else:
            yield name, str(value)


def _secret_parts(name: str, text: str) -> list[str]:
    """Of a credential the whole, of a private key each line: a part of it is as bad."""
    if name in ("KONAPLATE_ASP_ID", "KONAPLATE_CRYPTO_KEY_ID", "KONAPLATE_SERVER_PUBLIC_KEY"):
        return []
    return [line for line in text.splitlines() if line and not line.startswith("-----")]
