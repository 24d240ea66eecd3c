"""Runs the cases against an app and searches answers, logs, metrics and traces."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import httpx

from graph.leak_audit.canaries import Canary, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from starlette.types import ASGIApp

    from graph.leak_audit.cases import Case


class Outcome(NamedTuple):
    """What a run found."""

    cases: int
    log_lines: int
    leaks: tuple[str, ...]
    """What each is, and where it came out. They do not repeat it."""


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
    leaks: list[str] = []
    count = lines = 0

    def look(case: str, places: Mapping[str, str]) -> None:
        for where, text in places.items():
            leaks.extend(f"{canary.kind} in the {where} of: {case}" for canary in search(text, canaries))

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        for case in cases:
            answer = await client.request(
                case.method,
                case.path,
                content=case.body,
                headers={"content-type": "application/json", **headers, **case.headers},
            )
            seen = {name: taken() for name, taken in take.items()}
            count += 1
            lines += seen.get("log", "").count("\n")
            head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            look(case.name, {**seen, "answer's headers": head, "answer": "" if case.clear else answer.text})
    look("all cases together", {name: text() for name, text in sums.items()})
    return Outcome(count, lines, tuple(leaks))
