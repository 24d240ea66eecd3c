"""What the apps of examples/ have from this project is up to date."""

from __future__ import annotations

import pytest

from graph.error_export import export
from tests.tools import ROOT


@pytest.mark.parametrize(
    ("file", "form"), [("wallet-web/src/errorCatalog.ts", "ts"), ("wallet-mobile/src/error-catalog.json", "json")]
)
def test_an_example_has_the_catalogue_of_errors(file: str, form: str) -> None:
    assert (ROOT / "examples" / file).read_text(encoding="utf-8") == export(form), "run `make schema`"
