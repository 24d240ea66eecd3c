"""`konagraph init` writes settings files from which a gateway starts in production."""

from __future__ import annotations

import resource
import signal
import stat
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest
from ruamel.yaml import YAML

from graph.config.environment import load_settings, unknown_variables
from graph.config.settings import Settings
from graph.config.starter import FRESH_KEYS, KONAPLATE_FILES, documented
from graph.security.development import DevelopmentSigner
from tests.cli.processes import DEADLINE, command
from tests.cli.test_cli_commands import GOOD, REFUSED, invoke, problems
from tests.deploy.deployed_settings import filled
from tests.independent.credentials import Credentials
from tests.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def environment(folder: Path) -> dict[str, str]:
    """The settings file, as systemd reads it."""
    lines = (folder / "konagraph.env").read_text("utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return {name: value for name, value in pairs if value}


def fill_in(folder: Path) -> None:
    """Write what only an operator can know."""
    credentials = Credentials.generate()
    texts = [
        credentials.asp_id,
        credentials.access_key,
        credentials.secret_key,
        credentials.crypto_key_id,
        credentials.server_public_key_pem,
        credentials.client_private_key_pem,
    ]
    for name, text in zip(KONAPLATE_FILES, texts, strict=True):
        (folder / "gateway" / name).write_text(text, "utf-8")
    DevelopmentSigner.in_directory(folder / "signer")
    known = {
        "KONAPLATE_BASE_URL": "https://konaplate.example/open-api",
        "KONAGRAPH_JWT_JWKS": str(next((folder / "signer").glob("*jwks*"))),
        "KONAGRAPH_JWT_ISSUER": "https://issuer.example",
        "KONAGRAPH_JWT_AUDIENCE": "cards",
        "KONAGRAPH_ALLOWED_HOSTS": "cards.example",
        "KONAGRAPH_DOCUMENTS_MODE": "off",
    }
    file = folder / "konagraph.env"
    text = file.read_text("utf-8")
    for name, value in known.items():
        assert f"# fill in:\n{name}=\n" in text
        text = text.replace(f"{name}=\n", f"{name}={value}\n")
    file.write_text(text, "utf-8")


@pytest.mark.process
async def test_a_gateway_starts_in_production_from_the_files_and_what_only_the_operator_knows(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "new" / "installation"
    result = invoke("init", str(folder))
    assert (result.exit_code, result.stderr) == (0, "")
    missing = problems(invoke("check-config", **environment(folder)), REFUSED)
    assert {problem.split()[0].removesuffix("_FILE").removesuffix(":") for problem in missing} == {
        *KONAPLATE_FILES,
        "KONAPLATE_BASE_URL",
        "KONAGRAPH_JWT_JWKS",
        "KONAGRAPH_JWT_ISSUER",
        "KONAGRAPH_JWT_AUDIENCE",
        "KONAGRAPH_DOCUMENTS_MODE",
    }
    fill_in(folder)
    checked = invoke("check-config", **environment(folder))
    assert (checked.exit_code, checked.stdout) == (0, GOOD)
    ports = {"KONAGRAPH_PORT": "0", "KONAGRAPH_ADMIN_PORT": "0"}
    async with command("serve", **environment(folder), **ports) as gateway:
        url = await gateway.url()
        async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
            refused = await client.post(url, json={"query": "{ __typename }"}, headers={"Host": "cards.example"})
        gateway.send(signal.SIGTERM)
        status, log = await gateway.ended()
    assert (status, refused.status_code) == (0, 401)
    assert '"environment":"production"' in log
    for secret in (*FRESH_KEYS, *KONAPLATE_FILES):
        assert (folder / "gateway" / secret).read_text("utf-8").strip() not in log + gateway.printed


def test_every_file_is_its_owners_alone_and_no_key_is_printed_or_the_same_twice(tmp_path: Path) -> None:
    output = invoke("init", str(tmp_path / "a")).output + invoke("init", str(tmp_path / "b")).output
    keys = [(tmp_path / place / "gateway" / name).read_text() for place in "ab" for name in FRESH_KEYS]
    assert len(set(keys)) == 6
    assert not any(key in output for key in keys)
    for path in (tmp_path / "a", *(tmp_path / "a").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_what_is_there_already_stays_and_is_named(tmp_path: Path) -> None:
    invoke("init", str(tmp_path))
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    lost = tmp_path / "gateway" / "KONAGRAPH_ID_KEY"
    lost.unlink()
    output = invoke("init", str(tmp_path)).stdout
    assert f"written: {lost}\n" in output
    for file, content in before.items():
        assert (file.read_bytes() == content) is (file != lost)
        assert (f"kept: {file}\n" in output) is (file != lost)
    (tmp_path / "file").touch()
    assert invoke("init", str(tmp_path / "file" / "below")).exit_code == 1


def test_a_full_disk_leaves_no_part_of_a_file_that_the_next_run_would_keep(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        result = invoke("init", str(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.exit_code == 1
    assert f"{tmp_path / 'konagraph.env'}" in result.stderr
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
    assert "kept" not in invoke("init", str(tmp_path)).stdout


def test_a_file_that_is_a_link_to_nowhere_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "gateway").mkdir()
    link = tmp_path / "gateway" / "KONAGRAPH_ID_KEY"
    link.symlink_to(tmp_path / "elsewhere")
    assert f"kept: {link}\n" in invoke("init", str(tmp_path)).stdout
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["a b", "a\nKONAGRAPH_ENV=development", "a$(id)", "a,b", "a:b", "a#b"])
def test_a_folder_whose_name_would_be_read_as_something_else_is_refused(name: str, tmp_path: Path) -> None:
    assert invoke("init", str(tmp_path / name)).exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_every_setting_is_in_the_file_with_its_explanation_and_no_other(tmp_path: Path) -> None:
    invoke("init", str(tmp_path))
    text = (tmp_path / "konagraph.env").read_text("utf-8")
    assert {setting.name.lower() for setting in documented()} == Settings.model_fields.keys()
    for setting in documented():
        assert f"\n# {setting.name}: " in text
    assert unknown_variables(environment(tmp_path)) == []


def test_what_is_behind_a_mark_is_the_default(tmp_path: Path) -> None:
    invoke("init", str(tmp_path))
    lines = (tmp_path / "konagraph.env").read_text("utf-8").splitlines()
    defaults = dict(line.removeprefix("#").split("=", 1) for line in lines if line.startswith("#KONA"))
    given = {name: value for name, value in defaults.items() if value}
    assert len(given) > 20
    plain = {
        "KONAPLATE_BASE_URL": "https://konaplate.example/open-api",
        "KONAPLATE_ASP_ID": "1",
        "KONAPLATE_ACCESS_KEY": "1",
        "KONAPLATE_SECRET_KEY": "1",
        "KONAPLATE_ENCRYPTION": "off",
    }
    given.pop("KONAPLATE_ENCRYPTION", None)
    assert load_settings({**given, **plain}).model_dump() == load_settings(plain).model_dump()


@pytest.mark.process
def test_a_shell_reads_every_default_as_systemd_and_docker_do(tmp_path: Path) -> None:
    invoke("init", str(tmp_path))
    file = tmp_path / "konagraph.env"
    file.write_text(file.read_text("utf-8").replace("\n#KONA", "\nKONA"), "utf-8")
    script = 'set -a; . "$0"; exec /usr/bin/env -0'
    read = subprocess.run(["/bin/sh", "-c", script, file], env={}, capture_output=True, check=True)
    assert read.stderr == b""
    shell = dict(pair.split("=", 1) for pair in read.stdout.decode().split("\0") if pair.startswith("KONA"))
    assert {name: value for name, value in shell.items() if value} == environment(tmp_path)


def test_the_compose_files_take_everything_that_they_need_from_the_folder(tmp_path: Path) -> None:
    invoke("init", str(tmp_path))
    fill_in(tmp_path)
    values = environment(tmp_path)
    secrets = (tmp_path / "compose.env").read_text("utf-8").splitlines()[-1].split("=", 1)
    values[secrets[0]] = secrets[1]
    production = (ROOT / "deploy" / "compose" / "production.yml").read_text("utf-8")
    gateway = YAML(typ="safe").load(filled(production, values))["services"]["gateway"]
    added = YAML(typ="safe").load((tmp_path / "compose.yml").read_text("utf-8"))["services"]["gateway"]
    assert added["env_file"] == [str(tmp_path / "konagraph.env")]
    (mount,) = (volume.split(":")[0] for volume in gateway["volumes"])
    for name, path in {**gateway["environment"], **added["environment"]}.items():
        if name.endswith("_FILE"):
            assert (tmp_path / mount / path.rpartition("/")[2]).is_file(), name
        else:
            assert values.get(name, path) == path


def test_the_secret_of_kubernetes_is_the_folder_of_the_gateway_and_the_address_of_redis(tmp_path: Path) -> None:
    invoke("init", str(tmp_path))
    deployment = YAML(typ="safe").load((ROOT / "deploy/kubernetes/base/deployment.yaml").read_text("utf-8"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    wanted = {one["name"].removesuffix("_FILE") for one in container["env"] if one["name"].endswith("_FILE")}
    assert wanted == {*(file.name for file in (tmp_path / "gateway").iterdir()), "KONAGRAPH_REDIS_URL"}
