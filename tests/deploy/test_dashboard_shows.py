"""What the panels show before anything has gone wrong, evaluated by a real Prometheus."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from graph.sandbox.ledger import FIRST_CARD
from tests.deploy.known_metrics import OF_HAPROXY
from tests.deploy.test_alerts_fire import promtool
from tests.deploy.test_dashboard import PANELS
from tests.support import gateway

if TYPE_CHECKING:
    from pathlib import Path

_COUNTED = re.compile(r"_(total|count|sum|bucket)$")
_PROXIES = {"frontend": "clients", "backend": "gateways"}
_SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def steady(exposition: str, job: str) -> dict[str, str]:
    """Series whose counters grow by their value in each interval, and whose gauges stay."""
    found = {}
    for name, labels, value in _SERIES.findall(exposition):
        target = f'job="{job}",instance="one"'
        values = f"0+{value}x80" if _COUNTED.search(name) else f"{value}x80"
        found[f"{name}{{{','.join(filter(None, (labels, target)))}}}"] = values
    return found


async def healthy() -> dict[str, str]:
    """The series of a gateway with only successful requests, and of its neighbours."""
    async with gateway() as running:
        answer = await running.query(
            "query Card($n: CardNumber!) { card(cardNo: $n) { balance } }", {"n": FIRST_CARD}
        )
        assert "errors" not in answer
        exposition = running.metrics.render().decode()
    around = [f'{name}{{proxy="{_PROXIES[name.split("_")[1]]}",code="2xx"}} 0' for name in OF_HAPROXY]
    return {
        **steady(exposition, "konagraph"),
        **steady("\n".join(around), "haproxy"),
        **{f'up{{job="{job}",instance="one"}}': "1x80" for job in ("konagraph", "haproxy", "alertmanager")},
    }


def shows_a_number(panel: dict[str, Any]) -> str:
    """An expression that is 1 if any of a panel's queries has a value; NaN is not equal to itself."""
    queries = [
        query["expr"].replace('"$instance"', '".+"').replace("$__rate_interval", "1m")
        for query in panel["targets"]
    ]
    return f"sgn(count({' or '.join(f'(({query}) == ({query}))' for query in queries)}))"


async def complaints(folder: Path, panels: list[dict[str, Any]]) -> str:
    """Promtool's output for panels that must not be empty."""
    checks = [
        {"expr": shows_a_number(panel), "eval_time": "15m", "exp_samples": [{"labels": "{}", "value": 1}]}
        for panel in panels
    ]
    series = [{"series": name, "values": values} for name, values in (await healthy()).items()]
    test = {"interval": "15s", "input_series": series, "promql_expr_test": checks}
    file = folder / "panels.yml"
    file.write_text(json.dumps({"evaluation_interval": "15s", "tests": [test]}))
    return promtool("test", "rules", str(file))


async def test_no_panel_is_empty_until_something_goes_wrong(tmp_path: Path) -> None:
    assert await complaints(tmp_path, PANELS) == ""


async def test_a_panel_that_is_empty_is_noticed(tmp_path: Path) -> None:
    empty = {"targets": [{"expr": 'sum by (code) (rate(konagraph_errors_total{instance=~"$instance"}[1m])) > 0'}]}
    assert "exp:" in await complaints(tmp_path, [empty])
