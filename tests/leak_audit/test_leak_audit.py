"""The leak audit finds nothing in this gateway, and everything in one that leaks."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from graph.leak_audit.canaries import Canary, canaries, search
from graph.leak_audit.cases import Case, cases
from graph.leak_audit.run import Leak, run
from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS, MEMBERS
from tests.conftest import clean_environment
from tests.support import credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

CARD = "9491339400000013"
CANARY = Canary("card number", CARD)
CASE = Case("a case", CARD.encode())


def answering(body: bytes = b"", header: bytes = b"") -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-out", header)]})
        await send({"type": "http.response.body", "body": body})

    return app


async def leaks_of(app: ASGIApp, case: Case = CASE) -> tuple[Leak, ...]:
    return (await run(app, [case], [CANARY], {}, {})).leaks


def test_the_command_finds_no_leak_in_this_gateway() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "graph", "leak-audit"],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )
    assert (0, "") == (result.returncode, result.stderr)
    lines = result.stdout.splitlines()
    assert ["anonymous", "without credentials", "member", "service"] == [line.partition(":")[0] for line in lines]
    for line in lines:
        assert line.endswith(" 0 leaks")
        requests, log_lines = (int(number) for number in re.findall(r"(\d+) (?:requests|log lines)", line))
        assert 150 < requests <= log_lines


@pytest.mark.parametrize(
    ("app", "where"),
    [(answering(b"got " + CARD.encode()), "answer"), (answering(header=CARD.encode()), "answer's headers")],
)
async def test_a_leak_is_found_wherever_it_is_in_an_answer(app: ASGIApp, where: str) -> None:
    assert (Leak("a case", where, "card number"),) == await leaks_of(app)


@pytest.mark.parametrize("where", ["log", "traces"])
async def test_a_leak_is_found_in_everything_that_operators_see(where: str) -> None:
    take: dict[str, Callable[[], str]] = {"log": str, "traces": str, where: lambda: f"card {CARD}\n"}
    assert (Leak("a case", where, "card number"),) == (await run(answering(), [CASE], [CANARY], take, {})).leaks


async def test_what_only_grows_is_searched_once_after_all_cases() -> None:
    seen: list[int] = []

    def metrics() -> str:
        seen.append(1)
        return f'a{{b="{CARD}"}}'

    outcome = await run(answering(), [CASE, CASE], [CANARY], {}, {}, sums={"metrics": metrics})
    assert (Leak("all cases together", "metrics", "card number"),) == outcome.leaks
    assert [1] == seen


async def test_lines_of_the_log_are_counted_and_nothing_else() -> None:
    outcome = await run(answering(), [CASE], [], {"log": lambda: "a\nb\n", "traces": lambda: "c\n"}, {})
    assert 2 == outcome.log_lines


async def test_an_answer_that_was_asked_for_clear_values_may_hold_them_and_its_headers_may_not() -> None:
    clear = Case("clear", b"", clear=True)
    assert () == await leaks_of(answering(CARD.encode()), case=clear)
    assert 1 == len(await leaks_of(answering(header=CARD.encode()), case=clear))


async def test_a_report_does_not_repeat_what_leaked() -> None:
    (leak,) = await leaks_of(answering(CARD.encode()))
    assert "card number in the answer of: a case" == str(leak)


def test_a_value_that_json_has_escaped_is_found() -> None:
    name = Canary("name", "김샌드")
    assert [name] == list(search('{"name": "\\uae40\\uc0cc\\ub4dc"}', [name]))
    assert [] == list(search('{"name": "?"}', [name]))


def test_every_card_person_and_key_is_a_canary() -> None:
    texts = {canary.text for canary in canaries(credentials(), ["a-token"])}
    assert CARDS.keys() | FAULTS.keys() <= texts
    for member in MEMBERS.values():
        assert {member[name] for name in ("ci", "mobileNumber", "userName", "email", "birthDate")} <= texts
    given = credentials().gateway_settings()
    assert {given["KONAPLATE_SECRET_KEY"], given["KONAPLATE_ACCESS_KEY"], "a-token"} <= texts
    assert set(given["KONAPLATE_CLIENT_PRIVATE_KEY"].splitlines()[1:-1]) <= texts


def test_every_reserved_failure_is_a_case() -> None:
    bodies = b"\n".join(case.body for case in cases())
    for number in FAULTS:
        assert number.encode() in bodies


async def test_a_case_is_sent_as_it_is() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await answering()(scope, receive, send)

    case = Case("c", b"x", method="PUT", path="/p", headers={"x-a": "own"})
    await run(app, [case], [], {}, {"x-a": "shared", "x-b": "shared"})
    scope = seen[0]
    assert ("PUT", "/p") == (scope["method"], scope["path"])
    assert {b"own", b"shared"} == {value for name, value in scope["headers"] if name in (b"x-a", b"x-b")}
