"""docs/extending.md is true: its blocks, applied to a copy of the repository, answer its queries."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## (Add [^\n]*)\n(.*?)(?=^## |\Z)", DOCUMENT, re.DOTALL | re.MULTILINE))
FUTURE = "from __future__ import annotations\n"
ASK = """
import asyncio, json, sys
from tests.support import gateway

async def main():
    async with gateway(KONAGRAPH_AUDIT_LOG="audit.log") as running:
        answer = await running.query(sys.argv[1])
    # At its end, a gateway logs what was used.
    print(json.dumps(answer))

asyncio.run(main())
"""
# Of the first rows and failures of each table, by who sees everything; `tests/leak_audit` has the gateway audited
# with all of them, by everybody.
AUDIT = """
import asyncio, json
from dataclasses import replace
from itertools import islice
from graph.leak_audit.run import leak_audit
from graph.sandbox.data import DATA

def first(rows):
    return dict(islice(rows.items(), 5))

few = {name: replace(table, rows=first(table.rows), faults=first(table.faults)) for name, table in DATA.items()}
result = asyncio.run(leak_audit(data=few, kinds=("service",)))["service"]
print(json.dumps([result.cases, result.leaks]))
"""


def blocks(recipe: str) -> Iterator[tuple[str, str, str]]:
    """Each block's language and text, with the file named last before it."""
    path = ""
    for name, language, text in re.findall(
        r"`([\w./]+\.py)`|^```(\w+)\n(.*?)^```$", recipe, re.DOTALL | re.MULTILINE
    ):
        path = name or path
        if language:
            yield language, text, path


def apply(text: str, file: Path) -> None:
    """Create a file, or add a block to an existing one, below those of its lines that are there already."""
    if not file.exists():
        file.write_text(text, encoding="utf-8")
        return
    lines, there = text.splitlines(keepends=True), file.read_text(encoding="utf-8")
    if lines[0].startswith("from "):
        # Duplicate imports do no harm.
        place, text = FUTURE, FUTURE + "\n" + text
        assert there.count(place) == 1, f"{file}: there is not one line {FUTURE!r} to put imports below"
    else:
        known = max(
            (count for count in range(1, len(lines)) if there.count("".join(lines[:count])) == 1), default=0
        )
        assert known, f"docs/extending.md: {file} does not have, once, the first line of this block:\n{text}"
        place = "".join(lines[:known])
        for name in names_of("".join(lines[known:])):
            assert f"\n{name}" not in there, f"docs/extending.md: {file} has {name.strip()!r} already:\n{text}"
    file.write_text(there.replace(place, text), encoding="utf-8")


def names_of(added: str) -> list[str]:
    """The declarations of a block: classes, or else attributes or keys."""
    classes: list[str] = re.findall(r"^class \w+", added, re.MULTILINE)
    return classes or re.findall(r'^(?: {4}\w+| {8}"\w+"):', added, re.MULTILINE)


def ended(checkout: Path, *arguments: str) -> tuple[int, str]:
    """The status of a command of konagraph that cannot start, and what it said."""
    command = [sys.executable, "-m", "konagraph", *arguments]
    # Settings of the environment could add warnings.
    own = {name: value for name, value in os.environ.items() if not name.startswith("KONA")}
    done = subprocess.run(command, cwd=checkout, env=own, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


def run(checkout: Path, *command: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    copy = tmp_path / "konagraph"
    # With what Python has compiled already, which stays valid: the copies keep their times.
    for folder in ("graph", "schema", "tests", "docs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("node_modules"))
    for file in ("pyproject.toml", "README.md", "konagraph.py"):
        shutil.copy(ROOT / file, copy / file)
    return copy


@pytest.mark.parametrize(
    "names", [["Add a field"], ["Add an API"], ["Add a field", "Add an API"]], ids=" and ".join
)
def test_a_recipe_works_as_it_stands(names: list[str], checkout: Path) -> None:
    answers: dict[str, object] = {}
    for name in names:
        query = ""
        for language, text, path in blocks(RECIPES[name]):
            if language == "python":
                apply(text, checkout / path)
            elif language == "graphql":
                query = text
            elif language == "json":
                answers[query] = json.loads(text)
    run(checkout, "-m", "konagraph", "export-schema", "--output", "schema/schema.graphql")
    assert answers
    for query, expected in answers.items():
        assert json.loads(run(checkout, "-c", ASK, query).splitlines()[-1]) == expected
    if len(names) > 1:
        # Checks of every field and endpoint hold for the new ones.
        quickly = ("-q", "-p", "no:cacheprovider", "--hypothesis-profile=quick")
        run(checkout, "-m", "pytest", *quickly, "tests/schema", "tests/graphql/test_cost.py")
        cases, leaks = json.loads(run(checkout, "-c", AUDIT))
        assert (cases > 400, leaks) == (True, [])


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "schema/cash_receipt.py",
            "masked_id_no: str | None",
            "masked_id_no: int | None",
            "CashReceiptInfo.maskedIdNo: ",
        ),
        (
            "schema/cash_receipt.py",
            "show=masked",
            "shwo=masked",
            "CashReceiptInfo.masked_id_no: Value has no 'shwo'; did you mean 'show'?",
        ),
        (
            "schema/cash_receipt.py",
            "masked_id_no: str | None",
            "masked_id_no: Strng | None",
            "CashReceiptInfo: Could not resolve the type of 'masked_id_no'. Check that the class is accessible",
        ),
        (
            "graph/konaplate/endpoints/card_info.py",
            'owner="user_id"',
            'owner="user"',
            "card_info: neither the record nor the key has its owner, 'user'",
        ),
        (
            "graph/konaplate/endpoints/card_info.py",
            "user_id: MemberId | None",
            "user_id: bytes",
            "CardInfo.user_id: nothing reads bytes",
        ),
        (
            "graph/konaplate/endpoints/identity_check.py",
            "seals_response=",
            "seal_response=",
            "graph.konaplate.endpoints.identity_check: Endpoint.__init__() got an unexpected",
        ),
        (
            "graph/konaplate/endpoints/identity_check.py",
            "import Record\n",
            "import Recrd\n",
            "graph.konaplate.endpoints.identity_check: cannot import name 'Recrd'",
        ),
        (
            "graph/konaplate/endpoints/identity_check.py",
            "record=Identity",
            "record=Identiy",
            "graph.konaplate.endpoints.identity_check: name 'IdentiyCheck' is not defined",
        ),
        (
            "graph/konaplate/endpoints/identity_check.py",
            "record=IdentityCheck,",
            "record=IdentityCheck",
            "graph.konaplate.endpoints.identity_check: invalid syntax",
        ),
        (
            "graph/konaplate/endpoints/identity_check.py",
            'open_to=("cards:',
            'open_to=("card:',
            "identity_check: there is no scope 'card:read:any'; known are card-number:read, ",
        ),
        (
            "schema/card.py",
            "owner_ka:",
            "owner_kb:",
            "Card.ownerKb: neither CardRow nor CardInfo has 'owner_kb'; did you mean 'owner_ka'?",
        ),
        (
            "graph/konaplate/endpoints/card_info.py",
            'name="card_info"',
            'name="user_info"',
            "two endpoints have the",
        ),
        (
            "graph/sandbox/data.py",
            '"user_info": Table',
            '"member_info": Table',
            "the sandbox has no table for 'user_i",
        ),
    ],
)
def test_what_does_not_fit_together_ends_the_start_with_one_line(
    file: str, old: str, new: str, told: str, checkout: Path
) -> None:
    text = (checkout / file).read_text(encoding="utf-8")
    assert old in text
    (checkout / file).write_text(text.replace(old, new), encoding="utf-8")
    status, said = ended(checkout, "dev", "--port", "0")
    first, problem = said.splitlines()
    assert (status, first) == (2, "konagraph cannot start:")
    assert problem.startswith(f"  - {told}")


def test_no_schema_is_exported_that_does_not_fit_its_records(checkout: Path) -> None:
    declared, exported = checkout / "schema" / "cash_receipt.py", checkout / "schema" / "schema.graphql"
    before = exported.read_bytes()
    text = declared.read_text(encoding="utf-8")
    assert "masked_id_no: str | None" in text
    declared.write_text(text.replace("masked_id_no: str | None", "masked_id_no: int | None"), encoding="utf-8")
    status, said = ended(checkout, "export-schema", "--output", str(exported))
    first, problem = said.splitlines()
    assert (status, first) == (2, "konagraph cannot start:")
    assert problem.startswith("  - CashReceiptInfo.maskedIdNo: ")
    assert exported.read_bytes() == before


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ("    other: int\n", "does not have, once, the first line"),
        ("    place: int\n    place: int\n", "does not have, once, the first line"),
        ("class A:\n    place: int\n    added: str\n", "has 'added:' already"),
    ],
)
def test_a_block_that_no_longer_fits_says_why(there: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(there, encoding="utf-8")
    with pytest.raises(AssertionError, match=told):
        apply("    place: int\n    added: str\n", tmp_path / "a.py")


def test_imports_are_added_whatever_is_imported_already(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"{FUTURE}\nfrom os import path, sep\n", encoding="utf-8")
    apply("from os import path\nfrom os import linesep\n", tmp_path / "a.py")
    assert "from os import linesep\n" in (tmp_path / "a.py").read_text(encoding="utf-8")


def test_both_recipes_are_there() -> None:
    assert list(RECIPES) == ["Add a field", "Add an API"]
    assert dict.fromkeys(RECIPES, 3) == {
        name: len({path for language, _, path in blocks(recipe) if language == "python"})
        for name, recipe in RECIPES.items()
    }
