"""The Kubernetes manifests: complete, consistent with each other and the settings, and locked down."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.responses import Response

import graph
from graph.config.settings import Settings
from graph.config.warnings import start_warnings
from graph.http.health import Health, admin_app
from graph.wiring.serving import AFTER_REQUESTS
from tests.deploy.deployed_settings import loaded, secrets_in_clear, settings_named
from tests.deploy.manifests import (
    BASE,
    EXAMPLE,
    container,
    example_variables,
    manifest,
    pod,
    read,
    rendered,
    variables,
)
from tests.outside.toolbox import run_tool
from tests.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

GATEWAY = {"app.kubernetes.io/name": "konagraph"}
KINDS = {
    "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount",
}  # fmt: skip
PORTS = {"http": "konagraph_port", "admin": "konagraph_admin_port"}


def test_the_base_lists_every_file_and_no_other() -> None:
    files = {file.name for file in BASE.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(read(BASE / "kustomization.yaml")["resources"])
    assert {read(BASE / file)["kind"] for file in files} == KINDS


def test_the_example_lists_every_file_and_no_other() -> None:
    listed = read(EXAMPLE / "kustomization.yaml")
    named = {
        *listed["resources"],
        *(patch["path"] for patch in listed["patches"]),
        *(file for made in listed["configMapGenerator"] for file in made["envs"]),
    }
    assert {file.name for file in EXAMPLE.iterdir()} - {"kustomization.yaml"} == named - {"../../base"}


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_every_manifest_follows_kubernetes_own_schema(tmp_path: Path, version: str) -> None:
    files = [str(file) for file in sorted(BASE.glob("*.yaml")) if file.name != "kustomization.yaml"]
    files += [str(EXAMPLE / name) for name in ("ingress.yaml", "namespace.yaml")]
    command = ["--strict", "--kubernetes-version", version, *files]
    result = run_tool("kubernetes-validate", *command, folder=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(files) == (result.stdout + result.stderr).count(" passed for resource ")


def test_rendered_manifests_follow_kubernetes_own_schema(tmp_path: Path) -> None:
    file = tmp_path / "rendered.yaml"
    documents = rendered(EXAMPLE, tmp_path)
    # JSON, because YAML's old and new versions read words such as `off` differently.
    file.write_text("\n---\n".join(map(json.dumps, documents)), encoding="utf-8")
    result = run_tool("kubernetes-validate", "--strict", str(file), folder=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {document["kind"] for document in documents} == KINDS | {"Namespace", "Ingress", "ConfigMap"}


def test_the_example_changes_what_it_says(tmp_path: Path) -> None:
    documents = {document["kind"]: document for document in rendered(EXAMPLE, tmp_path)}
    settings = documents["ConfigMap"]
    (gateway,) = documents["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert gateway["image"] == "registry.example/konagraph:0.1.0"
    assert [{"configMapRef": {"name": settings["metadata"]["name"]}}] == gateway["envFrom"]
    assert example_variables() == settings["data"]
    assert tuple(
        documents["HorizontalPodAutoscaler"]["spec"][name] for name in ("minReplicas", "maxReplicas")
    ) == (3, 12)
    assert {document["metadata"]["namespace"] for kind, document in documents.items() if kind != "Namespace"} == {
        "konagraph"
    }


def test_the_pods_are_as_confined_as_the_strictest_standard_wants() -> None:
    everyone, gateway = pod()["securityContext"], container()["securityContext"]
    assert (
        everyone["runAsNonRoot"],
        everyone["runAsUser"],
        everyone["seccompProfile"],
    ) == (True, 10001, {"type": "RuntimeDefault"})
    assert gateway == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod().keys()
    assert [next(key for key in volume if key != "name") for volume in pod()["volumes"]] == ["secret"]
    namespace = read(EXAMPLE / "namespace.yaml")["metadata"]["labels"]
    assert namespace["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_pods_have_no_way_into_the_cluster_itself() -> None:
    assert pod()["automountServiceAccountToken"] is False
    assert manifest("ServiceAccount")["automountServiceAccountToken"] is False
    assert pod()["serviceAccountName"] == manifest("ServiceAccount")["metadata"]["name"]


def test_memory_is_bounded_and_what_is_needed_is_asked_for() -> None:
    resources = container()["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert resources["limits"].keys() == {"memory"}


def test_every_variable_is_a_setting_and_secrets_are_files() -> None:
    environment = {**variables(), **example_variables()}
    assert settings_named(environment) <= Settings.model_fields.keys()
    assert secrets_in_clear(environment) == []
    assert not variables().keys() & example_variables().keys()


def test_a_gateway_starts_with_these_settings(tmp_path: Path) -> None:
    environment = {"KONAGRAPH_HOST": "0.0.0.0", **variables(), **example_variables()}
    settings = loaded(environment, tmp_path, {})
    assert (settings.konagraph_env, settings.konagraph_auth) == ("production", "jwt")
    assert start_warnings(settings) == []


def test_every_secret_file_is_where_the_secret_is_mounted() -> None:
    (mount,) = container()["volumeMounts"]
    (volume,) = pod()["volumes"]
    assert mount["readOnly"] is True
    assert volume["name"] == mount["name"]
    assert volume["secret"]["defaultMode"] == 0o440
    for name, path in variables().items():
        if name.endswith("_FILE"):
            assert path == f"{mount['mountPath']}/{name.removesuffix('_FILE')}"


def test_no_secret_is_delivered() -> None:
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "deploy").rglob("*") if file.is_file()]
    assert len(texts) > 10
    for text in texts:
        assert re.search(r"^kind: Secret$", text, re.MULTILINE) is None
        assert "PRIVATE KEY-----" not in text


def test_the_ports_are_those_that_the_gateway_opens() -> None:
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert {name: Settings.model_fields[field].default for name, field in PORTS.items()} == ports
    assert [port["targetPort"] for port in manifest("Service")["spec"]["ports"]] == ["http"]


@pytest.mark.parametrize(
    ("probe", "path"), [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")]
)
async def test_a_probe_asks_what_the_admin_port_answers(probe: str, path: str) -> None:
    health = Health()
    health.started = True
    asked = container()[probe]["httpGet"]
    assert {"path": path, "port": "admin"} == asked
    transport = httpx.ASGITransport(admin_app(health, Response))
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
        assert (await client.get(asked["path"])).status_code == 200


def test_a_pod_is_given_longer_to_end_than_its_gateway_takes() -> None:
    delay = float(variables()["KONAGRAPH_DRAIN_DELAY"])
    readiness = container()["readinessProbe"]
    # Long enough for the probe to notice as well.
    assert delay >= readiness["periodSeconds"] * readiness["failureThreshold"]
    takes = delay + Settings.model_fields["konagraph_request_timeout"].default + AFTER_REQUESTS
    assert pod()["terminationGracePeriodSeconds"] > takes


def test_a_new_pod_answers_before_an_old_one_goes() -> None:
    strategy = manifest("Deployment")["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    assert "replicas" not in manifest("Deployment")["spec"]
    scaler = manifest("HorizontalPodAutoscaler")["spec"]
    assert 2 <= scaler["minReplicas"] < scaler["maxReplicas"]
    assert manifest("PodDisruptionBudget")["spec"]["maxUnavailable"] < scaler["minReplicas"]


def test_every_selector_means_the_gateway() -> None:
    deployment = manifest("Deployment")
    selectors: list[Any] = [
        deployment["spec"]["selector"]["matchLabels"],
        deployment["spec"]["template"]["metadata"]["labels"],
        manifest("Service")["spec"]["selector"],
        manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(spread["labelSelector"]["matchLabels"] for spread in pod()["topologySpreadConstraints"]),
        *(manifest(kind)["metadata"]["labels"] for kind in KINDS),
    ]
    assert [GATEWAY] * len(selectors) == selectors
    target = manifest("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert ("Deployment", deployment["metadata"]["name"]) == (target["kind"], target["name"])


def test_the_image_has_the_projects_version() -> None:
    assert container()["image"] == f"konagraph:{graph.__version__}"
    (image,) = read(EXAMPLE / "kustomization.yaml")["images"]
    assert graph.__version__ == str(image["newTag"])


def test_only_the_ingress_asks_and_only_the_monitoring_looks() -> None:
    rules = {
        rule["ports"][0]["port"]: [peer["namespaceSelector"]["matchLabels"] for peer in rule["from"]]
        for rule in manifest("NetworkPolicy")["spec"]["ingress"]
    }
    name = "kubernetes.io/metadata.name"
    assert {8000: [{name: "ingress"}], 9090: [{name: "monitoring"}]} == rules


def test_the_gateway_reaches_names_redis_and_https_only() -> None:
    policy = manifest("NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [[port["port"] for port in rule["ports"]] for rule in policy["egress"]] == [[53, 53], [6379], [443]]
    assert all(rule["to"] for rule in policy["egress"])
    (anywhere,) = policy["egress"][2]["to"]
    # The address of a cloud's metadata service is in the fourth.
    private = {"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "169.254.0.0/16", "192.168.0.0/16"}
    assert private == set(anywhere["ipBlock"]["except"])
