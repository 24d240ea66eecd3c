"""The Helm chart: the same manifests as kustomize's, with documented and checked values."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

import graph
from graph.config.settings import Settings
from tests.deploy import manifests
from tests.deploy.charts import CHART, EXAMPLE, VALUES, findings, refusal, rendered
from tests.deploy.deployed_settings import secret_settings, settings_named
from tests.outside.toolbox import run_tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWN_LABELS = {
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}
EXAMPLE_VALUES = YAML(typ="safe").load(EXAMPLE)
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifests of the example."""
    return rendered(tmp_path_factory.mktemp("helm"), EXAMPLE_VALUES)


def plain(value: Any) -> Any:
    """A manifest without what every chart adds to labels, and with the environment as one mapping."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {name: plain(one) for name, one in value.items() if name not in OWN_LABELS}
    if "env" in kept:
        kept["env"] = {entry["name"]: entry["value"] for entry in kept["env"]}
    return kept


def leaves(values: dict[str, Any], path: str = "") -> Iterator[str]:
    """The paths of all values that a user can set; what is below a list or a free mapping is theirs."""
    for name, value in values.items():
        here = f"{path}.{name}"
        if isinstance(value, dict) and here not in (".settings", ".resources", ".ingress.annotations"):
            yield from leaves(value, here)
        else:
            yield here


def test_helm_finds_nothing_wrong(tmp_path: Path) -> None:
    assert [found["error"] for found in findings(tmp_path)] == ["icon is recommended"]


def test_the_example_is_that_of_kustomize(example: dict[str, Any], tmp_path: Path) -> None:
    expected = {document["kind"]: plain(document) for document in manifests.rendered(manifests.EXAMPLE, tmp_path)}
    ours = plain(example)
    # The chart is installed into a namespace, and does not make it.
    del expected["Namespace"]
    for document in expected.values():
        del document["metadata"]["namespace"]
    # Kustomize names the config map after its content. The chart puts the content's digest on the pods, and all
    # settings into the config map.
    expected_pod, pod = (one["Deployment"]["spec"]["template"] for one in (expected, ours))
    (gateway,) = pod["spec"]["containers"]
    (expected_gateway,) = expected_pod["spec"]["containers"]
    expected_gateway["envFrom"][0]["configMapRef"]["name"] = "konagraph"
    assert re.fullmatch("[0-9a-f]{64}", pod["metadata"].pop("annotations")["konagraph/settings"])
    settings = ours["ConfigMap"].pop("data")
    ours["ConfigMap"].pop("metadata"), expected["ConfigMap"].pop("metadata")
    assert {**gateway.pop("env"), **settings} == {
        **expected_gateway.pop("env"),
        **expected["ConfigMap"].pop("data"),
    }
    assert ours == expected


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_the_manifests_follow_kubernetes_own_schema(example: dict[str, Any], tmp_path: Path, version: str) -> None:
    file = tmp_path / "rendered.yaml"
    # JSON, because YAML's old and new versions read words such as `off` differently.
    file.write_text("\n---\n".join(map(json.dumps, example.values())), encoding="utf-8")
    command = ["--strict", "--kubernetes-version", version, str(file)]
    result = run_tool("kubernetes-validate", *command, folder=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(example) == (result.stdout + result.stderr).count(" passed for resource ") == 8


def test_every_selector_means_the_pods_of_this_release(example: dict[str, Any]) -> None:
    labels = example["Deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        example["Deployment"]["spec"]["selector"]["matchLabels"],
        example["Service"]["spec"]["selector"],
        example["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        example["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    expected = {"app.kubernetes.io/name": "konagraph", "app.kubernetes.io/instance": "konagraph"}
    assert [expected] * len(selectors) == selectors
    assert expected.items() <= labels.items()


def test_every_value_does_what_it_says(example: dict[str, Any], tmp_path: Path) -> None:
    digest = "sha256:" + "0" * 64
    documents = rendered(
        tmp_path,
        {
            "image": {"repository": "registry.example/k", "tag": "1", "digest": digest},
            "imagePullSecrets": [{"name": "registry"}],
            "settings": {"KONAGRAPH_AUTH": "api-key", "KONAGRAPH_LOG_LEVEL": "debug"},
            "secretName": "another",
            "secretSettings": ["KONAGRAPH_ID_KEY"],
            "documentsConfigMap": "manifests",
            "autoscaling": {"minReplicas": 4, "maxReplicas": 5, "targetCPU": 50},
            "resources": {"limits": {"memory": "1Gi"}},
            "terminationGracePeriodSeconds": 60,
            "ingress": {
                "enabled": True,
                "className": "nginx",
                "annotations": {"a": "b"},
                "host": "a.example",
                "tlsSecretName": "tls",
            },
            "networkPolicy": {
                "redisTo": [],
                "httpsTo": [],
                "dnsTo": [],
                "extraEgress": [{"ports": [{"port": 4318}]}],
            },
        },
    )
    template = documents["Deployment"]["spec"]["template"]
    pod, (gateway,) = template["spec"], template["spec"]["containers"]
    assert gateway["image"] == f"registry.example/k:1@{digest}"
    assert gateway["env"] == [
        {"name": "KONAGRAPH_ID_KEY_FILE", "value": "/run/secrets/konagraph/KONAGRAPH_ID_KEY"},
        {"name": "KONAGRAPH_DOCUMENTS", "value": "/etc/konagraph/documents"},
    ]
    assert pod["volumes"][1] == {"name": "documents", "configMap": {"name": "manifests"}}
    assert gateway["volumeMounts"][1]["mountPath"] == "/etc/konagraph/documents"
    assert gateway["resources"]["limits"]["memory"] == "1Gi"
    assert (pod["imagePullSecrets"], pod["terminationGracePeriodSeconds"]) == ([{"name": "registry"}], 60)
    assert pod["volumes"][0]["secret"]["secretName"] == "another"
    settings = documents["ConfigMap"]["data"]
    assert (settings["KONAGRAPH_AUTH"], settings["KONAGRAPH_LOG_LEVEL"]) == ("api-key", "debug")
    before = example["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert template["metadata"]["annotations"] != before
    scaler = documents["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (4, 5)
    assert scaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    ingress = documents["Ingress"]
    assert (ingress["metadata"]["annotations"], ingress["spec"]["ingressClassName"]) == ({"a": "b"}, "nginx")
    assert ingress["spec"]["tls"] == [{"hosts": ["a.example"], "secretName": "tls"}]
    assert documents["NetworkPolicy"]["spec"]["egress"] == [{"ports": [{"port": 4318}]}]


def test_what_is_switched_off_is_not_there(tmp_path: Path) -> None:
    documents = rendered(tmp_path, {"networkPolicy": {"enabled": False}})
    assert not {"NetworkPolicy", "Ingress"} & documents.keys()
    (gateway,) = documents["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert gateway["image"] == f"konagraph:{graph.__version__}"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"settings": {"KONAPLATE_SECRET_KEY": "x"}}, "KONAPLATE_SECRET_KEY is a secret"),
        ({"settings": {"LOG_LEVEL": "debug"}}, "LOG_LEVEL"),
        ({"settings": {"KONAGRAPH_PORT": 1_000_000}}, "KONAGRAPH_PORT"),
        ({"autoscaling": {"minReplicas": 1}}, "minReplicas"),
        ({"autoScaling": {"minReplicas": 3}}, "autoScaling"),
        ({"image": {"digest": "latest"}}, "digest"),
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, values: dict[str, Any], named: str) -> None:
    assert named in refusal(tmp_path, values)


def test_no_secret_can_be_given_as_a_setting() -> None:
    text = (CHART / "templates" / "_helpers.tpl").read_text(encoding="utf-8")
    listed = text.partition('define "konagraph.secrets" -}}\n')[2].partition("\n{{- end }}")[0]
    assert listed.splitlines() == sorted(secret_settings())


def test_every_value_is_documented_and_in_use_and_checked() -> None:
    lines = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r"^(  )?\w+:", line)]
    assert [lines[number] for number in keys if not lines[number - 1].lstrip().startswith("# ")] == []
    templates = "".join(path.read_text(encoding="utf-8") for path in (CHART / "templates").iterdir())
    for path in leaves(VALUES):
        *folders, name = path.split(".")[1:]
        assert re.search(rf"\.{name}\b", templates), path
        schema = SCHEMA
        for step in (*folders, name):
            schema = schema["properties"][step]
    assert settings_named(dict.fromkeys([*VALUES["settings"], *VALUES["secretSettings"]], "")) <= (
        Settings.model_fields.keys()
    )


def test_the_chart_has_the_projects_version() -> None:
    chart = YAML(typ="safe").load(CHART / "Chart.yaml")
    assert [chart["version"], chart["appVersion"]] == [graph.__version__] * 2
