"""Every server that is compared makes signed and sealed calls, and gives the right answer."""

from __future__ import annotations

import base64
import contextlib
import hmac
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from benchmarks import credentials
from benchmarks.attack import WORST
from benchmarks.processes import BenchmarkError, Child, Cores, server
from benchmarks.rounds import check_answer
from benchmarks.scenarios import ALIASES, CARD, DISTINCT, MANY, MEMBER, SCENARIOS
from benchmarks.targets import ALONE, BESIDE, BY_API_KEYS, KONAGRAPH, MERCURIUS, PEERS, STOCK, Target, plain
from benchmarks.upstream import BASE_PATH, CALLS_PATH, CARD_PATH, CHECK_PATH, DELAY_PATH, MEMBER_PATH, Konaplate
from graph.konaplate.encryption import Cipher, KeyPair, import_private_key
from tests.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.scenarios import Question

CARD_NO = "9491339400001234"
CORE = Cores.available().load


@pytest.fixture
def konaplate() -> httpx.AsyncClient:
    app = Konaplate(credentials.folder())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://upstream")


def cipher() -> Cipher:
    """Opens what is for the client, and seals for the vendor."""
    vendor, client = (
        import_private_key((credentials.folder() / name).read_text(encoding="ascii"))
        for name in (credentials.VENDOR_KEY, credentials.CLIENT_KEY)
    )
    return Cipher([KeyPair("benchmark", vendor.public_key(), client)])


def opened(answer: httpx.Response) -> Any:
    return orjson.loads(cipher().open(answer.json()["encData"], None))


async def test_the_upstream_answers_in_clear_about_the_number_and_repeats_the_correlation_id(
    konaplate: httpx.AsyncClient,
) -> None:
    answer = await konaplate.post(
        CARD_PATH, json={"cardNo": CARD_NO}, headers={"X-KM-Correlation-Id": "221108120814-0000001"}
    )
    assert answer.headers["X-KM-Correlation-Id"] == "221108120814-0000001"
    assert answer.json()["userId"] == int(CARD_NO)
    member = await konaplate.post(MEMBER_PATH, json={"userId": int(CARD_NO)})
    assert member.json()["userInfo"]["userId"] == int(CARD_NO)
    assert (await konaplate.post(CARD_PATH, content=b"{}")).status_code == 400
    assert (await konaplate.get("/nowhere")).status_code == 404
    assert (await konaplate.get(CALLS_PATH)).json() == 3


async def test_a_sealed_call_gets_a_prepared_card_and_its_member(konaplate: httpx.AsyncClient) -> None:
    body = cipher().seal(b'{"cardNo":"%b"}' % CARD_NO.encode())
    first, second = [opened(await konaplate.post(CARD_PATH, content=body)) for _ in range(2)]
    assert first["userId"] != second["userId"]
    member = await konaplate.post(MEMBER_PATH, content=cipher().seal(b'{"userId":%d}' % first["userId"]))
    assert opened(member)["userInfo"]["userId"] == first["userId"]


@pytest.mark.parametrize(("expected", "sealed"), [("sealed", True), ("clear", False)])
async def test_a_checked_call_must_be_signed_and_sealed_as_it_should(
    konaplate: httpx.AsyncClient, expected: str, *, sealed: bool
) -> None:
    await konaplate.get(f"{CHECK_PATH}{expected}")
    clear = b'{"cardNo":"%b"}' % CARD_NO.encode()
    right, wrong = (cipher().seal(clear), clear) if sealed else (clear, cipher().seal(clear))

    async def asked(body: bytes, signed: bytes) -> httpx.Response:
        digest = base64.b64encode(hmac.digest(credentials.SECRET_KEY.encode(), signed, "sha256")).decode()
        return await konaplate.post(
            CARD_PATH, content=body, headers={"X-KM-Tran-Token": f"KMV1:20261127120000123:{digest}"}
        )

    answer = await asked(right, right)
    assert (opened(answer) if sealed else answer.json())["userId"] == int(CARD_NO)
    assert (await asked(right, b"another body")).status_code == 400
    assert (await asked(wrong, wrong)).status_code == 400
    assert (await konaplate.post(CARD_PATH, content=right)).status_code == 400


async def test_what_is_sealed_for_somebody_else_is_refused(konaplate: httpx.AsyncClient) -> None:
    await konaplate.get(f"{DELAY_PATH}1")
    answer = await konaplate.post(MEMBER_PATH, json={"encData": "not.a.sealed.member.call"})
    assert answer.status_code == 400


@pytest.fixture(scope="module")
def upstream() -> Iterator[Child]:
    with server(["-m", "benchmarks.upstream", str(credentials.folder())], core=CORE) as child:
        yield child


@contextlib.contextmanager
def checked(target: Target, upstream: Child, folder: Path) -> Iterator[str]:
    """The address of a started server whose calls the upstream checks."""
    require_tool(target.name, present=not target.missing, how=f"{target.missing}; make bench-peers installs it")
    mode = "sealed" if target.sealed else "clear"
    httpx.get(f"{upstream.url.removesuffix(BASE_PATH)}{CHECK_PATH}{mode}", trust_env=False)
    with server(target.command, core=CORE, settings=target.environment(upstream.url, folder)) as child:
        yield str(httpx.URL(child.url).copy_with(path="/"))


def calls(upstream: Child) -> int:
    counted: int = httpx.get(f"{upstream.url.removesuffix(BASE_PATH)}{CALLS_PATH}", trust_env=False).json()
    return counted


@pytest.mark.parametrize(
    "target",
    [
        KONAGRAPH,
        plain(KONAGRAPH),
        STOCK,
        *(pytest.param(peer, marks=pytest.mark.peers) for peer in (*PEERS, plain(MERCURIUS)) if peer is not STOCK),
    ],
    ids=lambda one: one.name,
)
def test_a_server_answers_rightly_by_signed_calls_and_no_more_than_it_must(
    target: Target, upstream: Child, tmp_path: Path
) -> None:
    with checked(target, upstream, tmp_path) as url:
        for question in SCENARIOS:
            if (path := target.path(question)) is not None:
                before = calls(upstream)
                check_answer(url.removesuffix("/") + path, target, question)
                assert calls(upstream) - before == question.upstream_calls


def hardly_refilled(folder: Path) -> dict[str, str]:
    """The settings of `BY_API_KEYS`, but the attacker's budgets refill slower than any machine spends them."""
    settings = BY_API_KEYS.settings(folder)
    # The attacker's table is the last one of the file.
    keys = Path(settings["KONAGRAPH_API_KEYS"]).read_text(encoding="utf-8")
    (folder / "keys.toml").write_text(f"{keys}cost_per_second = 1\nrequests_per_second = 1\n", encoding="utf-8")
    return {**settings, "KONAGRAPH_API_KEYS": str(folder / "keys.toml")}


def test_the_worst_documents_are_read_until_the_attacker_s_budget_is_spent(
    upstream: Child, tmp_path: Path
) -> None:
    with checked(replace(BY_API_KEYS, settings=hardly_refilled), upstream, tmp_path) as url:
        asked = [
            httpx.post(
                f"{url}graphql", json={"query": document}, headers={"X-Api-Key": "attacker"}, trust_env=False
            )
            for document in WORST * 12
        ]
        check_answer(f"{url}graphql", BY_API_KEYS, CARD)
    codes = [[error["extensions"]["code"] for error in one.json().get("errors", [])] for one in asked]
    assert ["RATE_LIMITED"] not in codes[: len(WORST)]
    assert ["RATE_LIMITED"] in codes


def test_an_answer_that_is_not_the_right_one_stops_the_benchmark(upstream: Child) -> None:
    with pytest.raises(BenchmarkError, match="konagraph gives a wrong answer: HTTP 404"):
        check_answer(f"{upstream.url}/nowhere", KONAGRAPH, CARD)


def test_twenty_aliases_ask_for_fifteen_cards_of_which_five_come_again() -> None:
    variables = orjson.loads(MANY.body(*(str(9 * 10**15 + at) for at in range(DISTINCT))))["variables"]
    asked = list(variables.values())
    assert (len(asked), len(set(asked))) == (ALIASES, DISTINCT)
    assert asked[:5] == asked[15:]


@pytest.mark.parametrize("question", SCENARIOS, ids=lambda question: question.name)
def test_what_the_load_generator_looks_for_is_in_the_right_answer(question: Question) -> None:
    numbers = [str(9 * 10**15 + at) for at in range(question.cards)]
    assert question.expected in orjson.dumps(question.answer(*numbers)).decode()


def test_every_server_is_asked_what_it_can_answer() -> None:
    asked = {run.target.name: run.cases for run in BESIDE}
    assert asked[KONAGRAPH.name] != ()
    for run in (*ALONE, *BESIDE):
        assert all(run.target.path(case.question) for case in run.cases)
    assert MEMBER in [case.question for case in asked[PEERS[2].name]]
    assert MANY not in [case.question for case in asked[PEERS[2].name]]
