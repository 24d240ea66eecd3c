"""`konagraph completion`: each shell loads it, and offers commands and options."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_cli_commands import invoke
from tests.conftest import clean_environment
from tests.tools import require_tool

# What a shell does when somebody types `konagraph export-` or `konagraph version --` and presses Tab.
OFFER = {
    "bash": (
        "COMP_WORDS=({words}) COMP_CWORD={last}; _konagraph_completion konagraph; "
        'printf "%s\\n" "${{COMPREPLY[@]}}"'
    ),
    "fish": 'complete -C "{words}"',
}


def shell(name: str, home: Path, program: str) -> list[str]:
    """The lines that a program in a shell prints, after it has loaded our completion."""
    require_tool(name, present=shutil.which(name) is not None, how=f"on Debian `apt-get install {name}`")
    script = home / "completion"
    script.write_text(invoke("completion", name).stdout, encoding="utf-8")
    bare = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[name]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [name, *bare, "-c", program.replace("SCRIPT", str(script))],
        env={"PATH": path, "HOME": str(home), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", OFFER)
@pytest.mark.parametrize(
    ("typed", "offered"),
    [("export-", {"export-schema", "export-errors"}), ("version --", {"--json", "--help"})],
)
def test_commands_and_options_are_offered(tmp_path: Path, name: str, typed: str, offered: set[str]) -> None:
    words = f"konagraph {typed}"
    ask = OFFER[name].format(words=words, last=words.count(" "))
    # fish has descriptions behind tabs.
    assert {line.partition("\t")[0] for line in shell(name, tmp_path, f"source SCRIPT; {ask}")} == offered


def test_zsh_knows_whom_to_ask(tmp_path: Path) -> None:
    program = "autoload -U compinit; compinit -u -D; source SCRIPT; print -r -- $_comps[konagraph]"
    assert shell("zsh", tmp_path, program) == ["_konagraph_completion"]


def test_another_shell_is_refused_with_those_that_there_are() -> None:
    result = invoke("completion", "tcsh")
    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["--help"], {}),
        ([], {"_KONAGRAPH_COMPLETE": "bash_complete", "COMP_WORDS": "konagraph ", "COMP_CWORD": "1"}),
    ],
)
def test_to_list_all_commands_imports_none_of_them(arguments: list[str], variables: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "graph", *arguments],
        env=clean_environment() | variables,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "leak-audit" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {name for name in imported if name.startswith("graph")} <= {"graph", "graph.cli", "graph.__main__"}
