"""Static checks of the compose files."""

from __future__ import annotations

import ipaddress
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from graph.config.settings import Settings
from graph.config.warnings import start_warnings
from graph.wiring.serving import AFTER_REQUESTS
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
OWN = {"gateway", "secrets", "sandbox", "alert-log"}
"""Services of this project's own image."""

PLACE = {
    "KONAPLATE_BASE_URL": "https://konaplate.example/open-api",
    "KONAGRAPH_JWT_JWKS": "https://login.example/keys",
    "KONAGRAPH_JWT_ISSUER": "https://login.example",
    "KONAGRAPH_JWT_AUDIENCE": "konagraph",
    "KONAGRAPH_ALLOWED_HOSTS": "cards.example",
    "KONAGRAPH_DOCUMENTS_MODE": "off",
}


GATEWAY = SERVICES["gateway"]
PRODUCTION_ENVIRONMENT = {**GATEWAY["environment"], **OVERLAY["services"]["gateway"]["environment"]}


def mounts(definition: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """What is mounted, and where."""
    for volume in definition.get("volumes", []):
        source, target, *_ = filled(volume, {"KONAGRAPH_SECRETS": "./secrets"}).split(":")
        yield source, target


def networks(name: str) -> set[str]:
    return set(SERVICES[name].get("networks", ()))


@pytest.mark.parametrize("file", [COMPOSE, PRODUCTION], ids=["docker-compose.yml", "production.yml"])
def test_the_compose_files_follow_their_specification(file: Path) -> None:
    command = [str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(file)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_confined_and_bounded(service: str) -> None:
    definition = SERVICES[service]
    assert definition["read_only"] is True
    assert definition["cap_drop"] == ["ALL"]
    assert definition["security_opt"] == ["no-new-privileges:true"]
    assert int(definition["user"].split(":")[0]) > 0
    assert {"mem_limit", "cpus", "pids_limit"} <= definition.keys()
    assert definition["logging"]["options"].keys() == {"max-size", "max-file"}
    assert not {"privileged", "devices", "cap_add", "pid", "ipc"} & definition.keys()
    assert "docker.sock" not in str(definition)


@pytest.mark.parametrize("service", sorted(SERVICES.keys() - {"gateway", "secrets", "otel-collector"}))
def test_a_service_has_a_health_check(service: str) -> None:
    # The gateways use that of their image; the collector's image has no client.
    assert SERVICES[service]["healthcheck"]["test"]


def test_only_the_balancer_and_grafana_are_published_and_on_loopback_only() -> None:
    published = {name: definition["ports"] for name, definition in SERVICES.items() if "ports" in definition}
    assert published.keys() == {"haproxy", "grafana"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_only_what_is_published_has_a_network_that_leads_outside() -> None:
    internal = {name: (network or {}).get("internal", False) for name, network in BASE["networks"].items()}
    assert [name for name, inside in internal.items() if not inside] == ["clients"]
    assert {name for name in SERVICES if "clients" in networks(name)} == {"haproxy", "grafana"}


def test_redis_and_the_sandbox_are_reached_by_the_gateways_only() -> None:
    for network, server in (("shared", "redis"), ("upstream", "sandbox")):
        assert {"gateway", server} == {name for name in SERVICES if network in networks(name)}


def test_images_of_others_are_pinned_by_release_and_digest() -> None:
    for name in SERVICES.keys() - OWN:
        tag = filled(SERVICES[name]["image"], {}).partition(":")[2]
        assert re.fullmatch(r"v?\d+\.\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}", tag), name
    assert {SERVICES[name]["image"] for name in OWN} == {"konagraph"}


def test_only_folders_are_mounted_because_a_replaced_file_would_not_be_seen() -> None:
    mounted = {source for definition in SERVICES.values() for source, _ in mounts(definition) if "/" in source}
    assert len(mounted) > 5
    assert [path for path in sorted(mounted) if not (ROOT / path).is_dir()] == []
    own = {source for definition in OVERLAY["services"].values() for source, _ in mounts(definition)}
    assert own == {"./secrets/gateway", "./secrets/balancer"}
    assert not {"secrets", "configs"} & (BASE.keys() | OVERLAY.keys())


@pytest.mark.parametrize("service", sorted(SERVICES.keys() - {"gateway", "sandbox", "grafana"}))
def test_every_file_that_a_command_names_is_in_a_folder_that_is_mounted(service: str) -> None:
    definition = {**SERVICES[service]}
    words = " ".join([*definition.get("entrypoint", []), *definition["command"]])
    folders = {target: source for source, target in mounts(definition)}
    for path in re.findall(r"/[\w./-]+\.(?:cfg|conf|ya?ml|py)\b", words):
        source = folders[str(Path(path).parent)]
        assert (ROOT / source / Path(path).name).is_file()


def test_every_volume_and_network_is_declared_and_used() -> None:
    volumes = {source for definition in SERVICES.values() for source, _ in mounts(definition) if "/" not in source}
    assert BASE["volumes"].keys() == volumes
    assert BASE["networks"].keys() == set().union(*map(networks, SERVICES))


def test_every_variable_of_a_gateway_is_a_setting_and_secrets_are_files() -> None:
    for environment in (GATEWAY["environment"], PRODUCTION_ENVIRONMENT):
        assert settings_named(environment) <= Settings.model_fields.keys()
        assert secrets_in_clear(environment) == []


def test_there_is_more_than_one_gateway() -> None:
    # Without the mode, podman-compose starts one.
    assert GATEWAY["deploy"]["mode"] == "replicated"
    assert GATEWAY["deploy"]["replicas"] > 1


def test_a_gateway_starts_with_the_settings_of_the_compose_file(tmp_path: Path) -> None:
    settings = loaded({"KONAGRAPH_HOST": "0.0.0.0", **GATEWAY["environment"]}, tmp_path, {})
    assert settings.konaplate_base_url == "http://sandbox:9000/open-api"
    assert settings.konagraph_otel_endpoint is None


def test_a_gateway_starts_in_production_with_the_settings_of_both_files(tmp_path: Path) -> None:
    environment = {"KONAGRAPH_HOST": "0.0.0.0", **PRODUCTION_ENVIRONMENT}
    settings = loaded(environment, tmp_path, PLACE)
    assert (
        settings.konagraph_env,
        settings.konagraph_auth,
        settings.konagraph_allow_anonymous,
    ) == ("production", "jwt", False)
    assert start_warnings(settings) == []


def test_in_production_every_secret_of_konaplates_is_in_the_folder_that_is_mounted() -> None:
    ((_, folder),) = mounts(OVERLAY["services"]["gateway"])
    files = {name: path for name, path in PRODUCTION_ENVIRONMENT.items() if name.startswith("KONAPLATE_")}
    secrets = {name: path for name, path in files.items() if name.endswith("_FILE")}
    assert {name: f"{folder}/{name.removesuffix('_FILE')}" for name in secrets} == secrets
    ((_, certificates),) = mounts(OVERLAY["services"]["haproxy"])
    assert (
        f"ssl crt {certificates}/certificate.pem "
        in OVERLAY["services"]["haproxy"]["environment"]["FRONT_OPTIONS"]
    )


def test_the_gateways_trust_the_balancers_network_and_no_other() -> None:
    (subnet,) = [entry["subnet"] for entry in BASE["networks"]["front"]["ipam"]["config"]]
    assert subnet == GATEWAY["environment"]["KONAGRAPH_TRUSTED_PROXIES"]
    assert {name for name in SERVICES if "front" in networks(name)} == {"haproxy", "gateway"}


def test_the_balancer_finds_the_gateways_by_a_name_that_is_of_the_trusted_network_alone() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    name = re.search(r'presetenv GATEWAYS "([\w.-]+):8000"', text)
    assert name is not None
    assert {"front": [name[1]]} == {
        network: options["aliases"] for network, options in GATEWAY["networks"].items() if options
    }
    # Not a service's name, which would exist in all of its networks.
    assert name[1] not in SERVICES


def test_as_many_gateways_as_the_network_has_room_for_are_used() -> None:
    places = re.search(r'presetenv GATEWAYS_MAX "(\d+)"', CONFIGURATION.read_text(encoding="utf-8"))
    (subnet,) = [entry["subnet"] for entry in BASE["networks"]["front"]["ipam"]["config"]]
    # One address is the network's gateway, one the balancer's.
    assert places is not None
    assert int(places[1]) == len(list(ipaddress.ip_network(filled(subnet, {})).hosts())) - 2


def test_every_bound_of_the_balancer_can_be_set_and_has_its_default() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = operations.partition("| variable | bounds | keep it |")[2].partition("\n\n")[0]
    bounds = re.findall(r"^\| `(\w+)`", rows, re.MULTILINE)
    defaults = dict(re.findall(r'presetenv (\w+) "([^"]*)"', CONFIGURATION.read_text(encoding="utf-8")))
    assert {"FRONT_MAXCONN", "ALL_MAXCONN", "GATEWAYS_MAX"} < {*bounds}
    for name in bounds:
        text = SERVICES["haproxy"]["environment"][name]
        assert (filled(text, {}), filled(text, {name: "7"})) == (defaults[name], "7")


def test_a_container_is_given_longer_to_end_than_its_gateway_takes() -> None:
    fields = Settings.model_fields
    delay = float(GATEWAY["environment"]["KONAGRAPH_DRAIN_DELAY"])
    takes = delay + fields["konagraph_request_timeout"].default + AFTER_REQUESTS
    hard_stop = re.search(r"hard-stop-after (\d+)s", CONFIGURATION.read_text(encoding="utf-8"))
    assert hard_stop is not None
    for definition in SERVICES.values():
        assert int(definition["stop_grace_period"].removesuffix("s")) > max(takes, int(hard_stop[1]))


def test_a_gateway_goes_on_until_the_balancer_has_noticed_that_it_ends() -> None:
    checks = re.search(r"inter (\d+)s fastinter (\d+)ms .* fall (\d+) ", CONFIGURATION.read_text(encoding="utf-8"))
    assert checks is not None
    interval, again, times = map(int, checks.groups())
    noticed = interval + again / 1000 * (times - 1)
    assert float(GATEWAY["environment"]["KONAGRAPH_DRAIN_DELAY"]) > noticed


def test_the_balancers_variables_are_those_of_its_file() -> None:
    known = set(re.findall(r"presetenv (\w+) ", CONFIGURATION.read_text(encoding="utf-8")))
    for services in (SERVICES, OVERLAY["services"]):
        assert services["haproxy"]["environment"].keys() <= known


def test_the_balancers_own_defaults_are_those_of_the_compose_file() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    defaults = dict(re.findall(r'presetenv (\w+) "([^"]*)"', text))
    for name, value in SERVICES["haproxy"]["environment"].items():
        assert defaults[name] == filled(value, {})


def test_prometheus_asks_every_gateway_the_balancer_and_whoever_tells_people() -> None:
    configuration = YAML(typ="safe").load(ROOT / "deploy" / "prometheus" / "prometheus.yml")
    jobs = {job["job_name"]: job for job in configuration["scrape_configs"]}
    (found,) = jobs["konagraph"]["dns_sd_configs"]
    # A service's name resolves to all of its containers.
    assert (found["names"], found["type"], found["port"]) == (["gateway"], "A", 9090)
    assert jobs["haproxy"]["static_configs"][0]["targets"][0] == "haproxy:8405"
    alerting = configuration["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert ["alertmanager:9093"] == alerting == jobs["alertmanager"]["static_configs"][0]["targets"]
    assert jobs.keys() == {"konagraph", "haproxy", "alertmanager"}
    for name in ("prometheus", "gateway", "haproxy", "alertmanager", "alert-log"):
        assert "observed" in networks(name)


def test_profiles_add_the_sandbox_and_the_observers() -> None:
    profiles = {name: tuple(definition.get("profiles", [])) for name, definition in SERVICES.items()}
    assert {name for name, given in profiles.items() if given == ("dev",)} == {"sandbox"}
    assert {name for name, given in profiles.items() if given == ("obs",)} == {
        "prometheus",
        "alertmanager",
        "alert-log",
        "grafana",
        "otel-collector",
    }
    assert {name for name, given in profiles.items() if given == ()} == {"haproxy", "redis", "secrets", "gateway"}
