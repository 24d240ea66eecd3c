"""The official audits of the GraphQL-over-HTTP specification."""

import json
import shutil
import subprocess
from typing import NotRequired, TypedDict

from tests.tools import ROOT, require_tool

NODE_TESTS = ROOT / "tests" / "node"


class Audit(TypedDict):
    id: str
    name: str
    status: str
    reason: NotRequired[str | None]


def run_audits(url: str) -> list[Audit]:
    node = shutil.which("node")
    require_tool("node", present=node is not None, how="install Node 18 or newer")
    require_tool(
        "npm package graphql-http",
        present=(NODE_TESTS / "node_modules" / "graphql-http").is_dir(),
        how="`make test` installs it",
    )
    command = [node or "node", "audit.mjs", url]
    ran = subprocess.run(command, cwd=NODE_TESTS, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_every_graphql_over_http_audit_passes(gateway_url: str) -> None:
    audits = run_audits(gateway_url)

    failed = [
        f"{audit['id']} {audit['status']}: {audit['name']}: {audit.get('reason')}"
        for audit in audits
        if audit["status"] != "ok"
    ]
    assert not failed, "\n".join(failed)
    assert len({audit["id"] for audit in audits}) == 61
