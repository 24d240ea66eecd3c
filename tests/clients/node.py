"""The scripts of tests/node as processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from pathlib import Path

NODE_TESTS: Final = ROOT / "tests" / "node"
WALLET_PACKAGES: Final = (
    *("@apollo/client", "@urql/exchange-graphcache", "@urql/exchange-persisted"),
    *("relay-compiler", "relay-runtime"),
)


def run_node(*arguments: str, packages: tuple[str, ...] = (), folder: Path = NODE_TESTS, token: str = "") -> str:
    """Run node to completion; returns its output. Its requests carry the token, if there is one."""
    node = shutil.which("node")
    require_tool("node", present=node is not None, how="install Node 18 or newer")
    for package in packages:
        present = (NODE_TESTS / "node_modules" / package).is_dir()
        require_tool(f"npm package {package}", present=present, how="`make test` installs it")
    ran = subprocess.run(
        [node or "node", *arguments],
        cwd=folder,
        env={**os.environ, "TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout} {ran.stderr}"
    return ran.stdout


def compile_relay(folder: Path) -> Path:
    """Compile the documents in tests/node/relay against the published schema; returns the artifacts' folder."""
    shutil.copytree(NODE_TESTS / "relay", folder / "src")
    shutil.copy(ROOT / "schema" / "schema.graphql", folder)
    artifacts = folder / "artifacts"
    artifacts.mkdir()
    config = {
        "src": "src",
        "schema": "schema.graphql",
        "artifactDirectory": "artifacts",
        "language": "javascript",
        "eagerEsModules": False,
    }
    (folder / "relay.config.json").write_text(json.dumps(config), encoding="utf-8")
    compiler = NODE_TESTS / "node_modules" / "relay-compiler" / "cli.js"
    run_node(str(compiler), "--noWatchman", "relay.config.json", packages=("relay-compiler",), folder=folder)
    return artifacts


def walk(url: str, folder: Path, token: str = "") -> dict[str, dict[str, Any]]:
    """Walk through the wallet of whoever asks, with each client; returns what they saw and kept, by client."""
    artifacts = compile_relay(folder)
    # Apollo Client warns in its development build only.
    script = ("--conditions=development", "wallet.mjs", url, str(artifacts))
    found: dict[str, dict[str, Any]] = json.loads(run_node(*script, packages=WALLET_PACKAGES, token=token))
    return found
