"""What tests share that need a program or npm package from outside Python."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def require_tool(name: str, *, present: bool, how: str) -> None:
    """Skip the test if the tool is not ``present``; under KONAGRAPH_REQUIRE_TOOLS=1 fail it."""
    if present:
        return
    reason = f"{name} is missing: {how}"
    if os.environ.get("KONAGRAPH_REQUIRE_TOOLS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
