"""The documents say what the code does: their links, commands, names and figures are true."""

from __future__ import annotations

import dataclasses
import functools
import re
import shlex
from enum import Enum
from fnmatch import fnmatch
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import click
import pytest

from graph.cli import main
from graph.config.settings import Settings
from graph.graphql.limits import DocumentLimits
from graph.konaplate.endpoints import ENDPOINTS
from graph.sandbox.failures import FAILURES
from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS
from graph.sandbox.wallets import WALLETS
from graph.security.authorization import EVERY_SCOPE, Allowance
from schema.errors import ErrorCode
from tests.deploy.known_metrics import RENDERED
from tests.support import CONTRACT_QUERY, gateway
from tests.tables import table
from tests.telemetry.capture import logs_as
from tests.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS: Final = (
    ".ci", ".github", "benchmarks", "deploy", "docs", "explorer", "graph", "schema", "scripts", "tests",
)  # fmt: skip
DOCUMENTS: Final = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/*/README.md")])
}
CONFIGURATION: Final = DOCUMENTS["docs/configuration.md"]
OPERATIONS: Final = DOCUMENTS["docs/operations.md"]
REMOVED: Final = re.compile(r"^### Removed\n.*?(?=^##|\Z)", re.MULTILINE | re.DOTALL)
# What was removed is named by the name that it had.
CURRENT: Final = DOCUMENTS | {"CHANGELOG.md": REMOVED.sub("", DOCUMENTS["CHANGELOG.md"])}
# Names that others have defined.
STANDARD: Final = {
    "HTTPS_PROXY",
    "NO_COLOR",
    "OTEL_SDK_DISABLED",
    "SOURCE_DATE_EPOCH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
}
FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

every_document = pytest.mark.parametrize("document", CURRENT)


def source(*patterns: str) -> str:
    """The text of the files that any of some patterns matches."""
    paths = sorted(set(chain.from_iterable(ROOT.glob(pattern) for pattern in patterns)))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())


DEPLOYED: Final = source("docker-compose.yml", "deploy/**/*.yml", "deploy/**/*.yaml", "deploy/**/*.cfg")


@functools.cache
def modules() -> set[str]:
    """The names of the files of Python."""
    return {
        path.name
        for pattern in ("*.py", *(f"{folder}/**/*.py" for folder in FOLDERS))
        for path in ROOT.glob(pattern)
        if "node_modules" not in path.parts
    }


@functools.cache
def constants() -> set[str]:
    """The words in capitals in the code."""
    places = ("graph/**/*.py", "schema/*.py", "tests/*.py", "docs/extending.md", "Makefile", "hatch_build.py")
    return set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", source(*places) + DEPLOYED))


def spans(text: str) -> list[str]:
    """What stands in backticks, each on one line."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", text))]


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command, in backticks or in a block for the shell, without the variables before it."""
    lines = chain(*(block.splitlines() for language, block in FENCE.findall(text) if language == "sh"))
    for line in chain(spans(text), lines):
        for command in re.split(r"&&|\||;", line):
            try:
                words = shlex.split(command, comments=True)
            except ValueError:
                continue
            while words and re.match(r"[A-Z_]+=", words[0]):
                del words[0]
            if words:
                yield words


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in plain}


def default_of(name: str) -> Any:
    """The default of a setting or of a variable of HAProxy's."""
    field = Settings.model_fields.get(name.lower())
    if field is not None:
        return field.default
    (value,) = re.findall(rf'presetenv {name} "([^"]*)"', DEPLOYED)
    return value


def same(shown: str, value: Any) -> bool:
    """Whether a text in a document is a value."""
    if isinstance(value, float):
        return re.fullmatch(r"\d+(\.\d+)?", shown) is not None and float(shown) == value
    return shown == (",".join(value) if isinstance(value, tuple) else str(value))


@table("document", CURRENT)
def test_every_link_leads_somewhere(document: str) -> None:
    folder, dead = (ROOT / document).parent, []
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", FENCE.sub("", CURRENT[document])):
        path, _, anchor = target.partition("#")
        file = (folder / path).resolve() if path else ROOT / document
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            dead.append(target)
    assert dead == []


@table("page", [name for name in DOCUMENTS if name.startswith("docs/")])
def test_another_document_leads_to_every_page(page: str) -> None:
    others = {name: text for name, text in DOCUMENTS.items() if name != page}
    linked = {
        (ROOT / name).parent / target
        for name, text in others.items()
        for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", text)
    }
    assert ROOT / page in {path.resolve() for path in linked}, f"no document links to {page}"


@table("document", CURRENT)
def test_every_target_of_make_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = [words[1] for words in commands(CURRENT[document]) if words[0] == "make" and words[1:]]
    assert [target for target in named if target not in targets] == []


@table("document", CURRENT)
def test_every_command_of_konagraph_exists_with_its_options(document: str) -> None:
    unknown = []
    for program, *words in commands(CURRENT[document]):
        if program.rpartition("/")[2] != "konagraph" or not words or words[0].startswith("-"):
            continue
        command = main.get_command(click.Context(main), words[0])
        if isinstance(command, click.Group) and len(words) > 1:
            command = command.commands.get(words[1])
        known = set() if command is None else {opt for param in command.params for opt in param.opts}
        options = {word for word in words[1:] if word.startswith("--")}
        if command is None or options - known:
            unknown.append(words)
    assert unknown == []


@table("document", CURRENT)
def test_every_setting_that_is_named_exists(document: str) -> None:
    named = set(re.findall(r"\bKONA(?:GRAPH|PLATE)_[A-Z0-9_]*[A-Z0-9]\b", CURRENT[document]))
    others = {name for name in named if name.removesuffix("_FILE").lower() not in Settings.model_fields}
    # Variables of the compose files, of the Makefile and of the tests.
    known = DEPLOYED + source("Makefile", "tests/tools.py")
    assert {name for name in others if not re.search(rf"\b{name}\b", known)} == set()


@table("document", CURRENT)
def test_every_constant_that_is_named_exists(document: str) -> None:
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", " ".join(spans(CURRENT[document]))))
    assert named - STANDARD - constants() == set()


@table("document", CURRENT)
def test_every_metric_that_is_named_exists(document: str) -> None:
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in RENDERED}
    named = set(re.findall(r"\bkonagraph_[a-z_]+[a-z]\b", " ".join(spans(CURRENT[document]))))
    assert named - families == set()


@table("document", CURRENT)
def test_every_file_that_is_named_exists(document: str) -> None:
    text = CURRENT[document]
    made = set(re.findall(r"in a new file,\s+`([^`]+)`", text))
    missing = []
    for span in set(spans(text)) - made:
        if re.fullmatch(rf"({'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*", span):
            found = any(ROOT.glob(span.rstrip("/")))
        elif re.fullmatch(r"[\w*-]+\.py", span):
            found = any(fnmatch(name, span) for name in modules())
        else:
            continue
        if not found:
            missing.append(span)
    assert missing == []


@table("document", CURRENT)
def test_every_figure_beside_a_setting_is_its_default(document: str) -> None:
    shown = re.findall(r"`([A-Z][A-Z_]+)`\s+\((\d[\d.,]*)\)", CURRENT[document])
    assert [pair for pair in shown if not same(pair[1].replace(",", ""), default_of(pair[0]))] == []


def test_the_documents_show_such_figures() -> None:
    assert re.search(r"`KONAGRAPH_PORT`\s+\(8000\)", OPERATIONS)


def test_every_setting_is_explained_and_no_other() -> None:
    explained = set(re.findall(r"^\| `(KONA[A-Z0-9_]+)`", CONFIGURATION, re.MULTILINE))
    assert explained == {name.upper() for name in Settings.model_fields}


@table(
    "name",
    [
        name
        for name, field in Settings.model_fields.items()
        if isinstance(field.default, str | int | float | tuple)
    ],
)
def test_a_default_in_the_documents_is_the_default(name: str) -> None:
    default = Settings.model_fields[name].default
    value = (
        default.value
        if isinstance(default, Enum)
        else str(default).lower()
        if isinstance(default, bool)
        else default
    )
    (row,) = [line for line in CONFIGURATION.splitlines() if line.startswith(f"| `{name.upper()}`")]
    assert value == () or any(same(shown, value) for shown in re.findall(r"`([^`]+)`", row))


def test_the_limits_of_documents_are_those_that_are_shown() -> None:
    named = {
        "bytes of the request's body": ("body_bytes",),
        "characters of the document": ("characters",),
        "tokens of the document": ("tokens",),
        "fields": ("fields",),
        "aliases": ("aliases",),
        "levels of fields": ("depth",),
        "directives": ("directives",),
        "operations in the document": ("operations",),
        "introspection: levels, fields": ("introspection_depth", "introspection_fields"),
    }
    rows = re.findall(r"^\| ([^|`]+?) \| (\d[\d, ]*) \| (\d[\d, ]*)", CONFIGURATION, re.MULTILINE)
    assert {name for name, *_ in rows} == named.keys()
    for root_fields, column in ((DocumentLimits().root_fields, 1), (20, 2)):
        limits = DocumentLimits.for_root_fields(root_fields, cost=1)
        for row in rows:
            shown = [int(number.replace(",", "")) for number in re.findall(r"\d{1,3}(?:,\d{3})*", row[column])]
            assert shown == [getattr(limits, attribute) for attribute in named[row[0]]]


def test_every_scope_is_explained_and_no_other() -> None:
    callers = CONFIGURATION.partition("\n## Callers\n")[2].partition("\n## ")[0]
    explained = set(re.findall(r"^\| `([a-z:-]+)` \|", callers, re.MULTILINE))
    assert explained == EVERY_SCOPE, "docs/configuration.md, Callers: one row for each scope"


def test_the_budgets_of_a_key_file_are_those_of_a_viewer() -> None:
    paragraph = CONFIGURATION.partition("own budgets where the defaults do not\nfit: ")[2].partition("\n\n")[0]
    assert re.findall(r"`(\w+)`", paragraph) == [field.name for field in dataclasses.fields(Allowance)]


def test_every_error_code_has_a_heading_and_no_other() -> None:
    headings = re.findall(r"^### ([A-Z_]+)$", DOCUMENTS["docs/errors.md"], re.MULTILINE)
    assert set(headings) == {code.value for code in ErrorCode}


def test_every_card_of_the_sandbox_is_listed() -> None:
    for card in CARDS.values():
        assert f"| `{card.number}` | {card.description} |" in DOCUMENTS["docs/konaplate.md"]


def test_every_member_with_a_wallet_is_listed_with_each_card() -> None:
    listed = {card.number for card in CARDS.values()}
    for card in WALLETS:
        if listed.isdisjoint(card.numbers):
            number = f"`{card.numbers[0]}`" if card.numbers else "no number"
            row = f"| {card.user_id or 'none'} | {number} | {card.description} |"
            assert row in DOCUMENTS["docs/konaplate.md"]


def test_every_reserved_member_is_listed_with_the_error() -> None:
    lines = DOCUMENTS["docs/konaplate.md"].splitlines()
    for user_id, failure in FAILURES.items():
        number, place = str(user_id)[1:-2], int(str(user_id)[-2:])
        start, end = f"| {number} |", f"`{failure.endpoint}` |"
        listed = any(line.startswith(start) and line.endswith(end) for line in lines)
        assert listed, f"docs/konaplate.md does not list API {number}, {failure.endpoint}"
        if place > 60:
            error = f"`{failure.code.value}`" if failure.code else "none"
            at = f", at `{failure.field}`" if failure.field else ""
            start = f"| `{user_id}` | `{failure.endpoint}` | {failure.description} | "
            assert f"{start}{error}{at} |" in lines
            assert not failure.retryable


def test_every_reserved_card_is_listed_with_its_error() -> None:
    lines = DOCUMENTS["docs/konaplate.md"].splitlines()
    for fault in FAULTS.values():
        row = next((line for line in lines if line.startswith(f"| `{fault.number}`")), "")
        told = "append new rows in graph/sandbox/faults.py" if row else "docs/konaplate.md needs a row"
        assert fault.description in row, f"{fault.number}, {fault.description}: {told}"
        assert (f"`{fault.code.value}`" if fault.code else "none") in row
        assert ("retryable" in row) is fault.retryable


def test_the_documents_show_the_sandboxs_own_cards() -> None:
    pages = [text for name, text in DOCUMENTS.items() if not name.startswith("tests/")]
    shown = set(re.findall(r"(?<!\d)9491339\d{9}(?!\d)", "".join(pages)))
    assert len(shown) > 10
    assert shown <= CARDS.keys() | FAULTS.keys() | {number for card in WALLETS for number in card.numbers}


async def test_the_lines_of_the_log_have_the_fields_that_are_shown() -> None:
    with logs_as("info") as stream:
        async with gateway() as running:
            await running.query(CONTRACT_QUERY, {"cardNo": "9491339491000088"})
        written = stream.getvalue()
    shown = OPERATIONS.partition("## Read a log line")[2].partition("\n## ")[0]
    for event in ("request", "upstream call"):
        (line,) = [line for line in written.splitlines() if f'"event":"{event}"' in line]
        (block,) = [block for _, block in FENCE.findall(shown) if f'"event": "{event}"' in block]
        fields = set(re.findall(r'"(\w+)":', line)) - {"logger", "level", "timestamp"}
        assert set(re.findall(r'"(\w+)":', block)) == fields
        explained = re.findall(r"^\| (`.*?`) \|", shown.partition(block)[2].partition("```json")[0], re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", " ".join(explained))) <= fields


def test_every_line_of_the_log_that_is_named_is_written_somewhere() -> None:
    code = source("graph/**/*.py")
    named = re.findall(r"log\s+line\s+`([^`]+)`", OPERATIONS)
    assert len(named) > 1
    assert [text for text in named if f'"{" ".join(text.split())}' not in code] == []


def test_the_tree_has_every_folder() -> None:
    page = DOCUMENTS["docs/architecture.md"]
    (tree,) = [block for _, block in FENCE.findall(page) if block.startswith("schema/")]
    # Some lines name two folders.
    named = {name for line in tree.splitlines() for name in re.findall(r"([\w/]+)/(?=,| |$)", line[:25])}
    packages = {path.parent for path in (ROOT / "graph").rglob("__init__.py")} - {ROOT / "graph"}
    assert {str(package.relative_to(ROOT / "graph")) for package in packages} <= named
    assert {folder for folder in FOLDERS if not folder.startswith(".")} - {"docs"} <= named | {"graph"}
    modules = set(re.findall(r"\b\w+\.py\b", tree))
    assert modules <= {path.name for folder in ("graph", "schema") for path in (ROOT / folder).rglob("*.py")}


def test_every_decision_has_its_four_parts_and_is_listed() -> None:
    records = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/decisions").glob("0*.md")}
    index = DOCUMENTS["docs/decisions/README.md"]
    assert set(re.findall(r"\]\((0[^)]+)\)", index)) == set(records)
    for name, text in records.items():
        assert text.startswith(f"# {int(name[:4])}. ")
        assert re.findall(r"^\*\*(Context|Decision|Cost|Look again)\b", text, re.MULTILINE) == [
            "Context", "Decision", "Cost", "Look again",
        ]  # fmt: skip


def test_the_changelog_has_the_sections_of_keep_a_changelog() -> None:
    sections = set(re.findall(r"^### (.*)$", DOCUMENTS["CHANGELOG.md"], re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_every_api_is_listed_with_its_flags() -> None:
    said = {True: "encrypted", False: "clear", None: "unknown"}
    section = DOCUMENTS["docs/konaplate.md"].partition("## APIs")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `(/api/[^`]+)`, ([^|]+) \|[^|]+\| (\w+) \| (\w+) \|", section, re.MULTILINE)
    declared = [
        (each.name, each.path, each.title, said[each.seals_request], said[each.seals_response])
        for each in ENDPOINTS
    ]
    assert rows == declared, "docs/konaplate.md, APIs: one row for each endpoint, in the order of their modules"
