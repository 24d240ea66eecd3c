"""Podman with its own storage, and images built without an image registry."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML

from tests.outside.toolbox import ENVIRONMENT
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROGRAMS: Final = ("podman", "buildah", "runc", "mmdebstrap", "iptables")
_HOW: Final = "install Debian's podman, buildah, runc, netavark, aardvark-dns, iptables and mmdebstrap"
# One base for all images: only how they are built and run matters here.
_PACKAGES: Final = "python3,python3-venv,ca-certificates,nodejs,npm,haproxy,redis-server,wget"
_CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
_BASE: Final = "localhost/base"
_SECONDS: Final = 900

_STORAGE: Final = """\
[storage]
driver = "overlay"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""
# Limits that a machine without full privileges can set.
_CONTAINERS: Final = """\
[containers]
default_ulimits = ["nofile=8192:8192", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
_DOCKERFILE: Final = """\
FROM scratch
ADD base.tar /
COPY ca-certificates.crt {certificates}
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
    PIP_CERT={certificates} NODE_EXTRA_CA_CERTS={certificates}
"""


class Engine:
    """Runs container tools in their own folder."""

    def __init__(self, folder: Path, **variables: str) -> None:
        for name in _PROGRAMS:
            require_tool(name, present=shutil.which(name) is not None, how=_HOW)
        require_tool(
            "podman-compose",
            present=(ENVIRONMENT / "bin" / "podman-compose").exists(),
            how="`make containers` installs it",
        )
        self._folder = folder
        for name, text in (("storage.conf", _STORAGE), ("containers.conf", _CONTAINERS)):
            (folder / name).write_text(text.format(folder=folder), encoding="utf-8")
        self._environment = {
            "PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "BUILDAH_ISOLATION": "chroot",
            **variables,
        }

    def run(self, *command: str) -> str:
        """Run a program, which must succeed; its output."""
        result = self.tried(*command)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def tried(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program; its result."""
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )

    def build(self) -> None:
        """Build the project's image, and tag the base like the compose file's third-party images."""
        context = self._folder / "base"
        context.mkdir()
        self.run(
            "mmdebstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(context / "base.tar")
        )
        shutil.copy(_CERTIFICATES, context / "ca-certificates.crt")
        text = _DOCKERFILE.format(certificates=_CERTIFICATES)
        (context / "Dockerfile").write_text(text, encoding="utf-8")
        self.run("buildah", "bud", "--format", "docker", "--tag", _BASE, str(context))
        shutil.rmtree(context)
        arguments = ("--build-arg", f"BASE={_BASE}", "--build-arg", f"NODE={_BASE}")
        self.run(
            "buildah", "bud", "--network", "host", "--format", "docker", *arguments, "--tag", "konagraph", "."
        )
        for name in ("HAPROXY_IMAGE", "REDIS_IMAGE"):
            self.run("podman", "tag", _BASE, self._environment[name])

    def container(self, service: str) -> str:
        """The name of a service's container; several have numbers as suffixes."""
        name, _, number = service.partition("-")
        return f"{self._environment['COMPOSE_PROJECT_NAME']}_{name}_{number or 1}"

    def inside(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program in a service's container; its result."""
        return self.tried("podman", "exec", self.container(service), *command)

    def python(self, service: str, program: str) -> str:
        """Run a Python program in a service's container; its output."""
        result = self.inside(service, "python3", "-c", program)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def remove(self) -> None:
        """Remove all containers, images and processes."""
        self.tried("podman", "rm", "--all", "--force", "--time", "1")
        self.tried("podman", "volume", "prune", "--force")
        self.tried("podman", "network", "prune", "--force")
        self.tried("podman", "rmi", "--all", "--force")
        shutil.rmtree(self._folder / "images", ignore_errors=True)


def services() -> Mapping[str, dict[str, Any]]:
    """The services of the compose file without a profile."""
    every: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]
    return {name: service for name, service in every.items() if service.get("profiles", ["dev"]) == ["dev"]}


def containers() -> Mapping[str, dict[str, Any]]:
    """The same by container: replicas have numbers as suffixes."""
    found = {}
    for name, service in services().items():
        count = service.get("deploy", {}).get("replicas")
        numbered = [name] if count is None else [f"{name}-{number}" for number in range(1, count + 1)]
        found.update(dict.fromkeys(numbered, service))
    return found
