"""`konagraph check-schema`, as continuous integration calls it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from graphql import build_schema, parse

from graph.cli import main
from graph.schema_check.check import compare
from graph.schema_check.stored import StoredDocument
from graph.telemetry.usage_lines import Used, to_json
from schema.query import print_schema
from tests.tables import table

if TYPE_CHECKING:
    from pathlib import Path

# What the schema had before: a field that is gone, and a name without a default.
OLD = print_schema().replace("type Card implements Node {", "type Card implements Node {\n  colour: String\n")
CARD = "query Card($n: CardNumber!) { card(cardNo: $n) { balance colour } }"
MINE = "query Mine { viewer { member { userId } } }"


def check(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["check-schema", *map(str, arguments)])


@pytest.fixture
def old(tmp_path: Path) -> Path:
    file = tmp_path / "old.graphql"
    file.write_text(OLD)
    return file


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "web@1.4.0.json").write_text(json.dumps({"a": CARD, "b": MINE}))
    (folder / "web@2.0.0.json").write_text(json.dumps({"b": MINE}))
    (folder / "ios.json").write_text(json.dumps({"c": CARD.replace("Card(", "Detail(")}))
    return folder


def test_a_breaking_change_fails_and_names_the_client_versions_that_stop_working(
    old: Path, manifests: Path
) -> None:
    result = check("--against", old, "--documents", manifests)
    assert result.exit_code == 1
    assert result.stdout == (
        f"Changes of the schema since {old}: 1 breaking, 0 dangerous, 0 safe.\n"
        "\n"
        "Breaking\n"
        "  Field Card.colour was removed.\n"
        "    ios.json: Detail (no longer valid)\n"
        "    web@1.4.0: Card (no longer valid)\n"
        "\n"
        "Breaking changes affect:\n"
        "  ios.json: Detail\n"
        "  web@1.4.0: Card\n"
    )


def test_the_same_for_programs(old: Path, manifests: Path) -> None:
    result = check("--against", old, "--documents", manifests / "web@1.4.0.json", "--format", "json")
    assert result.exit_code == 1
    report: dict[str, Any] = json.loads(result.stdout)
    affected = [{"client": "web@1.4.0", "document": "Card", "effect": "INVALID"}]
    assert report["counts"] == {"breaking": 1, "dangerous": 0, "safe": 0}
    assert report["changes"] == [
        {
            "level": "breaking",
            "kind": "FIELD_REMOVED",
            "coordinate": "Card.colour",
            "description": "Field Card.colour was removed.",
            "announced": False,
            "affected": affected,
            "usage": [],
        }
    ]
    assert report["clients"] == {"web@1.4.0": ["Card"]}


def test_of_a_document_with_several_operations_those_are_named_that_stop_working(
    old: Path, tmp_path: Path
) -> None:
    (tmp_path / "web@3.json").write_text(json.dumps({"a": f"{CARD} {MINE} query Other {{ __typename }}"}))
    result = check("--against", old, "--documents", tmp_path / "web@3.json", "--format", "json")
    assert json.loads(result.stdout)["clients"] == {"web@3": ["Card"]}


def test_a_default_that_is_removed_from_what_must_not_be_null_is_breaking_without_documents_too() -> None:
    sdl = "type Query { a(n: Int! = 1, by: By): Int } input By { n: Int! = 1 }"
    outcome = compare(build_schema(sdl), build_schema(sdl.replace(" = 1", "")), [])
    assert [finding.change.coordinate for finding in outcome.findings] == ["Query.a(n:)", "By.n"]
    assert outcome.is_breaking


@table(
    "before, after, text",
    [("By", "String", '{ n: "a" }'), ("By", "String", "{}"), ("[By!]", "String", '[{ n: "a" }]')],
)
def test_an_object_where_a_scalar_is_expected_is_no_longer_valid(before: str, after: str, text: str) -> None:
    sdl = f"type Query {{ a(by: {before}): Int b(by: By): Int }} input By {{ n: String }}"
    document = StoredDocument("web@1", "A", parse(f"query A {{ a(by: {text}) }}"))
    outcome = compare(build_schema(sdl), build_schema(sdl.replace(before, after, 1)), [document])
    assert outcome.broken == {"web@1": ["A"]}


def test_recorded_usage_names_clients_without_stored_documents(old: Path, tmp_path: Path) -> None:
    file = tmp_path / "usage.json"
    last = "2026-11-27T12:00:00.000000Z"
    used = [Used("batch@3", "Card.colour", 12, last), Used("batch@3", "Card.balance", 40, last)]
    file.write_text(to_json(used))
    result = check("--against", old, "--usage", file)
    assert result.exit_code == 1
    assert f"    batch@3 used Card.colour: 12 requests, the last {last}\n" in result.stdout
    assert "\nWhat breaking changes are about was used by: batch@3\n" in result.stdout
    assert "Card.balance" not in result.stdout


def test_nothing_breaking_is_a_success(tmp_path: Path) -> None:
    same = tmp_path / "same.graphql"
    # Without a field: it was added since.
    same.write_text(re.sub(r'  """The balance[^\n]*\n  balance: Won @semanticNonNull\n', "", print_schema()))
    result = check("--against", same)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "  Field Card.balance was added.\n" in result.stdout
    assert "No change is breaking.\n" in result.stdout
    section = check("--against", same, "--format", "markdown")
    assert section.stdout == f"<!-- since {same} -->\n\n### Safe\n\n- Field `Card.balance` was added.\n"


def test_a_breaking_change_that_the_changelog_announces_is_no_failure(old: Path, tmp_path: Path) -> None:
    changelog = tmp_path / "changes.md"
    newest, older = "## 1.1.0\n\n- `Card.colour` is gone.\n", "## 1.0.0\n\n- `Card.size` is gone.\n"
    changelog.write_text(f"# Changes\n{newest}{older}")
    result = check("--against", old, "--changelog", changelog)
    assert result.exit_code == 0
    assert "  Field Card.colour was removed. (announced)\n" in result.stdout
    changelog.write_text(f"# Changes\n{older}{newest}")
    assert check("--against", old, "--changelog", changelog).exit_code == 1


UNUSABLE = {
    "an option": (["--against", "--output=/tmp/x"], "is no file"),
    "a name that is too long": (["--against", "v" * 300], "File name too long"),
    "a deep schema": (["--against", "{tmp}/deep.graphql"], "is nested too deeply"),
    "an empty folder": (["--against", "{old}", "--documents", "{tmp}/empty"], "--documents names a file that"),
    "two of one id": (["--against", "{old}", "--documents", "{tmp}/two.json"], "has the id of another one"),
    "no operation": (["--against", "{old}", "--documents", "{tmp}/parts.json"], "has no operation"),
    "a broken schema": (["--against", "{tmp}/broken.graphql"], "is not a valid schema"),
    "no schema": (["--against", "{tmp}/bad.json"], "is not a valid schema"),
    "no manifest": (["--against", "{old}", "--documents", "{tmp}/list.json"], "has an unknown form"),
    "no GraphQL": (["--against", "{old}", "--documents", "{tmp}/bad.json"], "is not valid GraphQL"),
    "no usage": (["--against", "{old}", "--usage", "{tmp}/bad.json"], "is not what konagraph usage"),
}


@pytest.mark.parametrize(("arguments", "problem"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_cannot_be_compared_is_named(arguments: list[str], problem: str, old: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"a": "{ 9491339400000013"}')
    broken = "type A implements B { a: Int } interface B { b: Int } type Query { a: A }"
    (tmp_path / "broken.graphql").write_text(broken)
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "empty").mkdir()
    (tmp_path / "two.json").write_text(f'{{"a": "{CARD}", "a": "{MINE}"}}')
    (tmp_path / "deep.graphql").write_text(f"type Query {{ a: {'[' * 20_000} }}")
    (tmp_path / "parts.json").write_text('{"a": "fragment F on Card { balance }"}')
    result = check(*(argument.format(tmp=tmp_path, old=old) for argument in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem in result.stderr
    assert "9491339400000013" not in result.stderr
