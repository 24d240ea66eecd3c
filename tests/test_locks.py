"""Each lock file is complete: it has exactly what is needed, on every supported platform."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import re
import tomllib
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from packaging.dependency_groups import resolve_dependency_groups
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.environment import NODE_TARGETS, PYTHON_TARGETS
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LOCKS: Final = sorted({lock for target in PYTHON_TARGETS.values() for lock in target.locks})
NODE_LOCKS: Final = sorted({lock for target in NODE_TARGETS.values() for lock in target.locks})
FOLDERS: Final = [ROOT / target.folder for target in PYTHON_TARGETS.values()]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

ENTRY: Final = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\\n]+?))? \\\n"
    r"(?P<hashes>    --hash=sha256:[0-9a-f]{64}(?: \\\n    --hash=sha256:[0-9a-f]{64})*)\n"
)
PYTHONS: Final = ("3.11.0", "3.11.9", "3.12.9", "3.13.9", "3.14.0")
MACHINES: Final = (("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64"))
PLATFORMS: Final = [
    {
        **{name: str(value) for name, value in default_environment().items()},
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": machine,
    }
    for python in PYTHONS
    for sys_platform, system, machine in MACHINES
]


class Locked(NamedTuple):
    """A package in a lock file."""

    version: str
    marker: Marker | None
    hashes: frozenset[str]


def entries(lock: str) -> dict[str, Locked]:
    return {
        entry["name"]: Locked(
            entry["version"],
            Marker(entry["marker"]) if entry["marker"] else None,
            frozenset(re.findall(r"sha256:\w+", entry["hashes"])),
        )
        for entry in ENTRY.finditer((ROOT / lock).read_text(encoding="utf-8"))
    }


def locked_on(lock: str, platform: dict[str, str]) -> dict[str, str]:
    """The packages of a lock that are installed on a platform, and their versions."""
    return {
        name: entry.version
        for name, entry in entries(lock).items()
        if entry.marker is None or entry.marker.evaluate(platform)
    }


def wanted(lock: str) -> list[Requirement]:
    """The requirements that a lock file was made from."""
    groups = PROJECT["dependency-groups"]
    own = PROJECT["project"]["dependencies"]
    made_from: dict[str, Iterable[str]] = {
        "requirements-runtime.lock": own,
        "requirements.lock": [*own, *resolve_dependency_groups(groups, "dev")],
        "requirements-build.lock": resolve_dependency_groups(groups, "build"),
        "tests/outside/requirements.lock": named_in("tests/outside/requirements.in"),
        "benchmarks/peers.txt": named_in("benchmarks/peers.in"),
    }
    return [Requirement(text) for text in made_from[lock]]


def named_in(file: str) -> list[str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@functools.cache
def known() -> dict[tuple[str, str], list[str]]:
    """The requirements of each package that is installed in one of our environments."""
    places = [place for folder in FOLDERS for place in (folder, *folder.glob("lib/python*/site-packages"))]
    return {
        (canonicalize_name(distribution.name), distribution.version): distribution.requires or []
        for distribution in importlib.metadata.distributions(path=[str(place) for place in places])
    }


def installed(lock: str) -> dict[str, list[Requirement]]:
    """The requirements of each package of a lock file."""
    here = locked_on(lock, {name: str(value) for name, value in default_environment().items()})
    how = "make bench-peers" if lock == "benchmarks/peers.txt" else "make test"
    require_tool(f"a package of {lock}", present=here.items() <= known().keys(), how=how)
    return {name: [Requirement(text) for text in known()[name, version]] for name, version in here.items()}


def needed(
    roots: list[Requirement], metadata: dict[str, list[Requirement]], platform: dict[str, str]
) -> Iterator[Requirement]:
    """The transitive requirements on a platform, with the requested extras."""
    extras: dict[str, set[str]] = {}
    waiting = [root for root in roots if root.marker is None or root.marker.evaluate(platform)]
    while waiting:
        requirement = waiting.pop()
        yield requirement
        name = canonicalize_name(requirement.name)
        new = {"", *requirement.extras} - extras.setdefault(name, set())
        extras[name] |= new
        waiting += [
            inner
            # Packages of other platforms are not installed here; so far, none of them has requirements.
            for inner in metadata.get(name, [])
            if any(inner.marker is None or inner.marker.evaluate({**platform, "extra": extra}) for extra in new)
        ]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_nothing_but_exact_versions_with_hashes(lock: str) -> None:
    assert not ENTRY.sub("", (ROOT / lock).read_text(encoding="utf-8"))


@pytest.mark.parametrize("lock", NODE_LOCKS)
def test_an_npm_lock_has_a_hash_and_no_address_for_each_package(lock: str) -> None:
    packages = json.loads((ROOT / lock).read_text(encoding="utf-8"))["packages"]
    del packages[""]
    for name, entry in packages.items():
        entry.pop("funding", None)
        assert "integrity" in entry, name
        assert "://" not in json.dumps(entry), name


@pytest.mark.parametrize("lock", ["requirements-runtime.lock", "requirements-build.lock"])
def test_developers_have_the_versions_and_files_that_run_and_build(lock: str) -> None:
    ours, theirs = entries(lock), entries("requirements.lock")
    assert [name for name in ours if name not in theirs or ours[name].hashes != theirs[name].hashes] == []
    for platform in PLATFORMS:
        assert locked_on(lock, platform).items() <= locked_on("requirements.lock", platform).items()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_what_is_needed_with_all_extras_on_every_platform_and_nothing_else(lock: str) -> None:
    roots, metadata = wanted(lock), installed(lock)
    for platform in PLATFORMS:
        locked = locked_on(lock, platform)
        requirements = list(needed(roots, metadata, platform))
        assert {canonicalize_name(requirement.name) for requirement in requirements} == locked.keys()
        assert [
            str(requirement)
            for requirement in requirements
            if not requirement.specifier.contains(locked[canonicalize_name(requirement.name)], prereleases=True)
        ] == []
