"""Every query of the dashboard and every alert, asked of a real Prometheus that scrapes a real gateway."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx
import pytest

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import FIRST_CARD
from schema.errors import ErrorCode
from tests.cli.processes import DEADLINE, command
from tests.deploy.balancer import balancer, loopback_network
from tests.deploy.prometheus import prometheus
from tests.deploy.test_alerts import RULES
from tests.deploy.test_dashboard import DASHBOARD, PANELS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deploy.prometheus import Prometheus

NO_ALERTMANAGER: Final = "there is no Alertmanager"
EMPTY: Final = {
    "alertmanager_notifications_failed_total": NO_ALERTMANAGER,
    'up{job="alertmanager"} == 1': NO_ALERTMANAGER,
    'up{job="konagraph"} == 0': "the gateway answers",
    "konagraph_breaker_changes_total": "no breaker opens: calls for reserved cards are counted apart",
    "konagraph_refusals_total": "a member of the sandbox with every scope is refused nothing",
}
"""What has no data here, by a part of its query, and why."""
CARD: Final = "query Card($n: CardNumber!) { card(cardNo: $n) { balance } }"
CODES: Final = (
    ErrorCode.UPSTREAM_UNAVAILABLE,
    ErrorCode.UPSTREAM_REJECTED,
    ErrorCode.UPSTREAM_INVALID_RESPONSE,
)
FAILING: Final = [next(fault.number for fault in FAULTS.values() if fault.code is code) for code in CODES]
_NOTHING: Final = "konagraph_no_such_metric"
_PAUSE: Final = 0.1
_PATIENCE: Final = 20


class Answers(NamedTuple):
    """What Prometheus knew."""

    values: dict[str, list[float]]
    """Of each query."""
    rules: list[dict[str, Any]]
    instances: list[str]


def as_grafana_asks(query: str) -> str:
    """A query of a panel, with Grafana's variables filled in."""
    return query.replace('"$instance"', '".+"').replace("$__rate_interval", "5s")


def parts(alert: str) -> list[str]:
    """What an alert compares with a bound: while all is well, the comparison is empty, and `absent` is, too."""
    present = re.sub(r"absent\((.*?\} == 1)\)", r"\1", alert)
    sides = (side.strip() for side in re.split(r"\s(?:and|or)\s", present))
    return [side if side.startswith("up{") else re.sub(r"\s(?:==|>)\s*[\d.* ]+$", "", side) for side in sides]


QUERIES: Final = {as_grafana_asks(query["expr"]): panel["title"] for panel in PANELS for query in panel["targets"]}
PARTS: Final = {part: rule["alert"] for rule in RULES for part in parts(rule["expr"])}


def is_excused(query: str) -> bool:
    """Whether a query may have no data."""
    return any(part in query for part in EMPTY)


async def _traffic(urls: tuple[str, ...]) -> None:
    """A little of everything, again and again: figures that do not move have no quantiles."""
    requests: list[dict[str, Any]] = [
        {"query": CARD, "variables": {"n": number}} for number in (FIRST_CARD, *FAILING)
    ]
    requests.append({"query": "{ nothing }"})
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
        while True:
            for url in urls:
                for request in requests:
                    await client.post(f"{url}/graphql", json=request)
            await asyncio.sleep(_PAUSE)


async def _values(found: Prometheus) -> dict[str, list[float]]:
    """The values of all queries, once each has some that must, or after a while."""
    values: dict[str, list[float]] = {query: [] for query in (*QUERIES, *PARTS, _NOTHING)}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while any(not values[query] and not is_excused(query) for query in (*QUERIES, *PARTS)):
                await asyncio.sleep(_PAUSE)
                for query in [query for query, known in values.items() if not known]:
                    values[query] = await found.values(query)
    return values


async def _asked(folder: Path) -> Answers:
    host = loopback_network()
    gateway = f"{host}.1"
    manifest = folder / "web@1.4.0.json"
    manifest.write_text(json.dumps({"Card": CARD}))
    settings = {
        "KONAGRAPH_ADMIN_HOST": gateway,
        "KONAGRAPH_ADMIN_PORT": "9090",
        "KONAGRAPH_DOCUMENTS": str(manifest),
        "KONAGRAPH_LOG_LEVEL": "error",
    }
    async with (
        command("dev", "--host", gateway, "--port", "8000", **settings) as running,
        balancer(folder / "haproxy.log", [gateway]) as front,
        prometheus(
            folder, f"{host}.2:9090", {"konagraph": f"{gateway}:9090", "haproxy": front.inside_address}
        ) as found,
    ):
        await running.url()
        await front.until_up(1)
        busy = asyncio.create_task(_traffic((f"http://{gateway}:8000", front.url)))
        try:
            values = await _values(found)
            groups = (await found.ask("rules", type="alert"))["groups"]
            instances = await found.ask("label/instance/values", **{"match[]": 'up{job="konagraph"}'})
        finally:
            busy.cancel()
        return Answers(values, [rule for group in groups for rule in group["rules"]], instances)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What Prometheus answers under a little traffic."""
    return asyncio.run(_asked(tmp_path_factory.mktemp("prometheus")))


def test_every_query_of_the_dashboard_has_data(answers: Answers) -> None:
    empty = {query: panel for query, panel in QUERIES.items() if not answers.values[query]}
    assert {query: panel for query, panel in empty.items() if not is_excused(query)} == {}


def test_everything_that_an_alert_compares_has_data(answers: Answers) -> None:
    empty = {part: alert for part, alert in PARTS.items() if not answers.values[part]}
    assert {part: alert for part, alert in empty.items() if not is_excused(part)} == {}


def test_nothing_is_excused_that_has_data(answers: Answers) -> None:
    asked = {query for query in answers.values if is_excused(query)}
    assert {part for part in EMPTY if any(part in query for query in asked)} == EMPTY.keys()
    assert {query for query in asked if answers.values[query]} == set()


def test_prometheus_evaluates_every_alert(answers: Answers) -> None:
    assert {(rule["name"], rule["health"]) for rule in answers.rules} == {(rule["alert"], "ok") for rule in RULES}


def test_the_dashboard_lists_the_gateways(answers: Answers) -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert variable["query"]["query"] == 'label_values(up{job="konagraph"}, instance)'
    assert len(answers.instances) == 1


def test_a_query_without_data_is_noticed(answers: Answers) -> None:
    assert answers.values[_NOTHING] == []
