"""`konagraph export-schema`: the dialects that it writes."""

from __future__ import annotations

from click.testing import CliRunner

from graph.cli import main
from schema.federation import subgraph_sdl
from schema.query import print_schema


def test_each_dialect_is_written() -> None:
    printed = {
        dialect: CliRunner().invoke(main, ["export-schema", *(["--for", dialect] if dialect else [])])
        for dialect in ("", "federation", "apollo-kotlin")
    }
    assert {result.exit_code for result in printed.values()} == {0}
    assert printed[""].output == print_schema()
    assert printed["federation"].output == subgraph_sdl()
    assert "https://specs.apollo.dev/nullability" in printed["apollo-kotlin"].output
