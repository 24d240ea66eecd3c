"""What `konagraph export-errors` prints is Kotlin and Swift, as parsers of others read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from graph.cli import main
from schema.errors import ErrorCode
from tests.outside.toolbox import run_tool

if TYPE_CHECKING:
    from pathlib import Path

# Prints whether a file has errors, and the names of its enum's members.
PARSE = """
import importlib, json, sys
from tree_sitter import Language, Parser

language, kind, path = sys.argv[1:]
grammar = importlib.import_module(f"tree_sitter_{language}").language()
tree = Parser(Language(grammar)).parse(open(path, "rb").read())
names, pending = [], [tree.root_node]
while pending:
    node = pending.pop()
    pending += reversed(node.children)
    if node.type == kind:
        names.append(next(c for c in node.children if "identifier" in c.type).text.decode())
print(json.dumps([tree.root_node.has_error, names]))
"""
CASES = {
    "kotlin": ("enum_entry", list(ErrorCode.__members__)),
    "swift": ("enum_entry", [code.title().replace("_", "") for code in ErrorCode.__members__]),
}


def parsed(language: str, text: str, folder: Path) -> tuple[bool, list[str]]:
    """Whether a parser finds errors, and the members of enums."""
    file = folder / "errors"
    file.write_text(text, encoding="utf-8")
    done = run_tool("python", "-c", PARSE, language, CASES[language][0], str(file), folder=folder)
    assert done.returncode == 0, done.stderr
    has_error, names = json.loads(done.stdout)
    return has_error, names


@pytest.mark.parametrize("language", CASES)
def test_a_parser_of_the_language_finds_every_code_and_no_error(language: str, tmp_path: Path) -> None:
    text = CliRunner().invoke(main, ["export-errors", "--format", language]).stdout
    has_error, names = parsed(language, text, tmp_path)
    assert not has_error
    assert [name[0].upper() + name[1:] for name in names] == CASES[language][1]
    # Without its last brace, it has one.
    assert parsed(language, text.rstrip().removesuffix("}"), tmp_path)[0]
