"""The dashboard: panels in rows, with existing metrics and labels, from the provisioned data source."""

from __future__ import annotations

import json
import re
from typing import Any

from ruamel.yaml import YAML

from tests.deploy.known_metrics import OF_HAPROXY, OWN, RENDERED, metrics_in, missing
from tests.deploy.test_alerts import OPERATIONS, RULES
from tests.tables import table
from tests.tools import ROOT

GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "konagraph.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target for panel in PANELS for target in panel["targets"]]
# Prometheus adds these labels.
_ADDED = {"job", "instance"}
LABELS = {**RENDERED, **OF_HAPROXY}


def provisioned(kind: str) -> Any:
    (file,) = (GRAFANA / "provisioning" / kind).iterdir()
    return YAML(typ="safe").load(file)


def test_the_rows_are_the_ways_to_look_at_a_gateway() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Traffic", "Balancer", "Errors", "Latency", "Konaplate", "Protection", "Process"]


@table("query", QUERIES)
def test_a_panel_is_of_figures_that_there_are(query: dict[str, Any]) -> None:
    assert metrics_in(query["expr"])
    assert set() == missing(query["expr"])


@table("query", QUERIES)
def test_a_panel_uses_labels_that_its_figures_have(query: dict[str, Any]) -> None:
    labels = set().union(*(LABELS.get(name, set()) for name in metrics_in(query["expr"]))) | _ADDED
    grouped = {
        label.strip()
        for group in re.findall(r"\b(?:by|ignoring) \(([^)]*)\)", query["expr"])
        for label in group.split(",")
    }
    chosen = set(re.findall(r'(\w+)(?:=~|!=|=)"', query["expr"]))
    shown = set(re.findall(r"\{\{(\w+)\}\}", query["legendFormat"]))
    assert grouped | chosen | shown <= labels
    # An aggregated label cannot be shown.
    if grouped and "ignoring" not in query["expr"]:
        assert shown <= grouped


def test_durations_are_those_of_the_gateways_and_of_no_other_program() -> None:
    """Their names are OpenTelemetry's, so other programs have them, too."""
    for expression in [query["expr"] for query in QUERIES] + [rule["expr"] for rule in RULES]:
        named = re.findall(r"\bhttp_\w+", expression)
        assert len(named) == len(re.findall(r'\bhttp_\w+\{job="konagraph"', expression))


def test_every_figure_of_the_gateways_and_of_the_alerts_is_on_the_dashboard() -> None:
    shown = set().union(*(metrics_in(target["expr"]) for panel in PANELS for target in panel["targets"]))
    assert set() == {name for rule in RULES for name in metrics_in(rule["expr"])} - shown
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in RENDERED if name.startswith(OWN)}
    assert families == {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown if name.startswith(OWN)}


def test_every_figure_and_panel_that_an_alerts_explanation_names_is_on_the_dashboard() -> None:
    explained = OPERATIONS.partition("## Read an alert")[2].replace("\n", " ")
    shown = set().union(*(metrics_in(target["expr"]) for panel in PANELS for target in panel["targets"]))
    assert metrics_in(explained) <= shown
    panels = set(re.findall(r'"([A-Z][a-z][^"]+)"', explained))
    assert len(panels) > 5
    assert panels <= {panel["title"] for panel in PANELS}


def test_panels_do_not_overlap_and_have_ids_of_their_own() -> None:
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_every_panel_asks_the_data_source_that_is_set_up() -> None:
    (source,) = provisioned("datasources")["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert {source["uid"]} == {panel["datasource"]["uid"] for panel in PANELS}


def test_grafana_finds_the_dashboard_where_the_compose_file_puts_it() -> None:
    (provider,) = provisioned("dashboards")["providers"]
    volumes = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]["grafana"]["volumes"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in volumes
    assert "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro" in volumes


def test_no_variable_of_the_dashboard_is_free_text() -> None:
    assert [variable["type"] for variable in DASHBOARD["templating"]["list"]] == ["query"]
