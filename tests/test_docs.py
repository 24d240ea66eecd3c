"""The documents say what the code does: every setting, code, card and command is in them."""

from __future__ import annotations

import re

import pytest

from graph.config.settings import Settings
from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS
from schema.errors import ErrorCode
from tests.tools import ROOT

CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
KONAPLATE = (ROOT / "docs" / "konaplate.md").read_text(encoding="utf-8")
ERRORS = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def test_every_setting_is_explained_and_no_other() -> None:
    explained = set(re.findall(r"^\| `(KONA[A-Z0-9_]+)`", CONFIGURATION, re.MULTILINE))
    assert {name.upper() for name in Settings.model_fields} == explained


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name.startswith("konagraph_max")])
def test_a_default_in_the_documents_is_the_default(name: str) -> None:
    (row,) = [line for line in CONFIGURATION.splitlines() if line.startswith(f"| `{name.upper()}`")]
    assert f"`{Settings.model_fields[name].default}`" in row


def test_every_error_code_has_a_heading_and_no_other() -> None:
    assert {code.value for code in ErrorCode} == set(re.findall(r"^### ([A-Z_]+)$", ERRORS, re.MULTILINE))


def test_every_card_of_the_sandbox_is_listed() -> None:
    for card in CARDS.values():
        assert f"| `{card.number}` | {card.shows} |" in KONAPLATE


def test_every_reserved_card_is_listed_with_its_error() -> None:
    for fault in FAULTS.values():
        (row,) = [line for line in KONAPLATE.splitlines() if line.startswith(f"| `{fault.number}`")]
        assert fault.shows in row
        assert (f"`{fault.code.value}`" if fault.code else "none") in row
        assert fault.retryable is ("retryable" in row)


def test_the_readme_shows_the_sandboxs_own_cards() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"(?<!\d)9491339\d{9}(?!\d)", readme))
    assert shown
    assert shown <= CARDS.keys() | FAULTS.keys()
