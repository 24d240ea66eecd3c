"""Alert routing: Alertmanager's configuration, and the receiver that prints alerts by default."""

from __future__ import annotations

import json
import runpy
import threading
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from ruamel.yaml import YAML

from tests.deploy.test_alerts import RULES
from tests.deploy.test_compose import SERVICES, mounts
from tests.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
CONFIGURATION = YAML(typ="safe").load(FILE)
SCRIPT = ROOT / "deploy" / "compose" / "alert_log.py"

ALERT = {
    "status": "firing",
    "labels": {"alertname": "KonagraphNoTargets", "severity": "critical"},
    "annotations": {
        "summary": "No gateway answers Prometheus",
        "runbook": "docs/operations.md#konagraphnotargets",
    },
    "startsAt": "2026-11-26T21:00:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus:9090/graph",
}
MESSAGE: dict[str, Any] = {"version": "4", "status": "firing", "receiver": "critical", "alerts": [ALERT, ALERT]}


def receiver_of(severity: str) -> str:
    """The receiver of an alert, by its severity, as in the routes of this file."""
    (route,) = CONFIGURATION["route"]["routes"]
    receiver: str = (route if route["matchers"] == [f'severity="{severity}"'] else CONFIGURATION["route"])[
        "receiver"
    ]
    return receiver


def test_every_severity_has_a_receiver_of_its_own_whose_address_is_a_file() -> None:
    severities = {rule["labels"]["severity"] for rule in RULES}
    assert {name: receiver_of(name) for name in severities} == {"critical": "critical", "warning": "warning"}
    folders = {target: source for source, target in mounts(SERVICES["alertmanager"])}
    for receiver in CONFIGURATION["receivers"]:
        (webhook,) = receiver["webhook_configs"]
        assert webhook["url_file"] == f"/etc/receivers/{receiver['name']}"
        url = (ROOT / folders["/etc/receivers"] / receiver["name"]).read_text(encoding="ascii").strip()
        # It runs, and it notifies nobody.
        assert url == f"http://alert-log:{SERVICES['alert-log']['command'][0]}/{receiver['name']}"


def test_every_alert_that_silences_others_or_is_silenced_is_one() -> None:
    known = {rule["alert"] for rule in RULES}
    for rule in CONFIGURATION["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            assert set(matcher.partition('"')[2].rstrip('"').split("|")) <= known


@pytest.fixture
def alert_log() -> Iterator[str]:
    """The address of the printing receiver."""
    names = runpy.run_path(str(SCRIPT))
    server = ThreadingHTTPServer(("127.0.0.1", 0), names["Handler"])
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def test_each_alert_is_a_line_of_the_log(alert_log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert httpx.post(f"{alert_log}/critical", json=MESSAGE, trust_env=False).status_code == 200
    assert httpx.get(f"{alert_log}/livez", trust_env=False).status_code == 200
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (
        lines
        == [
            {
                "event": "alert",
                "receiver": "critical",
                "status": "firing",
                "severity": "critical",
                "alert": "KonagraphNoTargets",
                "summary": "No gateway answers Prometheus",
                "runbook": "docs/operations.md#konagraphnotargets",
                "since": "2026-11-26T21:00:00Z",
            }
        ]
        * 2
    )


@pytest.mark.parametrize(
    "content", [b"", b"no JSON", b"[]", b'{"alerts": [1]}', b'{"alerts": [{}]}', b'{"alerts": 1}']
)
def test_invalid_messages_of_alertmanager_are_refused(
    alert_log: str, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    assert httpx.post(alert_log, content=content, trust_env=False).status_code == 400
    assert capsys.readouterr() == ("", "")
