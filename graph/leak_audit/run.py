"""Runs the cases against an app and searches answers and logs."""

from __future__ import annotations

from dataclasses import dataclass
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
    take_logs: Callable[[], str],
    headers: Mapping[str, str],
) -> Outcome:
    """Send every case and search what comes out.

    Args:
        app: the gateway.
        cases: what to send.
        canaries: what must not come out.
        take_logs: returns what was logged since it was last called.
        headers: sent with every case, such as credentials; a case's own come first.
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
            logged = take_logs()
            lines += logged.count("\n")
            head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            places = [("log", logged), ("answer's headers", head)]
            if not case.clear:
                places.append(("answer", answer.text))
            leaks += [
                Leak(case.name, where, canary.kind) for where, text in places for canary in search(text, canaries)
            ]
    return Outcome(count, lines, tuple(leaks))
