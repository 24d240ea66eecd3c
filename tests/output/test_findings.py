"""How findings are printed, for every command that has some."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner, Result

from graph.output.findings import Finding, clock_finding, print_findings, takes_format

GOOD = Finding("clock", "good", "agrees with Konaplate's")
WARNING = Finding("settings", "warning", "KONAGRAPH_PROT is not a setting", "see docs/configuration.md")
BAD = Finding("Redis", "bad", "ConnectionError", "check KONAGRAPH_REDIS_URL")


def printed(findings: list[Finding], *arguments: str) -> Result:
    @click.command()
    @takes_format
    def command(form: str) -> None:
        print_findings(findings, form)

    return CliRunner().invoke(command, arguments)


def test_text_has_a_line_for_each_finding_and_its_advice_below() -> None:
    assert printed([GOOD, WARNING, BAD]).output == (
        "good     clock: agrees with Konaplate's\n"
        "warning  settings: KONAGRAPH_PROT is not a setting\n"
        "         -> see docs/configuration.md\n"
        "BAD      Redis: ConnectionError\n"
        "         -> check KONAGRAPH_REDIS_URL\n"
    )


def test_json_has_the_same_four_words_for_each() -> None:
    assert json.loads(printed([GOOD, BAD], "--format", "json").output) == [
        {"what": "clock", "verdict": "good", "seen": "agrees with Konaplate's", "advice": ""},
        {"what": "Redis", "verdict": "bad", "seen": "ConnectionError", "advice": "check KONAGRAPH_REDIS_URL"},
    ]
    assert json.loads(printed([], "--format", "json").output) == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_only_what_is_bad_fails_the_command(form: str) -> None:
    assert printed([GOOD, WARNING], "--format", form).exit_code == 0
    assert printed([GOOD, BAD, WARNING], "--format", form).exit_code == 1


def test_what_servers_say_cannot_move_the_cursor_or_begin_a_line() -> None:
    seen = Finding("collector", "bad", "\x1b[2Jgone\nBAD  forged", "\u202eback")
    assert printed([seen]).output == "BAD      collector: \\x1b[2Jgone\\nBAD  forged\n         -> \\u202eback\n"


@pytest.mark.parametrize(
    ("skew", "verdict", "seen"),
    [
        (None, "warning", "Konaplate sends no usable Date header"),
        (2.0, "good", "agrees with Konaplate's to two seconds"),
        (90.4, "bad", "90 s behind Konaplate's"),
        (-90.4, "bad", "90 s ahead of Konaplate's"),
    ],
)
def test_a_clock_is_judged_by_konaplates(skew: float | None, verdict: str, seen: str) -> None:
    found = clock_finding(skew)
    assert (found.verdict, found.seen) == (verdict, seen)
