"""One name means one thing."""

from __future__ import annotations

import ast
from collections import Counter

from tests.tools import ROOT

# Types of GraphQL that show the class of the same name.
SHOWN = {"CardNotFoundError", "Viewer"}


def test_no_two_classes_share_a_name() -> None:
    files = [file for folder in ("graph", "schema") for file in (ROOT / folder).rglob("*.py")]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    counts = Counter(node.name for node in nodes if isinstance(node, ast.ClassDef))
    assert {name for name, count in counts.items() if count > 1} == SHOWN
