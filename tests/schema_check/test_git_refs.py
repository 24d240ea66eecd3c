"""The older schema as a commit of a Git repository has it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.schema_check.test_check_schema_command import OLD, check

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_git_ref_names_the_schema_of_that_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "schema.graphql").write_text(OLD)
    author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "a"], ["tag", "v1.0.0"]):
        subprocess.run(["git", *command], check=True)
    for ref in ("v1.0.0", "HEAD:schema/schema.graphql"):
        result = check("--against", ref)
        assert (result.exit_code, result.stderr) == (1, "")
        assert result.stdout.startswith(f"Changes of the schema since {ref}: 1 breaking")
    result = check("--against", "v1.0.1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--against: v1.0.1 is neither a file nor a Git ref with schema/schema.graphql" in result.stderr
