"""What `konagraph export-errors` prints is the catalogue, and TypeScript takes it as its strictest self."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from graph.cli import main
from graph.graphql.error_catalog import catalog_of
from graph.konaplate.endpoints import ENDPOINTS
from schema.errors import ErrorCode
from tests.clients.node import NODE_TESTS, run_node
from tests.support import gateway

if TYPE_CHECKING:
    from pathlib import Path

QUERY = "{ errorCatalog { code retryable httpStatus meaning meaningKo advice adviceKo upstreamCodes } }"
# What an app does with it: any code has texts, an unknown one is no code, and statuses are known one by one.
APP = """\
import { ERROR_CATALOG, type ErrorCode } from "./errors";

const advice = (code: ErrorCode): string => ERROR_CATALOG[code].adviceKo;
const retryable: true = ERROR_CATALOG.UPSTREAM_TIMEOUT.retryable;
const status: 429 = ERROR_CATALOG.RATE_LIMITED.httpStatus;
const known = (code: string): code is ErrorCode => code in ERROR_CATALOG;
console.log(advice("CARD_NOT_FOUND"), retryable, status, known("CARD_NOT_FOUND"));
"""
WRONG = """\
import { ERROR_CATALOG, type ErrorCode } from "./errors";

const advice = (code: ErrorCode): string => ERROR_CATALOG[code].adviceKo;
console.log(advice("NO_SUCH_CODE"));
"""
STRICT = ("--noEmit", "--skipLibCheck", "--strict", "--noUncheckedIndexedAccess", "--target", "es2022")


def exported(form: str) -> str:
    result = CliRunner().invoke(main, ["export-errors", "--format", form])
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


async def test_the_json_is_what_the_schema_answers() -> None:
    async with gateway() as running:
        answer = await running.query(QUERY)
    assert json.loads(exported("json")) == answer["data"]["errorCatalog"]


def test_every_format_has_every_text() -> None:
    for form in ("ts", "kotlin", "swift"):
        text = exported(form)
        for entry in catalog_of(ENDPOINTS):
            assert f"{entry.name}" in text
            assert {entry.meaning, entry.meaning_ko, entry.advice, entry.advice_ko} <= set(text.split('"'))


def test_the_typescript_compiles_and_knows_which_codes_there_are(tmp_path: Path) -> None:
    (tmp_path / "errors.ts").write_text(exported("ts"), encoding="utf-8")
    (tmp_path / "app.ts").write_text(APP, encoding="utf-8")
    (tmp_path / "wrong.ts").write_text(WRONG, encoding="utf-8")
    compiler = str(NODE_TESTS / "node_modules" / "typescript" / "bin" / "tsc")
    with pytest.raises(AssertionError) as complaints:
        run_node(compiler, *STRICT, "app.ts", "wrong.ts", packages=("typescript",), folder=tmp_path)
    (told,) = [line.strip() for line in str(complaints.value).splitlines() if ": error " in line]
    assert re.match(r"wrong\.ts\(4,.*NO_SUCH_CODE", told)
    assert "NO_SUCH_CODE" not in ErrorCode.__members__
