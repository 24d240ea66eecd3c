"""The compose files, checked as far as that goes without running anything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from graph.settings import Settings
from graph.settings_rules import start_warnings
from tests.deploy.balancer import CONFIGURATION
from tests.deploy.deployed_settings import filled, loaded, secrets_in_clear, settings_named
from tests.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

TOOLS = Path(sys.executable).parent
COMPOSE = ROOT / "docker-compose.yml"
PRODUCTION = ROOT / "deploy" / "compose" / "production.yml"
BASE = YAML(typ="safe").load(COMPOSE)
OVERLAY = YAML(typ="safe").load(PRODUCTION)
SERVICES = BASE["services"]
GATEWAYS = ("gateway-1", "gateway-2")
OWN = {*GATEWAYS, "secrets", "sandbox"}
"""Services of this project's own image."""

PLACE = {
    "KONAPLATE_BASE_URL": "https://konaplate.example/open-api",
    "KONAGRAPH_JWT_JWKS": "https://login.example/keys",
    "KONAGRAPH_JWT_ISSUER": "https://login.example",
    "KONAGRAPH_JWT_AUDIENCE": "konagraph",
    "KONAGRAPH_ALLOWED_HOSTS": "cards.example",
}


def production_environment(gateway: str) -> dict[str, str]:
    return {**SERVICES[gateway]["environment"], **OVERLAY["services"][gateway]["environment"]}


def bind_mounts(service: str) -> Iterable[str]:
    return (volume.split(":")[0] for volume in SERVICES[service].get("volumes", []) if volume.startswith("."))


@pytest.mark.parametrize("file", [COMPOSE, PRODUCTION], ids=["docker-compose.yml", "production.yml"])
def test_the_compose_files_follow_their_specification(file: Path) -> None:
    command = [str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(file)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_confined_and_bounded(service: str) -> None:
    definition = SERVICES[service]
    assert definition["read_only"] is True
    assert ["ALL"] == definition["cap_drop"]
    assert ["no-new-privileges:true"] == definition["security_opt"]
    assert int(definition["user"].split(":")[0]) > 0
    assert {"mem_limit", "cpus", "pids_limit"} <= definition.keys()
    assert {"max-size", "max-file"} == definition["logging"]["options"].keys()
    assert not {"privileged", "devices", "cap_add", "pid", "ipc"} & definition.keys()
    assert "docker.sock" not in str(definition)


@pytest.mark.parametrize("service", SERVICES.keys() - {*GATEWAYS, "secrets", "otel-collector"})
def test_a_service_has_a_health_check(service: str) -> None:
    # The gateways have the one of their image; the collector's image has nothing that could ask.
    assert SERVICES[service]["healthcheck"]["test"]


def test_only_the_balancer_and_grafana_are_published_and_on_loopback_only() -> None:
    published = {name: definition["ports"] for name, definition in SERVICES.items() if "ports" in definition}
    assert {"haproxy", "grafana"} == published.keys()
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_only_what_is_published_has_a_network_that_leads_outside() -> None:
    networks = {name: (network or {}).get("internal", False) for name, network in BASE["networks"].items()}
    assert ["clients"] == [name for name, internal in networks.items() if not internal]
    assert {"haproxy", "grafana"} == {
        name for name, definition in SERVICES.items() if "clients" in definition.get("networks", [])
    }


def test_redis_and_the_sandbox_are_reached_by_the_gateways_only() -> None:
    for network, server in (("shared", "redis"), ("upstream", "sandbox")):
        assert {*GATEWAYS, server} == {
            name for name, definition in SERVICES.items() if network in definition.get("networks", [])
        }


def test_images_of_others_are_pinned() -> None:
    for name in SERVICES.keys() - OWN:
        tag = filled(SERVICES[name]["image"], {}).partition(":")[2]
        assert re.fullmatch(r"v?\d+\.\d+[\w.-]*", tag), name
    assert {"konagraph"} == {SERVICES[name]["image"] for name in OWN}


def test_every_file_that_is_mounted_is_there() -> None:
    mounted = {path for service in SERVICES for path in bind_mounts(service)}
    assert mounted
    assert [] == [path for path in sorted(mounted) if not (ROOT / path).exists()]


def test_every_volume_secret_and_network_is_declared_and_used() -> None:
    volumes = {
        volume.split(":")[0]
        for definition in SERVICES.values()
        for volume in definition.get("volumes", [])
        if not volume.startswith(".")
    }
    assert BASE["volumes"].keys() == volumes
    assert BASE["networks"].keys() == {
        network for definition in SERVICES.values() for network in definition.get("networks", [])
    }
    used = {secret for definition in OVERLAY["services"].values() for secret in definition["secrets"]}
    assert OVERLAY["secrets"].keys() == used


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_every_variable_of_a_gateway_is_a_setting_and_secrets_are_files(gateway: str) -> None:
    for environment in (SERVICES[gateway]["environment"], production_environment(gateway)):
        assert settings_named(environment) <= Settings.model_fields.keys()
        assert [] == secrets_in_clear(environment)


def test_the_gateways_differ_in_nothing() -> None:
    assert SERVICES[GATEWAYS[0]] == SERVICES[GATEWAYS[1]]
    assert OVERLAY["services"][GATEWAYS[0]] == OVERLAY["services"][GATEWAYS[1]]


def test_a_gateway_starts_with_the_settings_of_the_compose_file(tmp_path: Path) -> None:
    settings = loaded({"KONAGRAPH_HOST": "0.0.0.0", **SERVICES["gateway-1"]["environment"]}, tmp_path, {})
    assert "http://sandbox:9000/open-api" == settings.konaplate_base_url
    assert settings.konagraph_otel_endpoint is None


def test_a_gateway_starts_in_production_with_the_settings_of_both_files(tmp_path: Path) -> None:
    environment = {"KONAGRAPH_HOST": "0.0.0.0", **production_environment("gateway-1")}
    settings = loaded(environment, tmp_path, PLACE)
    assert ("production", "jwt", False) == (
        settings.konagraph_env,
        settings.konagraph_auth,
        settings.konagraph_allow_anonymous,
    )
    assert [] == start_warnings(settings)


def test_in_production_every_secret_of_konaplates_is_one_of_the_declared_files() -> None:
    for gateway in GATEWAYS:
        files = {
            name: path for name, path in production_environment(gateway).items() if name.startswith("KONAPLATE_")
        }
        secrets = OVERLAY["services"][gateway]["secrets"]
        assert {f"{secret}_FILE": f"/run/secrets/{secret}" for secret in secrets} == {
            name: path for name, path in files.items() if name.endswith("_FILE")
        }


def test_the_gateways_trust_the_balancers_network_and_no_other() -> None:
    (subnet,) = [entry["subnet"] for entry in BASE["networks"]["front"]["ipam"]["config"]]
    assert subnet == SERVICES["gateway-1"]["environment"]["KONAGRAPH_TRUSTED_PROXIES"]
    assert {"haproxy", *GATEWAYS} == {
        name for name, definition in SERVICES.items() if "front" in definition.get("networks", [])
    }


def test_a_container_is_given_longer_to_end_than_its_gateway_takes() -> None:
    fields = Settings.model_fields
    delay = float(SERVICES["gateway-1"]["environment"]["KONAGRAPH_DRAIN_DELAY"])
    takes = delay + fields["konagraph_drain_timeout"].default
    hard_stop = re.search(r"hard-stop-after (\d+)s", CONFIGURATION.read_text(encoding="utf-8"))
    assert hard_stop is not None
    for definition in SERVICES.values():
        assert int(definition["stop_grace_period"].removesuffix("s")) > max(takes, int(hard_stop[1]))


def test_a_gateway_goes_on_until_the_balancer_has_noticed_that_it_ends() -> None:
    checks = re.search(r"inter (\d+)s fastinter (\d+)ms .* fall (\d+) ", CONFIGURATION.read_text(encoding="utf-8"))
    assert checks is not None
    interval, again, times = map(int, checks.groups())
    noticed = interval + again / 1000 * (times - 1)
    assert float(SERVICES["gateway-1"]["environment"]["KONAGRAPH_DRAIN_DELAY"]) > noticed


def test_the_balancers_variables_and_servers_are_those_of_its_file() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert OVERLAY["services"]["haproxy"]["environment"].keys() <= set(re.findall(r"presetenv (\w+) ", text))
    assert set(re.findall(r"^    server (\S+) ", text, re.MULTILINE)) == set(GATEWAYS)


def test_prometheus_asks_services_that_it_can_reach() -> None:
    configuration = YAML(typ="safe").load(ROOT / "deploy" / "prometheus" / "prometheus.yml")
    targets = {
        target
        for job in configuration["scrape_configs"]
        for entry in job["static_configs"]
        for target in entry["targets"]
    }
    assert {"gateway-1:9090", "gateway-2:9090", "haproxy:8405"} == targets
    for name in ("prometheus", *(target.partition(":")[0] for target in targets)):
        assert "observed" in SERVICES[name]["networks"]


def test_profiles_add_the_sandbox_and_the_observers() -> None:
    profiles: dict[str, Any] = {
        name: tuple(definition.get("profiles", [])) for name, definition in SERVICES.items()
    }
    assert {"sandbox"} == {name for name, given in profiles.items() if given == ("dev",)}
    assert {"prometheus", "grafana", "otel-collector"} == {
        name for name, given in profiles.items() if given == ("obs",)
    }
    assert {"haproxy", "redis", "secrets", *GATEWAYS} == {name for name, given in profiles.items() if given == ()}
