"""Manifests: the formats of three tools, and every problem at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.graphql.manifests import Manifest, ManifestError, TrustedDocuments, client_of, trust
from tests.graphql.documents import (
    CARD,
    CARD_QUERY,
    INLINE_CARD,
    TYPENAME,
    apollo_manifest,
    apollo_operation,
    hash_of,
    new_documents,
    trusting,
)


def problems(content: bytes) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        trusting(content)
    assert CARD not in f"{caught.value!r} {caught.value}"
    assert str(caught.value) == "; ".join(caught.value.problems)
    # A cause or a context would quote the content.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.problems


def flat(documents: dict[str, Any]) -> bytes:
    return json.dumps(documents).encode()


def test_apollos_manifest_is_read() -> None:
    operations = [apollo_operation(CARD_QUERY), apollo_operation(TYPENAME, "Name")]
    trusted = trusting(apollo_manifest(*operations))
    assert len(trusted) == 2
    for text, name in ((CARD_QUERY, "Card"), (TYPENAME, "Name")):
        assert text == trusted.text(hash_of(text))
        document = trusted.by_id(hash_of(text))
        assert document is not None
        assert document is trusted.documents.get(text)
        assert document.operations.keys() == {name}


@pytest.mark.parametrize(
    "document_id",
    [
        "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "5d41402abc4b2a76b9719d911017c592",
        "CardScreenQuery",
        "format",
    ],
    ids=["sha1 of the client preset", "with its algorithm", "md5 of Relay", "a name", "a word of the other form"],
)
def test_a_plain_object_of_ids_is_read(document_id: str) -> None:
    trusted = trusting(flat({document_id: CARD_QUERY}))
    assert trusted.text(document_id) == CARD_QUERY
    assert trusted.by_id(document_id) is trusted.documents.get(CARD_QUERY)


def test_an_id_may_say_that_it_is_a_hash() -> None:
    trusted = trusting(flat({hash_of(CARD_QUERY): CARD_QUERY}))
    assert trusted.text(f"sha256:{hash_of(CARD_QUERY)}") == CARD_QUERY
    assert trusted.by_id(f"sha256:sha256:{hash_of(CARD_QUERY)}") is None


def test_two_ids_may_share_a_document() -> None:
    trusted = trusting(flat({"a": CARD_QUERY, "b": CARD_QUERY}))
    assert trusted.by_id("a") is trusted.by_id("b") is not None


def test_what_is_not_in_the_manifest_is_not_found() -> None:
    trusted = trusting(flat({"a": CARD_QUERY}))
    assert trusted.by_id("b") is None
    assert trusted.text("b") is None
    assert trusted.documents.get(TYPENAME) is None
    assert trusted.documents.get(CARD_QUERY + " ") is None
    assert len(TrustedDocuments()) == 0


def test_trusted_documents_are_not_in_the_cache_that_forgets() -> None:
    documents = new_documents()
    trust([Manifest(flat({"a": CARD_QUERY}))], documents)
    assert len(documents) == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a": ' + b"9" * 5_000 + b"}", b"query { a }"],
    ids=["empty", "cut", "UTF-16", "a byte order mark", "nested", "a huge number", "GraphQL"],
)
def test_what_is_not_json_is_refused(content: bytes) -> None:
    assert problems(content) == ["is not JSON"]


UNKNOWN_FORMS = {
    "a list": b"[]",
    "a text": b'"query { a }"',
    "null": b"null",
    "another version": apollo_manifest(apollo_operation(TYPENAME)).replace(b'"version": 1', b'"version": 2'),
    "another format": apollo_manifest(apollo_operation(TYPENAME)).replace(b"apollo-", b"other-"),
    "no format": b'{"operations": []}',
    "operations that are no list": apollo_manifest().replace(b"[]", b"{}"),
}


@pytest.mark.parametrize("content", UNKNOWN_FORMS.values(), ids=UNKNOWN_FORMS)
def test_an_unknown_form_is_refused(content: bytes) -> None:
    (problem,) = problems(content)
    known = "apollo-persisted-query-manifest version 1 and an object from ids to documents"
    assert problem == f"has an unknown form; known are {known}"


@pytest.mark.parametrize("content", [b"{}", apollo_manifest()])
def test_an_empty_manifest_is_refused(content: bytes) -> None:
    assert problems(content) == ["holds no document"]


def test_every_problem_is_named_at_once() -> None:
    content = flat(
        {
            "good": CARD_QUERY,
            "broken": "{",
            "invalid": "{\n  blance\n  cart }",
            "huge": "{" + "a " * 700 + "}",
            "wide": "{" + "__typename " * 11 + "}",
            "inline": INLINE_CARD,
            "hidden": "{ __typename } # 9491-3394-0000-0013",
            "escaped": '{ card(cardNo: "\\u0039") { balance } }',
            "mutation": "mutation { a }",
            "introspection": "{ __schema { __typename } }",
            "none": 1,
            "": TYPENAME,
        }
    )
    may_hold = "it may hold a card number; a trusted document must take it as a variable"
    assert problems(content) == [
        "document 2 'broken': The document is not syntactically valid GraphQL. (line 1, column 2)",
        "document 3 'invalid': The type 'Query' has no field 'blance'. (line 2, column 3)",
        "document 3 'invalid': The type 'Query' has no field 'cart'. (line 3, column 3)",
        "document 4 'huge': The document exceeds the limit of its tokens.",
        "document 5 'wide': The document exceeds the limit of its rootFields.",
        f"document 6 'inline': {may_hold}",
        f"document 7 'hidden': {may_hold}",
        f"document 8 'escaped': {may_hold}",
        "document 9 'mutation': The schema has only queries, and no mutation. (line 1, column 1)",
        "document 10 'introspection': Introspection is switched off. (line 1, column 3)",
        "document 11 'none' has no id or no text",
        "document 12 has no id or no text",
    ]


@pytest.mark.parametrize("second", [CARD_QUERY, TYPENAME])
def test_an_id_that_is_there_twice_is_refused(second: str) -> None:
    # Most JSON parsers silently keep the second one.
    twice = f'{{"a": {json.dumps(CARD_QUERY)}, "a": {json.dumps(second)}}}'.encode()
    assert problems(twice) == ["document 2 'a' has the id of another one"]
    operations = [{"id": "a", "body": CARD_QUERY}, {"id": "a", "body": second}]
    assert problems(apollo_manifest(*operations)) == ["document 2 'a' has the id of another one"]


@pytest.mark.parametrize("operation", [{}, {"id": "a"}, {"body": TYPENAME}, {"id": 1, "body": TYPENAME}])
def test_an_operation_of_apollos_manifest_without_id_or_body_is_refused(operation: dict[str, Any]) -> None:
    (problem,) = problems(apollo_manifest(operation))
    assert problem.endswith("has no id or no text")


@pytest.mark.parametrize("entry", ["1", '"a"', "[]", "null"])
def test_an_operation_of_apollos_manifest_that_is_no_object_is_refused(entry: str) -> None:
    content = apollo_manifest().replace(b"[]", f"[{entry}]".encode())
    assert problems(content) == ["document 1 has no id or no text"]


def test_an_id_is_shown_without_card_numbers_and_control_characters_and_not_for_ever() -> None:
    found = problems(flat({CARD: "{", "a\n\x1b[31m": "{", "x" * 1_000: "{"}))
    assert [problem.split(": ")[0] for problem in found] == [
        "document 1 '949133******0013'",
        r"document 2 'a\n\x1b[31m'",
        f"document 3 '{'x' * 80}'",
    ]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", TYPENAME, "{", INLINE_CARD]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "id", "body"]), inner),
    max_leaves=6,
)
MANIFESTS = st.dictionaries(st.sampled_from(["a", "b", "format", "version", "operations"]), JSON_VALUES)


@given(st.binary(max_size=50) | MANIFESTS.map(flat) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_content_is_trusted_or_refused(content: bytes) -> None:
    try:
        trusted = trusting(content)
    except ManifestError as error:
        found, problems_found = 0, error.problems
    else:
        found, problems_found = len(trusted), []
    assert (found > 0) is (problems_found == [])
    assert CARD not in str(problems_found)


def test_a_manifest_knows_the_names_of_its_operations() -> None:
    documents = {
        "a": "query A { __typename } query B { __typename }",
        "b": "query A { __typename }",
        "c": TYPENAME,
    }
    assert frozenset({"A", "B", "Name"}) == trusting(flat(documents)).operation_names
    assert frozenset() == TrustedDocuments().operation_names


def test_manifests_share_documents_and_each_document_knows_its_clients() -> None:
    shared, web, old = CARD_QUERY, TYPENAME, "query Old { __typename }"
    trusted = trust(
        [
            Manifest(flat({"shared": shared, "web": web}), client="web@1.4.0"),
            Manifest(apollo_manifest({"id": "shared", "body": shared}), client="ios@2.0"),
            Manifest(flat({"old": old, "again": shared})),
        ],
        new_documents(),
    )
    assert trusted.texts == {"shared": shared, "web": web, "old": old, "again": shared}
    clients = {text: document.clients for text, document in trusted.documents.items()}
    assert clients == {shared: ("ios@2.0", "web@1.4.0"), web: ("web@1.4.0",), old: ()}
    assert trusted.client_names == {"ios@2.0", "web@1.4.0"}
    # A client that is renamed is a change, too.
    assert trusting(flat({"web": web})) != trust([Manifest(flat({"web": web}), client="web@2")], new_documents())


def test_an_id_with_another_text_in_another_manifest_is_refused_with_both_names() -> None:
    ones = [("web.json", {"a": CARD_QUERY, "b": TYPENAME}), ("ios.json", {"b": TYPENAME + " ", "a": CARD_QUERY})]
    broken = [*ones, ("android.json", {"c": "{"}), ("empty.json", {}), ("none.json", [])]
    with pytest.raises(ManifestError) as caught:
        trust([Manifest(json.dumps(content).encode(), name) for name, content in broken], new_documents())
    assert [problem[:60] for problem in caught.value.problems] == [
        "ios.json: document 1 'b' has another text in web.json",
        "android.json: document 1 'c': The document is not syntactically valid GraphQL."[:60],
        "empty.json: holds no document",
        "none.json: has an unknown form; known are apollo-persisted-query-manifest"[:60],
    ]


@pytest.mark.parametrize(
    ("name", "client"),
    [
        ("persisted-documents.json", None),
        ("web@1.4.0.json", "web@1.4.0"),
        ("My_App.ios@2026.11.27-beta+5.json", "My_App.ios@2026.11.27-beta+5"),
        ("web@1.4.0", "web@1.4.0"),
    ],
)
def test_a_files_name_may_name_the_client(name: str, client: str | None) -> None:
    assert client == client_of(name)


@pytest.mark.parametrize(
    "name",
    [
        "@1.json",
        "web@.json",
        "web@1@2.json",
        "web @1.json",
        "wéb@1.json",
        "web@\x1b.json",
        f"web@{CARD}.json",
        "web@9491-3394-0000-0013.json",
        f"web@{'1' * 41}.json",
    ],
)
def test_a_name_that_is_no_client_and_version_is_refused(name: str) -> None:
    with pytest.raises(ManifestError) as caught:
        client_of(name)
    assert caught.value.problems == ["has a name with an @ that is not of the form client@version.json"]
