"""The recipes of docs/clients.md, taken out of the page and compiled."""

from __future__ import annotations

import json
import re
import shutil
from itertools import chain
from pathlib import Path
from typing import Any, Final

from tests.clients.node import NODE_TESTS, run_node
from tests.outside.toolbox import run_tool
from tests.tools import ROOT

PAGE: Final = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
EXAMPLE_ADDRESS: Final = "http://127.0.0.1:8000/graphql"
# A block that belongs into a file names it in its first line; JSON, in the line before.
_FILE: Final = re.compile(r"^```\w+\n((?://|#) ([\w./-]+)\n.*?)^```$", re.MULTILINE | re.DOTALL)
_JSON: Final = re.compile(r"^`([\w.]+)`[^\n]*:\n\n```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Each writes what the recipes import; the compiler comes last.
_GENERATORS: Final = (
    ("relay-compiler/cli.js", "--noWatchman", "relay.config.json"),
    ("@graphql-codegen/cli/cjs/bin.js", "--config", "codegen.ts"),
    ("gql.tada/bin/cli.js", "generate-output"),
    ("@apollo/generate-persisted-query-manifest/cli.js",),
    ("typescript/bin/tsc",),
)
MANIFESTS: Final = ("persisted-query-manifest.json", "gql/persisted-documents.json", "relay-documents.json")
_COMPILER_OPTIONS: Final = {
    "target": "es2022",
    "module": "nodenext",
    "strict": True,
    # As `tsc --init` has them.
    "noUncheckedIndexedAccess": True,
    "exactOptionalPropertyTypes": True,
    "verbatimModuleSyntax": True,
    "isolatedModules": True,
    "skipLibCheck": True,
    "noEmitOnError": True,
    "resolveJsonModule": True,
}


def files() -> dict[str, str]:
    """The files on the page by their names."""
    return {name: text for text, name in _FILE.findall(PAGE)} | dict(_JSON.findall(PAGE))


def build(folder: Path) -> None:
    """Write the recipes into a folder as an app would, and compile them."""
    page = files()
    options = _COMPILER_OPTIONS | json.loads(page.pop("tsconfig.json"))
    for name, text in page.items():
        (folder / name).write_text(text, encoding="utf-8")
    shutil.copy(NODE_TESTS / "session.ts", folder)
    shutil.copy(Path(__file__).with_name("session.py"), folder)
    shutil.copy(ROOT / "schema" / "schema.graphql", folder)
    (folder / "node_modules").symlink_to(NODE_TESTS / "node_modules")
    (folder / "__generated__").mkdir()
    (folder / "relay-documents.json").write_text("{}", encoding="utf-8")
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    configuration = {"compilerOptions": options, "include": ["*.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(configuration), encoding="utf-8")
    for script, *arguments in _GENERATORS:
        run_node(f"node_modules/{script}", *arguments, packages=("@urql/exchange-auth",), folder=folder)


def address(folder: Path, url: str) -> None:
    """Let the compiled recipes ask this gateway."""
    for script in chain(folder.glob("*.js"), folder.glob("*.py")):
        script.write_text(script.read_text("utf-8").replace(EXAMPLE_ADDRESS, url), "utf-8")


def build_python(folder: Path) -> None:
    """Generate what the recipes in Python import, after `build`."""
    shutil.copy(Path(__file__).with_name("python_recipes.py"), folder)
    generated = run_tool("ariadne-codegen", folder=folder)
    assert generated.returncode == 0, generated.stdout + generated.stderr


def ask(recipe: str, folder: Path, url: str, token: str, *cards: str) -> dict[str, Any]:
    """Let a recipe read the cards; returns what it got and sent."""
    found: dict[str, Any] = json.loads(run_node("recipes.mjs", str(folder), recipe, url, *cards, token=token))
    return found


def ask_in_python(recipe: str, folder: Path, token: str, *cards: str) -> dict[str, Any]:
    """Let a recipe in Python read the cards; returns what it got and sent."""
    ran = run_tool("python", "python_recipes.py", recipe, *cards, folder=folder, TOKEN=token)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found
