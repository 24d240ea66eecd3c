"""The alert rules: each has a case, uses known metrics, and is documented."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML

from graph.resilience.breaker import State
from graph.telemetry.conventions import FAULTS
from graph.telemetry.protection import BUDGETS, KEY_STATES
from schema.errors import ErrorCode
from tests.deploy.alert_cases import CASES
from tests.deploy.known_metrics import OWN, RENDERED, metrics_in, missing
from tests.tables import table
from tests.tools import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
METRICS = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = [
    rule for group in YAML(typ="safe").load(PROMETHEUS / "alerts.yml")["groups"] for rule in group["rules"]
]


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
