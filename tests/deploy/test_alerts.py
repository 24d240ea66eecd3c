"""The alert rules: each fires when and only when it should, uses known metrics, and is documented."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from graph.resilience.breaker import State
from graph.telemetry.conventions import FAULTS
from graph.telemetry.protection import BUDGETS, KEY_STATES
from schema.errors import ErrorCode
from tests.deploy.alert_cases import CASES, Case
from tests.deploy.known_metrics import OWN, RENDERED, metrics_in, missing
from tests.tables import table
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from pathlib import Path

PROMETHEUS = ROOT / "deploy" / "prometheus"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
METRICS = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = [
    rule for group in YAML(typ="safe").load(PROMETHEUS / "alerts.yml")["groups"] for rule in group["rules"]
]


def promtool(*arguments: str) -> str:
    """The complaints of promtool."""
    require_tool(
        "promtool", present=shutil.which("promtool") is not None, how="install Debian's package prometheus"
    )
    result = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=60)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def firing(case: Case, series: dict[str, str], count: int) -> dict[str, Any]:
    """Expected alerts in promtool's format."""
    return {
        "interval": "15s",
        "name": case.alert,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"}})',
                "eval_time": case.at,
                "exp_samples": [{"labels": "{}", "value": count}] if count else [],
            }
        ],
    }


def unit_tests(folder: Path, *, swapped: bool = False) -> str:
    """Promtool's output for the cases."""
    files = []
    for number, case in enumerate(CASES):
        # With the case's own rule alone: promtool evaluates every rule of a file, every 15 seconds.
        rules, tests = folder / f"rules{number}.yml", folder / f"tests{number}.yml"
        rule = [rule for rule in RULES if rule["alert"] == case.alert]
        rules.write_text(json.dumps({"groups": [{"name": case.alert, "rules": rule}]}))
        expected = [firing(case, case.firing, 0 if swapped else 1), firing(case, case.quiet, 1 if swapped else 0)]
        tests.write_text(json.dumps({"rule_files": [rules.name], "evaluation_interval": "15s", "tests": expected}))
        files.append(str(tests))
    return promtool("test", "rules", *files)


def test_the_configuration_is_one() -> None:
    assert promtool("check", "config", str(PROMETHEUS / "prometheus.yml")) == ""
    assert promtool("check", "rules", "--lint=all", "--lint-fatal", str(PROMETHEUS / "alerts.yml")) == ""


def test_every_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    assert unit_tests(tmp_path) == ""


def test_a_wrong_expectation_is_noticed_for_every_case(tmp_path: Path) -> None:
    complaints = unit_tests(tmp_path, swapped=True)
    assert 2 * len(CASES) == len(re.findall(r"exp:", complaints))


def test_every_alert_has_a_case() -> None:
    assert {rule["alert"] for rule in RULES} == {case.alert for case in CASES}


@table("rule", RULES)
def test_an_alert_is_of_figures_that_there_are(rule: dict[str, Any]) -> None:
    assert metrics_in(rule["expr"])
    assert set() == missing(rule["expr"])


@table("rule", RULES)
def test_an_alert_says_how_bad_it_is_and_where_it_is_explained(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    section = OPERATIONS.partition(f"\n### {rule['alert']}\n")[2]
    assert section.lstrip().startswith(rule["labels"]["severity"].capitalize() + ".")


def test_no_alert_is_explained_that_there_is_not() -> None:
    assert {rule["alert"] for rule in RULES} == set(re.findall(r"^### (Konagraph\w+)$", OPERATIONS, re.MULTILINE))


def test_the_codes_and_states_that_the_rules_name_are_those_of_the_gateway() -> None:
    known = {
        # The last is HAProxy's class of statuses.
        "code": {*(code.value for code in ErrorCode), "5xx"},
        "budget": set(BUDGETS),
        "state": {*State, *KEY_STATES},
        "echo": {"another call's"},
        # The empty one is that of a request without an error.
        "error_type": {"", *FAULTS, "RejectedError", "InvalidResponseError"},
    }
    for rule in RULES:
        for label, value in re.findall(r'(\w+)(?:!=|=)"([^"]*)"', rule["expr"]):
            if label in known:
                assert value in known[label]
        assert "=~" not in rule["expr"]


def test_every_figure_is_explained_with_its_labels() -> None:
    rows = re.findall(r"^\| `((?:konagraph|http)_\w+)` \|([^|]*)\|", METRICS, re.MULTILINE)
    families: dict[str, set[str]] = {}
    for name, labels in RENDERED.items():
        if name.startswith(OWN):
            families.setdefault(re.sub(r"_(bucket|sum|count)$", "", name), set()).update(labels - {"le"})
    assert families == {name: set(re.findall(r"\w+", labels)) for name, labels in rows}
