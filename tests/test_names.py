"""One name means one thing."""

from __future__ import annotations

import ast
import re
from collections import Counter

from tests.tools import ROOT

# Types of GraphQL that show the class of the same name.
SHOWN = {"CardNotFoundError", "Viewer"}


def name_of(node: ast.AST) -> str | None:
    """The name of a class or of an alias of a type."""
    if isinstance(node, ast.ClassDef):
        return node.name
    given: object = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return given.id if isinstance(given, ast.Name) and re.fullmatch("[A-Z][a-z].*", given.id) else None


def test_no_two_classes_share_a_name() -> None:
    files = [file for folder in ("graph", "schema") for file in (ROOT / folder).rglob("*.py")]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    counts = Counter(name for node in nodes if (name := name_of(node)))
    assert {name for name, count in counts.items() if count > 1} == SHOWN
