"""vamp-graphql-audit checks common mistakes of GraphQL servers: batches, aliases, suggestions, injection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.outside.toolbox import run_tool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.outside.attacked import Attacked

# Severity and kind of expected findings, and why they are harmless.
JUDGED = {
    ("INFO", "GraphQL Endpoint Exposed"),  # an endpoint is attacked
    ("HIGH", "Insecure Transport"),  # the tests speak HTTP on this machine; TLS ends in front of the gateway
    # "line" is in the answer: as the name of a location in the client's own document.
    ("MEDIUM", "Verbose Variable Error"),
    # The cycle is refused with a message that the tool does not know: the fragment "spreads itself".
    ("CRITICAL", "GQL-HOTCHOC-001 Recursive Fragment DoS"),
    # Any server that ignores the header x-hasura-role has this finding.
    ("CRITICAL", "GQL-HASURA-001 Row-Level Permission Bypass"),
}
SWITCHED_OFF = {("INFO", "Introspection Disabled"), ("INFO", "APQ Not Supported")}
SWITCHED_ON = {
    ("CRITICAL", "Introspection Enabled"),
    ("HIGH", "Sensitive Field Exposure"),  # MemberProfile.email, which needs a scope
    ("INFO", "Framework Fingerprint"),  # the directive @deprecated
    ("LOW", "Custom Directive Disclosure"),  # @oneOf and @semanticNonNull
    ("HIGH", "APQ Enabled — PersistedQueryNotFound"),
    ("MEDIUM", "APQ Store and Retrieve"),
    # Its anonymous caller has every scope; `member` shows no more than a type's name, and `nodes` only nulls.
    ("CRITICAL", "BOLA / IDOR"),
    # `terms` finds none of the kind that the payload names.
    ("HIGH", "NoSQL Injection"),
}


def audit(gateway: Attacked, folder: Path) -> list[dict[str, Any]]:
    """Run the audit; its findings."""
    report = folder / "report.json"
    # It takes three letters of a random request id, "sql" in any case, for an injection.
    request_id = ("--header", "x-request-id: audit")
    options = ("--target", gateway.url, "--json", str(report), "--timeout", "5")
    ran = run_tool("vamp-graphql-audit", *options, *request_id, folder=folder)
    # It exits with 1 after a severe finding, and with 2 if it could not run.
    assert ran.returncode == 1, ran.stdout + ran.stderr
    findings: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["findings"]
    return findings


def kinds(findings: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(finding["severity"], finding["type"]) for finding in findings}


def codes_of(gateway: Attacked) -> set[str]:
    gateway.settle()
    return {code for line in gateway.lines() if line["event"] == "request" for code in line["codes"]}


def test_the_audit_finds_only_what_is_known_to_be_no_fault(closed_gateway: Attacked, tmp_path: Path) -> None:
    findings = audit(closed_gateway, tmp_path)

    assert kinds(findings) == JUDGED | SWITCHED_OFF, findings
    # It has tried batches, amplified fragments and guesses.
    assert {"BAD_REQUEST", "QUERY_LIMIT_EXCEEDED", "GRAPHQL_VALIDATION_FAILED"} <= codes_of(closed_gateway)


def test_the_audit_finds_no_more_with_the_schema_in_its_hands(open_gateway: Attacked, tmp_path: Path) -> None:
    findings = audit(open_gateway, tmp_path)

    assert kinds(findings) == JUDGED | SWITCHED_ON, findings
    assert {"BAD_REQUEST", "QUERY_LIMIT_EXCEEDED", "BAD_USER_INPUT"} <= codes_of(open_gateway)
