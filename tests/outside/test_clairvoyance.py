"""Clairvoyance guesses a schema from error messages where introspection is off."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from graphql import GraphQLObjectType, is_introspection_type, is_specified_scalar_type
from graphql.pyutils import suggestion_list

from schema.errors import ErrorCode
from tests.outside.suggesting_server import SCHEMA, suggesting_server
from tests.outside.toolbox import run_tool, tool_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from subprocess import CompletedProcess

    from tests.outside.attacked import Attacked

CARD = "9491339400000013"
# None of them is in the schema.
NEAR_MISSES = ("crd", "crds", "cardss", "balanc", "cardNoo", "membr", "userIdd", "profil", "emai", "idNoo")

# Where a name can be guessed, once its parents are known.
PLACES = {
    "Query": "{%s}",
    "Card": '{card(cardNo:"' + CARD + '"){%s}}',
    "Member": '{card(cardNo:"' + CARD + '"){member{%s}}}',
    "MemberProfile": '{card(cardNo:"' + CARD + '"){member{profile{%s}}}}',
    "AddressInfo": '{card(cardNo:"' + CARD + '"){member{profile{addressInfo{%s}}}}}',
    "CashReceiptInfo": '{card(cardNo:"' + CARD + '"){cashReceiptInfo{%s}}}',
}


# Names of ours that graphql-core's sentences use as words.
WORDS = {"required", "to", "type"}
# Every error has these, wherever the schema names them, too.
OF_ERRORS = {"code", "message", "retryable", *ErrorCode}


def our_names() -> set[str]:
    """All names of our schema by which it could be known."""
    names = set()
    for name, kind in SCHEMA.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        names.add(name)
        if isinstance(kind, GraphQLObjectType):
            names |= kind.fields.keys()
            names |= {argument for field in kind.fields.values() for argument in field.args}
        names |= getattr(kind, "values", {}).keys()
    return names - WORDS - OF_ERRORS


def words_in(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def probe(url: str, folder: Path, words: Iterable[str] | None = None) -> tuple[CompletedProcess[str], Path]:
    """Run the tool with its own word list or ours; its exit, and the path of its schema."""
    found = folder / "schema.json"
    arguments = ["--output", str(found), "--concurrent-requests", "4"]
    if words is not None:
        (folder / "words").write_text("\n".join(words), encoding="utf-8")
        arguments += ["--wordlist", str(folder / "words")]
    return run_tool("clairvoyance", url, *arguments, folder=folder), found


def fields_in(found: Path) -> dict[str, set[str]]:
    types: list[dict[str, Any]] = json.loads(found.read_text(encoding="utf-8"))["data"]["__schema"]["types"]
    return {kind["name"]: {field["name"] for field in kind.get("fields") or ()} for kind in types}


def test_the_probe_finds_the_names_of_a_server_that_suggests(tmp_path: Path) -> None:
    with suggesting_server() as url:
        ran, found = probe(url, tmp_path, NEAR_MISSES)

    assert ran.returncode == 0, ran.stderr
    fields = fields_in(found)
    assert {"card", "cards"} <= fields["Query"]
    assert {"balance", "member"} <= fields["Card"]


def test_the_probe_finds_no_name_by_near_misses(closed_gateway: Attacked, tmp_path: Path) -> None:
    ran, found = probe(closed_gateway.url, tmp_path, NEAR_MISSES)

    assert not found.exists()
    assert ran.returncode == 1
    assert "Field Suggestion is not fully enabled on this endpoint" in ran.stderr
    assert set() == words_in(ran.stdout + ran.stderr) & (our_names() - {"Query"})


def test_the_probe_finds_nothing_with_all_words_it_knows(closed_gateway: Attacked, tmp_path: Path) -> None:
    ran, found = probe(closed_gateway.url, tmp_path)

    assert not found.exists()
    assert ran.returncode == 1
    closed_gateway.settle()
    answered = [line for line in closed_gateway.lines() if line["event"] == "request"]
    # It sends 64 of its 9,894 words at a time.
    assert len(answered) >= 9_894 // 64


@pytest.mark.parametrize("type_name", PLACES)
def test_no_message_names_what_the_client_has_not_guessed(closed_gateway: Attacked, type_name: str) -> None:
    kind = SCHEMA.type_map[type_name]
    assert isinstance(kind, GraphQLObjectType)
    # Every fourth of its words; those for which graphql-core would suggest a name.
    listed = tool_file("clairvoyance", "wordlist.txt").read_text(encoding="utf-8").split()[::4]
    words = [word for word in listed if word not in kind.fields and suggestion_list(word, list(kind.fields))]
    assert len(words) >= 5

    told = set()
    with httpx.Client(timeout=10) as client:
        # Five at a time, because no more errors are returned.
        for start in range(0, len(words), 5):
            query = PLACES[type_name] % " ".join(words[start : start + 5])
            errors = client.post(closed_gateway.url, json={"query": query}).json()["errors"]
            assert len(words[start : start + 5]) == len(errors)
            told |= words_in(json.dumps(errors)) & our_names() - words_in(query)

    # Only the type of a guessed field is revealed.
    assert {type_name} == told


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('{card(cardNoo:"x"){balance}}', set()),
        ("{card{balance}}", set()),
        ("{card}", set()),
        ('{card(cardNo:"9491339400000013"){balance{x}}}', set()),
        ("fragment F on Crd{balance} {...F}", set()),
        ("query($a:CardNumbr!){card(cardNo:$a){balance}}", set()),
        ("query($a:Boolean!){card(cardNo:$a){balance}}", set()),
        ("{card @skp(if:true){balance}}", set()),
        ("{__schema{types{name}}}", set()),
        ('{__type(name:"Card"){fields{name}}}', set()),
        ("{...F}fragment F on Query{a:__schema{b:queryType{c:name}}}", set()),
        ('query($b:Boolean=true){...@include(if:$b){__type(name:"Card"){kind}}}', set()),
        # For a guessed field or argument, the type is revealed.
        ("{card(cardNo:1){balance}}", {"CardNumber"}),
        ('{card(cardNo:"9491339400000013"){... on Query{__typename}}}', {"Card"}),
    ],
)
def test_a_wrong_guess_is_told_no_right_one(closed_gateway: Attacked, query: str, expected: set[str]) -> None:
    answer = httpx.post(closed_gateway.url, json={"query": query}, timeout=10)

    assert answer.json().keys() == {"errors"}
    assert words_in(answer.text) & our_names() - words_in(query) == expected
