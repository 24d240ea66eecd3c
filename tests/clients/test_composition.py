"""The subgraph composes, beside one that extends its cards, by Apollo's library and The Guild's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from schema.federation import subgraph_sdl
from tests.clients.node import run_node

if TYPE_CHECKING:
    from pathlib import Path

LOYALTY = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])

type Card @key(fields: "id") {
  id: ID!
  stamps: Int!
}

type Query {
  shops: [String!]!
}
"""


@pytest.mark.parametrize("others", [[], [LOYALTY]], ids=["alone", "beside another"])
def test_the_subgraph_composes(tmp_path: Path, others: list[str]) -> None:
    files = []
    for place, sdl in enumerate([subgraph_sdl(), *others]):
        files.append(tmp_path / f"{place}.graphql")
        files[-1].write_text(sdl, encoding="utf-8")
    packages = ("@apollo/composition", "@theguild/federation-composition")
    found = json.loads(run_node("compose.mjs", *map(str, files), packages=packages))
    for library in ("apollo", "guild"):
        assert found[library]["errors"] == []
        assert ("stamps" in found[library]["supergraphSdl"]) is bool(others)
        assert "maskedCardNo" in found[library]["supergraphSdl"]
