"""`konagraph version`: what runs, and which settings are given, without their values."""

from __future__ import annotations

import hashlib
import json
import platform
from typing import TYPE_CHECKING, Any

from graph import __version__, build_record
from graph.build_record import LOCK, NAME, BuildRecord
from graph.config.given import given_settings
from tests.cli.test_cli_commands import SANDBOX, invoke
from tests.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

KEY = "a key of ids that is long enough for it"


def shown(**variables: str) -> dict[str, Any]:
    result = invoke("version", "--json", **variables)
    assert (result.exit_code, result.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_a_checkout_knows_its_version_and_lock_and_no_commit() -> None:
    lock = hashlib.sha256((ROOT / LOCK).read_bytes()).hexdigest()
    answer = shown()
    settings = answer.pop("settings")
    assert answer == {
        "version": __version__,
        "commit": "unknown",
        "lock": f"sha256:{lock}",
        "python": platform.python_version(),
    }
    assert (settings["changed"], settings["default"], settings["wrong"]) == ([], [], [])


def test_an_installed_wheel_knows_what_it_was_built_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = BuildRecord("0" * 40, "sha256:" + "1" * 64)
    (tmp_path / NAME).write_text(record.to_json())
    monkeypatch.setattr(build_record, "_PACKAGE", tmp_path)
    assert BuildRecord.running() == record


def test_settings_are_named_and_no_value_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    given = {
        **SANDBOX,
        "KONAGRAPH_ID_KEY_FILE": str(file),
        "KONAGRAPH_PORT": "8000",
        "KONAGRAPH_ENV": "devilment",
        "KONAGRAPH_HOST": "",
    }
    result = invoke("version", **given)
    answer = shown(**given)
    assert answer["settings"]["changed"] == sorted([*SANDBOX, "KONAGRAPH_ID_KEY"])
    assert answer["settings"]["default"] == ["KONAGRAPH_PORT"]
    assert answer["settings"]["wrong"] == ["KONAGRAPH_ENV"]
    assert f"changed   {', '.join(answer['settings']['changed'])}\n" in result.stdout
    text = result.stdout + result.stderr + json.dumps(answer)
    assert [value for value in (*given.values(), KEY) if value and value in text and value != "8000"] == []


def test_what_production_has_no_default_for_is_changed_there() -> None:
    mode = {"KONAGRAPH_DOCUMENTS_MODE": "off"}
    for environment, kind in (("development", "default"), ("production", "changed")):
        settings = shown(**SANDBOX, **mode, KONAGRAPH_ENV=environment)["settings"]
        assert "KONAGRAPH_DOCUMENTS_MODE" in settings[kind]


def test_the_fingerprint_depends_on_names_alone() -> None:
    one, other, more = (
        given_settings(environment).fingerprint
        for environment in (
            {**SANDBOX, "KONAGRAPH_ID_KEY": KEY},
            {**SANDBOX, "KONAGRAPH_ID_KEY": KEY[::-1]},
            {**SANDBOX, "KONAGRAPH_ID_KEY": KEY, "KONAGRAPH_GET": "false"},
        )
    )
    assert one == other != more
