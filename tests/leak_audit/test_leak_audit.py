"""The leak audit finds nothing in this gateway, and everything in one that leaks."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from graph.leak_audit.canaries import Canary
from graph.leak_audit.cases import Case
from graph.leak_audit.run import run
from tests.conftest import clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

CARD = "9491339400000013"
CANARY = Canary("card number", CARD)
CASE = Case("a case", CARD.encode())


def answering(body: bytes = b"", header: bytes = b"") -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-out", header)]})
        await send({"type": "http.response.body", "body": body})

    return app


async def leaks_of(app: ASGIApp, case: Case = CASE) -> tuple[str, ...]:
    return (await run(app, [case], [CANARY], {}, {})).leaks


@pytest.mark.process
def test_the_command_finds_no_leak_in_this_gateway() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "graph", "leak-audit"],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )
    assert (result.returncode, result.stderr) == (0, "")
    *lines, verdict = result.stdout.splitlines()
    assert verdict == "No leak."
    assert [line.partition(":")[0] for line in lines] == ["anonymous", "without credentials", "member", "service"]
    for line in lines:
        assert line.endswith(" 0 leaks")
        requests, log_lines = (int(number) for number in re.findall(r"(\d+) (?:requests|log lines)", line))
        assert 150 < requests <= log_lines


@pytest.mark.parametrize(
    ("app", "where"),
    [(answering(b"got " + CARD.encode()), "answer"), (answering(header=CARD.encode()), "answer's headers")],
)
async def test_a_leak_is_found_wherever_it_is_in_an_answer(app: ASGIApp, where: str) -> None:
    assert await leaks_of(app) == (f"card number in the {where} of: a case",)


@pytest.mark.parametrize("where", ["log", "traces"])
async def test_a_leak_is_found_in_everything_that_operators_see(where: str) -> None:
    take: dict[str, Callable[[], str]] = {"log": str, "traces": str, where: lambda: f"card {CARD}\n"}
    assert (await run(answering(), [CASE], [CANARY], take, {})).leaks == (
        f"card number in the {where} of: a case",
    )


async def test_what_only_grows_is_searched_once_after_all_cases() -> None:
    seen: list[int] = []

    def metrics() -> str:
        seen.append(1)
        return f'a{{b="{CARD}"}}'

    outcome = await run(answering(), [CASE, CASE], [CANARY], {}, {}, sums={"metrics": metrics})
    assert outcome.leaks == ("card number in the metrics of: all cases together",)
    assert seen == [1]


async def test_lines_of_the_log_are_counted_and_nothing_else() -> None:
    outcome = await run(answering(), [CASE], [], {"log": lambda: "a\nb\n", "traces": lambda: "c\n"}, {})
    assert outcome.log_lines == 2


async def test_an_answer_that_was_asked_for_clear_values_may_hold_them_and_its_headers_may_not() -> None:
    clear = Case("clear", b"", clear=True)
    assert await leaks_of(answering(CARD.encode()), case=clear) == ()
    assert len(await leaks_of(answering(header=CARD.encode()), case=clear)) == 1


async def test_a_report_does_not_repeat_what_leaked() -> None:
    (leak,) = await leaks_of(answering(CARD.encode()))
    assert leak == "card number in the answer of: a case"


async def test_a_value_that_answers_may_show_is_a_leak_anywhere_else() -> None:
    amount = [Canary("amount", "1234567", shown=True)]
    assert (await run(answering(b"1234567"), [CASE], amount, {}, {})).leaks == ()
    assert len((await run(answering(header=b"1234567"), [CASE], amount, {}, {})).leaks) == 1
    assert len((await run(answering(), [CASE], amount, {"log": lambda: "1234567"}, {})).leaks) == 1


async def test_ids_of_answers_are_followed() -> None:
    followed: list[list[str]] = []

    def follow(ids: Sequence[str]) -> list[Case]:
        followed.append(list(ids))
        return [CASE]

    body = b'{"data":{"a":{"id":"one"},"b":[{"id":"two"},{"id":"one"}],"grid":"three"}}'
    outcome = await run(answering(body), [CASE, CASE], [], {}, {}, follow=follow)
    assert (followed, outcome.cases) == ([["one", "two"]], 3)


async def test_a_case_is_sent_as_it_is() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await answering()(scope, receive, send)

    case = Case("c", b"x", method="PUT", path="/p", headers={"x-a": "own"})
    await run(app, [case], [], {}, {"x-a": "shared", "x-b": "shared"})
    scope = seen[0]
    assert (scope["method"], scope["path"]) == ("PUT", "/p")
    assert {value for name, value in scope["headers"] if name in (b"x-a", b"x-b")} == {b"own", b"shared"}
