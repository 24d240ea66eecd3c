"""Commands in shells that give them no input, no room for output, or arguments that are no text."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.cli.processes import DEADLINE
from tests.conftest import clean_environment
from tests.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

KONAGRAPH: Final = f"{sys.executable} {ROOT / 'konagraph.py'}"


@pytest.mark.parametrize(
    ("command", "status", "told"),
    [
        ("export-schema >/dev/full", 1, "konagraph: the output cannot be written: No space left on device"),
        ("audit card-ref <&-", 2, "standard input has no card number: it has 16 digits"),
        ("token --subject $(printf '\\377')", 1, "konagraph: an argument is not text in UTF-8."),
    ],
)
def test_what_a_shell_cannot_give_is_told_in_a_line(command: str, status: int, told: str, tmp_path: Path) -> None:
    ended = subprocess.run(  # noqa: S602 - the shell is what is tried
        f"{KONAGRAPH} {command}",
        shell=True,
        cwd=tmp_path,
        env={**clean_environment(), "KONAGRAPH_CARD_REF_KEY": "k" * 32},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (status, "")
    assert ended.stderr.splitlines()[-1] == told
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("redirections", "log_format"),
    [
        (">/dev/full", "json"),
        ("<&- >&-", "json"),
        ("2>&-", "console"),
        ("2>/dev/full", "console"),
    ],
)
def test_a_gateway_that_cannot_write_its_greeting_or_its_log_runs(
    redirections: str, log_format: str, tmp_path: Path
) -> None:
    # The unknown setting is worth a warning on standard error.
    settings = {"KONAGRAPH_LOG_FORMAT": log_format, "KONAGRAPH_NONSENSE": "1"}
    with subprocess.Popen(  # noqa: S602 - the shell is what is tried
        f"exec {KONAGRAPH} dev --port 0 {redirections}",
        shell=True,
        cwd=tmp_path,
        env={**clean_environment(), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as gateway:
        try:
            assert gateway.stdout is not None
            told = ""
            while (url := re.search(r"http://[\d.:]+/graphql", told)) is None:
                line = gateway.stdout.readline()
                assert line, told
                told += line
            answer = httpx.post(url[0], json={"query": "{ __typename }"}, timeout=DEADLINE, trust_env=False)
            gateway.send_signal(signal.SIGTERM)
            status = gateway.wait(DEADLINE)
        finally:
            gateway.kill()
    assert (answer.json(), status) == ({"data": {"__typename": "Query"}}, 0)
