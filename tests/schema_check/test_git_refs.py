"""The older schema as a commit of a Git repository has it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.schema_check.test_check_schema_command import OLD, check
from tests.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a repository whose only commit has the old schema."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"schema/schema.graphql": OLD, "docs/changes.md": "## Unreleased\n"}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    git("init", "-q")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "a")
    return tmp_path


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True)


@pytest.mark.usefixtures("repository")
def test_a_git_ref_names_the_schema_of_that_commit() -> None:
    git("tag", "v1.0.0")
    for ref in ("v1.0.0", "HEAD:schema/schema.graphql"):
        result = check("--against", ref)
        assert (result.exit_code, result.stderr) == (1, "")
        assert result.stdout.startswith(f"Changes of the schema since {ref}: 1 breaking")
    result = check("--against", "v1.0.1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--against: v1.0.1 is neither a file nor a Git ref with schema/schema.graphql" in result.stderr


def test_the_projects_own_check_compares_with_the_last_tag_and_says_if_there_is_none(repository: Path) -> None:
    # Started by make, it would name the folders that it enters.
    command = [
        "make",
        "--no-print-directory",
        "-f",
        str(ROOT / "Makefile"),
        "-o",
        "setup-dev",
        "check-schema",
        f"BIN={ROOT}/.venv/bin",
    ]

    def make() -> tuple[bool, str]:
        done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stdout

    assert make() == (True, "There is no tag, so there is no released schema to compare with.\n")
    git("tag", "v1.0.0")
    is_good, said = make()
    assert not is_good
    assert said.startswith("Changes of the schema since v1.0.0: 1 breaking")
    (repository / "docs" / "changes.md").write_text("## Unreleased\n\n- `Card.colour` is gone.\n")
    is_good, said = make()
    assert is_good
    assert "Field Card.colour was removed. (announced)" in said
