"""Schemathesis: valid and invalid queries for the schema."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graph.sandbox.faults import FAULTS, NEVER, SLOW, Altered
from graph.sandbox.ledger import CARDS
from tests.outside.suggesting_server import SCHEMA
from tests.outside.toolbox import run_tool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.outside.attacked import Attacked

HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
EXAMPLES = 30
"""Generated queries for each field of the root."""
ROOTS = len(SCHEMA.query_type.fields if SCHEMA.query_type else ())

# No waiting in these tests.
PROMPT_FAULTS = [
    fault.number
    for fault in FAULTS.values()
    if not (isinstance(fault.behaviour, Altered) and fault.behaviour.delay in (NEVER, SLOW))
    and fault.description != "a member who times out"
]


def fuzz(
    gateway: Attacked, folder: Path, *arguments: str, cards: Iterable[str], valid: bool
) -> tuple[dict[str, Any], str]:
    """Run the fuzzer with a fixed seed; its report and output."""
    report = folder / "report.json"
    ran = run_tool(
        "schemathesis",
        *("run", gateway.url, "--phases", "fuzzing", "--seed", "20260101", "--max-examples", str(EXAMPLES)),
        *("--no-shrink", "--workers", "1", "--request-timeout", "5"),
        *("--report", "json", "--report-json-path", str(report), *arguments),
        folder=folder,
        SCHEMATHESIS_HOOKS=str(HOOKS),
        CARDS=json.dumps(list(cards)),
        VALID="1" if valid else "0",
    )
    assert report.exists(), ran.stdout + ran.stderr
    return json.loads(report.read_text(encoding="utf-8")), ran.stdout


def assert_found_nothing(report: dict[str, Any], printed: str) -> None:
    assert report["failures"] == [], printed
    assert report["errors"] == [], printed
    assert (report["exit_code"], report["stop_reason"], report["complete"]) == (0, "completed", True)
    assert {name: count for name, count in report["operations"].items() if isinstance(count, int)} == {
        "total": ROOTS,
        "selected": ROOTS,
        "tested": ROOTS,
        "errored": 0,
        "skipped": 0,
    }
    assert report["test_cases"]["generated"] > EXAMPLES
    assert report["test_cases"]["without_checks"] == 0


def codes_of(gateway: Attacked) -> Counter[str]:
    """The number of responses by code; `OK` without an error."""
    gateway.settle()
    requests = [line for line in gateway.lines() if line["event"] == "request"]
    return Counter(code for line in requests for code in line["codes"] or ["OK"])


def test_every_generated_query_is_answered_and_every_broken_one_refused(
    roomy_gateway: Attacked, tmp_path: Path
) -> None:
    report, printed = fuzz(
        roomy_gateway,
        tmp_path,
        # Valid queries may have errors: no id that the tool makes up is one, and few of its days make a span.
        *("--mode", "all", "--checks", "all", "--exclude-checks", "not_a_server_error,positive_data_acceptance"),
        cards=CARDS,
        valid=True,
    )

    assert_found_nothing(report, printed)
    # The tool knows few mutations for this schema; the other files have more.
    codes = codes_of(roomy_gateway)
    assert codes["GRAPHQL_VALIDATION_FAILED"] > 0
    assert codes["OK"] > EXAMPLES
    assert codes.keys() <= {
        "OK",
        "GRAPHQL_VALIDATION_FAILED",
        "BAD_USER_INPUT",
        "QUERY_LIMIT_EXCEEDED",
        "NODE_NOT_FOUND",
        "MEMBER_NOT_FOUND",
        # The virtual account of a card that has none.
        "UPSTREAM_ERROR",
    }


def test_no_generated_query_makes_a_failing_upstream_our_own_failure(
    open_gateway: Attacked, tmp_path: Path
) -> None:
    report, printed = fuzz(
        open_gateway,
        tmp_path,
        *("--mode", "positive", "--checks", "foreseen,response_schema_conformance"),
        cards=PROMPT_FAULTS,
        valid=False,
    )

    assert_found_nothing(report, printed)
    assert codes_of(open_gateway).keys() >= {
        "BAD_USER_INPUT",
        "CARD_NOT_FOUND",
        "UPSTREAM_INVALID_RESPONSE",
        "UPSTREAM_REJECTED",
        "UPSTREAM_UNAVAILABLE",
    }
