"""What tests of all folders share."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

V = TypeVar("V")

ROOT = Path(__file__).resolve().parents[1]


def require_tool(name: str, *, present: bool, how: str) -> None:
    """Skip the test if the tool is not ``present``; under KONAGRAPH_REQUIRE_TOOLS=1 fail it."""
    if present:
        return
    reason = f"{name} is missing: {how}"
    if os.environ.get("KONAGRAPH_REQUIRE_TOOLS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def large_rsa_key(bits: int) -> bytes:
    """A throw-away private key of 3072 or 4096 bits, as PEM: making one takes seconds."""
    text: str = json.loads((ROOT / "tests" / "vectors" / "rsa.json").read_text("utf-8"))[str(bits)]
    return text.encode()


async def settle(turns: int = 20) -> None:
    """Let every task do what it can do without waiting for the outside."""
    for _ in range(turns):
        await asyncio.sleep(0)


def entry(of: Mapping[str, V], name: str, where: str) -> V:
    """What a test's table holds about an API; a failure names the table that lacks it."""
    assert name in of, f"add {name!r} to {where}"
    return of[name]


def examples(number: int) -> int:
    """How many examples a property is tested by that wants another number than the usual hundred."""
    return max(1, number * settings().max_examples // 100)


def require_explorer() -> None:
    """Skip the test, or fail it, if GraphiQL's files are not here."""
    require_tool(
        "npm package graphiql",
        present=(ROOT / "explorer" / "node_modules" / "graphiql").is_dir(),
        how="run `make explorer`",
    )
