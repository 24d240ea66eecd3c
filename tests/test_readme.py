"""README is true: its commands run, its samples are real answers, its names exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from graph import __version__
from graph.sandbox.credentials import SandboxCredentials
from tests.conftest import clean_environment
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from pathlib import Path

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE_ADDRESS: Final = "http://127.0.0.1:8000/graphql"
SECONDS: Final = 60


def blocks(title: str, language: str) -> list[str]:
    """The code blocks in a language below a heading."""
    section = README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def block(title: str, language: str) -> str:
    """The first of them."""
    return blocks(title, language)[0]


def shell(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run lines of README in a folder where `.venv/bin/konagraph` is the command of this checkout."""
    launcher = folder / ".venv" / "bin" / "konagraph"
    if not launcher.exists():
        launcher.parent.mkdir(parents=True)
        launcher.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m konagraph "$@"\n')
        launcher.chmod(0o755)
    return subprocess.run(
        ["sh", "-ec", script],
        cwd=folder, env={**clean_environment(), **variables}, capture_output=True, text=True, check=False,
        timeout=SECONDS,
    )  # fmt: skip


def asked(script: str, url: str, folder: Path) -> dict[str, Any]:
    """The answer to a request that README shows."""
    require_tool("curl", present=shutil.which("curl") is not None, how="on Debian `apt-get install curl`")
    assert EXAMPLE_ADDRESS in script
    script = script.replace(EXAMPLE_ADDRESS, url).replace("curl ", "curl -sf --noproxy '*' ", 1)
    answer: dict[str, Any] = json.loads(shell(script, folder).stdout)
    return answer


def test_the_query_is_answered_as_shown(gateway_url: str, tmp_path: Path) -> None:
    assert json.loads(block("One query", "json")) == asked(block("One query", "sh"), gateway_url, tmp_path)


def test_the_next_queries_are_answered(gateway_url: str, tmp_path: Path) -> None:
    history, card = (asked(script, gateway_url, tmp_path) for script in blocks("One query", "sh")[1:])
    counts = [len(each["transactions"]["nodes"]) for each in history["data"]["viewer"]["member"]["cards"]]
    assert (len(counts), max(counts)) == (5, 2)
    assert card["data"]["card"]["member"]["profile"]["userName"]
    assert "errors" not in history.keys() | card.keys()


def test_the_error_is_as_shown(gateway_url: str) -> None:
    shown: dict[str, Any] = json.loads(block("One error", "json"))
    sent = re.search(r"-d '(.*)'$", block("One error", "sh").strip(), re.DOTALL)
    assert sent is not None
    answer = httpx.post(gateway_url, json=json.loads(sent[1]), trust_env=False).json()
    assert answer["data"] == {"card": None}
    (error,) = answer["errors"]
    for one in (shown, error):
        for extensions, name in (
            (one["extensions"], "requestId"),
            (one["extensions"]["upstream"], "correlationId"),
        ):
            extensions[name] = len(extensions[name])
    assert shown == error


@pytest.mark.parametrize(
    "line", [line for line in README.splitlines() if line.startswith(".venv/bin/konagraph token")]
)
def test_the_token_command_gives_a_token(line: str, tmp_path: Path) -> None:
    result = shell(line, tmp_path)
    assert result.returncode == 0
    assert re.fullmatch(r"ey[\w-]+\.[\w-]+\.[\w-]+", result.stdout.strip())


def test_the_reserved_cards_are_listed_by_the_command_that_is_named(tmp_path: Path) -> None:
    (command,) = re.findall(r"`(\.venv/bin/konagraph sandbox [^`]*)`", README)
    assert "9491339491000088" in shell(command, tmp_path).stdout


def test_the_settings_shown_are_complete(tmp_path: Path) -> None:
    credentials = SandboxCredentials.generate().gateway_settings()
    for name in ("KONAPLATE_ACCESS_KEY", "KONAPLATE_SECRET_KEY"):
        (tmp_path / name).write_text(credentials[name])
    (tmp_path / "server.pem").write_text(credentials["KONAPLATE_SERVER_PUBLIC_KEY"])
    (tmp_path / "client.pem").write_text(credentials["KONAPLATE_CLIENT_PRIVATE_KEY"])
    script = block("Run it against Konaplate", "sh")
    assert script.rstrip().endswith(".venv/bin/konagraph serve")
    script = script.replace(".venv/bin/konagraph serve", "")
    for name in re.findall(r"(KONA\w+)=…", script):
        value = name.removesuffix("_FILE") if name.endswith("_FILE") else credentials[name]
        script = script.replace(f"{name}=…", f"{name}={value}")
    result = shell(script, tmp_path)
    assert result.returncode == 0, result.stderr


def test_its_profiles_and_its_version_are_those_that_there_are() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    profiles = re.findall(r"--profile (\w+)", README)
    assert profiles
    assert [profile for profile in profiles if f"profiles: [{profile}]" not in compose] == []
    assert set(re.findall(r"konagraph-([\d.]+)-py3", README)) == {__version__}
