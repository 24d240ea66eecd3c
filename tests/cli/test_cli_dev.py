"""`konagraph dev` as a process: it prints how to try it, and answers."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import shlex
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from graph.greeting import greet, program
from graph.http.graphiql import Explorer
from graph.http.graphiql_files import PAGE_FILES
from graph.sandbox.ledger import CARDS, FIRST_CARD
from graph.security.development import DevelopmentSigner, signer_settings
from tests.cli.processes import DEADLINE, Command, bare_environment, command, environment, exported, run
from tests.cli.queries import request
from tests.support import CONTRACT_QUERY, sandbox_settings
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

LAST_LINE = "Reserved numbers make every failure happen: "


class Shown(NamedTuple):
    """A running `dev` that tests share: its address and what it has printed."""

    url: str
    printed: str


@pytest.fixture(scope="module")
def dev_as() -> Iterator[Callable[..., Shown]]:
    """Start `dev` for a member, or return the one that was started before; it ends after the last test."""
    with ExitStack() as stack:

        @functools.cache
        def start(*options: str) -> Shown:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "graph", "dev", "--port", "0", *options],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    env=environment(),
                )
            )
            stack.callback(process.terminate)
            assert process.stdout is not None
            # Read while the process is running: unflushed output would never arrive.
            late, printed = threading.Timer(DEADLINE, process.kill), ""
            late.start()
            while not printed.rpartition("\n")[0].rpartition("\n")[2].startswith(LAST_LINE):
                line = process.stdout.readline()
                assert line, printed
                printed += line
            late.cancel()
            url = printed.partition("konagraph answers on ")[2].partition(" ")[0]
            return Shown(url, printed)

        yield start


async def test_dev_prints_its_address_a_request_and_its_cards_into_a_pipe_at_once(
    dev_as: Callable[..., Shown],
) -> None:
    url, printed = dev_as()
    last = printed.splitlines()[-1]
    assert last == f"{LAST_LINE}{shlex.quote(sys.executable)} -m graph sandbox --list"
    host, _, rest = url.removeprefix("http://").partition(":")
    assert (host, rest.partition("/")[2]) == ("127.0.0.1", "graphql")
    assert int(rest.partition("/")[0]) > 0
    assert f"  curl --noproxy '*' {url} -H 'Content-Type: application/json' -d " in printed
    for card in CARDS.values():
        row = next(line for line in printed.splitlines() if line.startswith(f"  {card.number}  "))
        assert row.endswith(f"  {card.description}")
        assert f" {card.fields['balance']:,} won " in row


@pytest.mark.parametrize(
    ("options", "told"), [((), "member 2005"), (("--as", "2012"), "member 2012"), (("--as", "none"), None)]
)
def test_dev_says_who_every_caller_is(
    dev_as: Callable[..., Shown], options: tuple[str, ...], told: str | None
) -> None:
    said = [line for line in dev_as(*options).printed.splitlines() if line.startswith("Every caller is ")]
    if told is None:
        assert said == []
    else:
        assert said == [f"Every caller is {told} of the sandbox with every scope; --as takes another."]


async def pasted(dev: Command | Shown, **replaced: str) -> dict[str, Any]:
    """Run the printed request in a shell whose environment names a proxy, and return the answer."""
    require_tool("curl", present=shutil.which("curl") is not None, how="on Debian `apt-get install curl`")
    if isinstance(dev, Command):
        await dev.line("Cards of the sandbox")
    script = dev.printed.rpartition(":\n\n  curl ")[2].partition("Cards of the sandbox")[0]
    for placeholder, value in replaced.items():
        script = script.replace(placeholder, value)
    shell = await asyncio.create_subprocess_exec(
        "sh",
        "-c",
        f"curl --silent --show-error --fail {script}",
        env={**bare_environment(), "http_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE):
        printed, complaints = await shell.communicate()
    assert (shell.returncode, complaints) == (0, b"")
    answer: dict[str, Any] = json.loads(printed)
    return answer


FIRST_ANSWER = {
    "data": {
        "card": {
            "maskedCardNo": "949133******0013",
            "balance": 50_000,
            "cardStatus": "ACTIVE",
            "serviceName": "샌드박스 선불카드",
            "member": {"userId": "1001", "profile": {"userName": "김샌드", "email": "kim@example.com"}},
        }
    }
}


async def test_the_request_that_dev_prints_runs_in_a_shell(dev_as: Callable[..., Shown]) -> None:
    assert "\nTry it:" in dev_as().printed
    cards = (await pasted(dev_as()))["data"]["viewer"]["member"]["cards"]
    assert len(cards) == 5
    assert cards[0] == {"maskedCardNo": "949133******0014", "balance": 182_350}


@pytest.mark.parametrize(("member", "count"), [("2012", 12), ("2000", 0)])
async def test_my_cards_are_those_of_the_member_that_was_chosen(
    dev_as: Callable[..., Shown], member: str, count: int
) -> None:
    assert len((await pasted(dev_as("--as", member)))["data"]["viewer"]["member"]["cards"]) == count


async def test_a_caller_who_is_no_member_asks_for_a_card_by_its_number(
    dev_as: Callable[..., Shown], client: httpx.AsyncClient
) -> None:
    dev = dev_as("--as", "none")
    async with client:
        mine = await client.post(dev.url, json={"query": "{ viewer { member { userId } } }"})
    assert "\nTry it:" in dev.printed
    assert await pasted(dev) == FIRST_ANSWER
    assert mine.json() == {"data": {"viewer": {"member": None}}}


async def test_it_brings_a_token_of_the_signer_whose_settings_were_exported(tmp_path: Path) -> None:
    status, _, told = await run("token", "--directory", str(tmp_path / "a 'quoted' folder"))
    assert status == 0
    async with command("dev", "--port", "0", **exported(told)) as dev:
        await dev.line("Try it:")
        assert await pasted(dev) == FIRST_ANSWER


async def test_it_says_where_a_token_of_somebody_else_belongs(tmp_path: Path) -> None:
    signer = DevelopmentSigner.in_directory(tmp_path)
    (tmp_path / "jwks.json").rename(tmp_path / "other.json")
    settings = {**signer_settings(tmp_path), "KONAGRAPH_JWT_JWKS": str(tmp_path / "other.json")}
    token = signer.token("x", scopes=["cards:read:any", "member:read"], lifetime=60)
    async with command("dev", "--port", "0", **settings) as dev:
        assert await dev.line("Try it, ") == "with a token of KONAGRAPH_JWT_ISSUER in place of YOUR_TOKEN:"
        assert await pasted(dev, YOUR_TOKEN=token) == FIRST_ANSWER


async def test_it_says_where_an_api_key_belongs(tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    digest = hashlib.sha256(b"a-key-of-this-test").hexdigest()
    keys.write_text(f'[[keys]]\nname = "a"\nsha256 = "{digest}"\nscopes = ["cards:read:any", "member:read"]\n')
    settings = {"KONAGRAPH_AUTH": "api-key", "KONAGRAPH_API_KEYS": str(keys)}
    async with command("dev", "--port", "0", **settings) as dev:
        assert await dev.line("Try it, ") == "with a key of KONAGRAPH_API_KEYS in place of YOUR_KEY:"
        assert await pasted(dev, YOUR_KEY="a-key-of-this-test") == FIRST_ANSWER


def greeted(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what `dev` prints with or without GraphiQL's files in this folder."""
    explorer = Explorer(folder, endpoint="/graphql", default_query="", default_variables="")
    greet("http://127.0.0.1:1/graphql", sandbox_settings(), explorer, None)
    return capsys.readouterr().out


def test_graphiql_is_promised_where_it_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in PAGE_FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert "/graphql (a browser shows GraphiQL), with its own sandbox" in greeted(tmp_path, capsys)


def test_where_its_files_are_missing_it_says_how_to_get_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = greeted(tmp_path, capsys)
    assert "/graphql with its own sandbox behind it." in said
    assert "In a checkout `make explorer`" in said
    assert "a browser shows GraphiQL" not in said


async def test_where_graphiql_is_switched_off_it_says_how_to_switch_it_on() -> None:
    async with command("dev", "--port", "0", KONAGRAPH_INTROSPECTION="false") as dev:
        assert (await dev.line("konagraph answers on ")).endswith("/graphql with its own sandbox behind it.")
        await dev.line("Try it:")

    assert "KONAGRAPH_INTROSPECTION=true switches GraphiQL on" in dev.printed
    assert "a browser shows GraphiQL" not in dev.printed


@pytest.mark.parametrize(
    ("started_as", "shown"),
    [
        ("/usr/bin/env", "env"),
        ("/opt/a folder/bin/konagraph", "'/opt/a folder/bin/konagraph'"),
        (".venv/bin/konagraph", ".venv/bin/konagraph"),
    ],
)
def test_a_command_is_shown_as_this_one_was_given(
    started_as: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [started_as])
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert shown == program()


async def test_dev_answers_the_contract_query_without_any_setting(
    dev_as: Callable[..., Shown], client: httpx.AsyncClient
) -> None:
    async with client:
        response = await client.post(dev_as().url, json=request(CONTRACT_QUERY, FIRST_CARD))

    assert response.status_code == 200
    assert "errors" not in response.json()
    assert response.json()["data"]["card"]["member"]["profile"]["userName"] == "김샌드"
    assert "server" not in response.headers


@pytest.mark.parametrize(
    ("options", "asked"), [((), "query MyCards "), (("--as", "none"), FIRST_CARD)], ids=["a member", "nobody"]
)
async def test_the_first_query_of_graphiql_asks_for_cards_of_the_sandbox(
    dev_as: Callable[..., Shown], options: tuple[str, ...], asked: str, client: httpx.AsyncClient
) -> None:
    installed = (ROOT / "explorer" / "node_modules" / "graphiql").is_dir()
    require_tool("GraphiQL", present=installed, how="run `make explorer`")
    async with client:
        page = await client.get(dev_as(*options).url, headers={"Accept": "text/html"})

    assert page.status_code == 200
    assert asked in page.text
