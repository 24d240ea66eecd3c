"""Runs the cases against an app and searches answers, logs, metrics and traces."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import httpx

from graph.leak_audit.canaries import Canary, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from starlette.types import ASGIApp

    from graph.leak_audit.cases import Case


@dataclass(frozen=True, slots=True)
class Leak:
    """A canary that came out; the report says what it is and where, and does not repeat it."""

    case: str
    where: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} in the {self.where} of: {self.case}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found."""

    cases: int
    log_lines: int
    leaks: tuple[Leak, ...]


async def run(
    app: ASGIApp,
    cases: Iterable[Case],
    canaries: Sequence[Canary],
    take: Mapping[str, Callable[[], str]],
    headers: Mapping[str, str],
    *,
    sums: Mapping[str, Callable[[], str]] = MappingProxyType({}),
) -> Outcome:
    """Send every case and search what comes out.

    Args:
        app: the gateway.
        cases: what to send.
        canaries: what must not come out.
        take: what operators see, by its name. Each returns what came since it was last called.
        headers: sent with every case, such as credentials; a case's own come first.
        sums: what operators see that only ever grows, by its name; it is searched once, after all cases.
    """
    leaks: list[Leak] = []
    count = lines = 0
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        for case in cases:
            count += 1
            answer = await client.request(
                case.method,
                case.path,
                content=case.body,
                headers={"content-type": "application/json", **headers, **case.headers},
            )
            places = [(name, taken()) for name, taken in take.items()]
            lines += sum(text.count("\n") for name, text in places if name == "log")
            head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            places.append(("answer's headers", head))
            if not case.clear:
                places.append(("answer", answer.text))
            leaks += [
                Leak(case.name, where, canary.kind) for where, text in places for canary in search(text, canaries)
            ]
    leaks += [
        Leak("all cases together", where, canary.kind)
        for where, text in sums.items()
        for canary in search(text(), canaries)
    ]
    return Outcome(count, lines, tuple(leaks))
