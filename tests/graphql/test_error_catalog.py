"""The error catalogue has every code and exception, and says what happens; docs/errors.md equals it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from graph.errors import CODES, GatewayError, code_of_kind, present_cause
from graph.graphql.error_catalog import CatalogEntry, catalog_of
from graph.graphql.errors import DocumentError, refused
from graph.http.accept import GRAPHQL_RESPONSE
from graph.http.responses import error_response
from graph.konaplate import errors as konaplate
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.endpoints.card_list import CARD_LIST
from graph.resilience.breaker import CircuitOpenError
from graph.security.authorization import Viewer
from graph.security.errors import BudgetTooSmallError, ForbiddenError, RateLimitedError, UnauthenticatedError
from schema.errors import ErrorCode
from tests.graphql.plan_cases import DETAILS, counts, run_both
from tests.graphql.plan_world import World
from tests.tables import table
from tests.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
ENTRIES: Final = catalog_of(ENDPOINTS)
ENTRY: Final = {entry.code: entry for entry in ENTRIES}
FIELDS: Final = "code retryable httpStatus meaning meaningKo advice adviceKo upstreamCodes"
# Nobody without any right.
NOBODY: Final = Viewer(kind="service", id="nobody", scopes=frozenset(), member_id=None, allowance=None)
# Caught within the gateway, or raised before it answers anybody.
NEVER_SHOWN: Final = {
    "ArgumentError", "BadKeyFileError", "BadKeySetError", "BadPemError", "BadRedisUrlError", "BindingError",
    "CannotOpenError", "FallbackToGraphQLCore", "ManifestError", "ResponseRefusedError",
    "UnfitError", "_DuplicateNameError",
}  # fmt: skip


def exceptions() -> Iterator[type[Exception]]:
    """The exceptions that the parts of the gateway declare that answer requests."""
    for part in ("graphql", "http", "konaplate", "resilience", "security"):
        package = importlib.import_module(f"graph.{part}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == module.name:
                    yield value


def made(kind: type[Any]) -> Exception:
    """An exception of a class."""
    arguments = {
        konaplate.InvalidFieldError: (DETAILS, "balance"),
        RateLimitedError: ("requests", 1),
        BudgetTooSmallError: ("cost", 1),
        UnauthenticatedError: ("why",),
        ForbiddenError: ("scope",),
        CircuitOpenError: (1.0,),
    }
    default = (DETAILS,) if issubclass(kind, konaplate.KonaplateError) else ()
    exception: Exception = kind(*arguments.get(kind, default))
    return exception


def test_every_exception_has_a_code_or_is_never_shown() -> None:
    shown = {
        kind.__name__
        for kind in exceptions()
        if any(base in CODES for base in kind.__mro__) or issubclass(kind, GatewayError | DocumentError)
    }
    every = {kind.__name__ for kind in exceptions()}
    assert {"CardNotFoundError", "AtCapacityError", "ForbiddenError", "HttpError"} <= shown
    # The roots of trees; what is raised is below them.
    assert every - shown - {"SecurityError", "HiddenError", "BudgetError"} == NEVER_SHOWN


@table("code", ErrorCode)
def test_an_entry_has_words_of_its_language(code: ErrorCode) -> None:
    entry = ENTRY[code]
    for english, korean in ((entry.meaning, entry.meaning_ko), (entry.advice, entry.advice_ko)):
        assert re.fullmatch(r"[A-Z][ -~]*\.", english), "English is a sentence in ASCII, with its full stop"
        assert re.search(r"[가-힣].*(니다|세요)\.$", korean), "Korean ends politely: 니다. or 세요."


@table("kind", [kind for kind in CODES if kind is not konaplate.KonaplateError])
def test_an_exception_is_as_retryable_as_its_entry_says(kind: type[Any]) -> None:
    said = ENTRY[code_of_kind(kind)].retryable
    shown = present_cause(made(kind), "id")["extensions"]
    assert said in (None, shown["retryable"])


@table("entry", [entry for entry in ENTRIES if entry.http_status is not None])
def test_a_whole_request_is_refused_with_the_status_of_the_entry(entry: CatalogEntry) -> None:
    kinds = [kind for kind, code in CODES.items() if code is entry.code]
    # An error of the document, of credentials and budgets, or a bug.
    errors = [refused(entry.code)] if entry.http_status == 400 else [made(kind) for kind in kinds or [ValueError]]
    for error in errors:
        assert error_response(error, "id", GRAPHQL_RESPONSE).status_code == entry.http_status


def test_what_only_fields_can_have_has_no_status() -> None:
    without = {entry.name for entry in ENTRIES if entry.http_status is None}
    expected = {"AUDIT_UNAVAILABLE", "CARD_NOT_FOUND", "MEMBER_NOT_FOUND", "NODE_NOT_FOUND"}
    expected |= {code.name for code in ErrorCode if code.name.startswith("UPSTREAM_")}
    assert without == expected, "add it here if only fields can have it, else to HTTP_STATUS in graph/errors.py"


def test_the_codes_of_konaplate_lead_where_its_errors_do() -> None:
    for upstream, kind in konaplate.CODES.items():
        assert upstream in ENTRY[code_of_kind(kind)].upstream_codes
    own = replace(CARD_LIST, codes={"218_1000_001": konaplate.CardNotFoundError})
    (entry,) = [entry for entry in catalog_of([own]) if entry.code is ErrorCode.CARD_NOT_FOUND]
    assert "218_1000_001" in entry.upstream_codes


async def test_the_catalogue_is_answered_by_plan_to_anybody_without_a_call() -> None:
    query = f"{{ errorCatalog {{ {FIELDS} }} }}"
    outcome, plans = await run_both(query, World(NOBODY, {}))
    assert outcome.errors == []
    assert not outcome.calls
    assert counts(plans) == (1, 0, 0)
    for code in ErrorCode:
        assert f'"code":"{code.value}"'.encode() in outcome.data
    assert "카드를 찾을 수 없습니다." in outcome.data.decode()


def test_the_page_has_the_table_of_the_catalogue() -> None:
    words = {True: "yes", False: "no", None: "depends"}
    shown = re.findall(r"^\| \[`([A-Z_]+)`\]\(#\w+\) \| (\w+) \| (\d*) ?\| (.*?) ?\|$", PAGE, re.MULTILINE)
    assert shown == [
        (
            entry.name,
            words[entry.retryable],
            str(entry.http_status or ""),
            ", ".join(f"`{code}`" for code in entry.upstream_codes),
        )
        for entry in ENTRIES
    ]


@table("entry", ENTRIES)
def test_a_section_of_the_page_begins_with_the_meaning(entry: CatalogEntry) -> None:
    section = PAGE.partition(f"\n### {entry.name}\n\n")[2]
    assert " ".join(section.split()).startswith(entry.meaning)
