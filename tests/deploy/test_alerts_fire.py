"""The alert rules: each fires when and only when it should, by promtool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from tests.deploy.alert_cases import CASES, Case
from tests.deploy.test_alerts import PROMETHEUS, RULES
from tests.tools import require_tool

if TYPE_CHECKING:
    from pathlib import Path


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
