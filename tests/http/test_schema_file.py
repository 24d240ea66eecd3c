"""The schema as a file: who gets it, and that it is what introspection shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import graphql

from graph.graphql.cost import SCHEMA_COST
from schema.query import print_schema
from tests.http.asking import codes
from tests.security.callers import Caller, callers
from tests.support import gateway

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.security.callers import Callers
    from tests.telemetry.capture import Unredacted

PATH = "/graphql/schema.graphql"
SDL = print_schema()
# Introspection shows what a directive is, and not where it is applied.
APPLIED = re.compile(r" @semanticNonNull(\(levels: \[[0-9, ]+\]\))?$", re.MULTILINE)
DEVELOPER, MEMBER = Caller("a-developer", ("introspection",)), Caller("a-member", member="1001")
EVERYTHING = graphql.get_introspection_query(
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
    one_of=True,
)


async def get(running: Callers, caller: Caller, **headers: str) -> httpx.Response:
    token = running.signer.token(caller.id, scopes=caller.scopes, lifetime=600)
    return await running.gateway.client.get(PATH, headers={"authorization": f"Bearer {token}", **headers})


async def test_the_file_is_what_introspection_shows_to_the_letter() -> None:
    async with gateway() as running:
        file = await running.client.get(PATH)
        shown = await running.query(EVERYTHING)
    assert file.status_code == 200
    assert file.text == SDL
    assert graphql.print_schema(graphql.build_client_schema(shown["data"])) + "\n" == APPLIED.sub("", file.text)
    assert APPLIED.search(file.text)


async def test_a_client_that_has_this_version_is_sent_no_other() -> None:
    async with gateway() as running:
        first = await running.client.get(PATH)
        etag = first.headers["etag"]
        known = [
            await running.client.get(PATH, headers={"if-none-match": given})
            for given in (etag, f"W/{etag}", f'"other, one", {etag}', "*")
        ]
        unknown = [
            await running.client.get(PATH, headers={"if-none-match": given})
            for given in ("", etag.strip('"'), '"other"', f'"x{etag[1:]}', "\x07,;," * 1_000)
        ]
        head = await running.client.head(PATH)
    assert [(answer.status_code, answer.content) for answer in known] == [(304, b"")] * 4
    assert [answer.status_code for answer in unknown] == [200] * 5
    assert (head.status_code, head.content) == (200, b"")
    for answer in (first, *known, head):
        assert answer.headers["etag"] == etag
        assert answer.headers["cache-control"] == "private, no-store"
    for name in ("content-type", "content-length"):
        assert head.headers[name] == first.headers[name]
    assert first.headers["content-type"] == "text/plain; charset=utf-8"


async def test_only_get_and_head_are_answered() -> None:
    async with gateway() as running:
        answers = [await running.client.request(method, PATH) for method in ("POST", "PUT", "QUERY", "OPTIONS")]
        nowhere = await running.client.get(f"{PATH}/")
    for answer in answers:
        assert (answer.status_code, answer.headers["allow"], codes(answer)) == (405, "GET, HEAD", ["BAD_REQUEST"])
    assert nowhere.status_code == 404


async def test_in_production_it_takes_the_scope_of_introspection(tmp_path: Path, logged: Unredacted) -> None:
    # GET of operations has a setting of its own.
    settings = {
        "KONAGRAPH_ENV": "production",
        "KONAGRAPH_GET": "false",
        "KONAGRAPH_ID_KEY": "a key of these tests, long enough for one",
        "KONAGRAPH_CARD_REF_KEY": "a key of these tests, long enough for one",
        "KONAGRAPH_AUDIT_KEY": "a key of these tests, long enough for one",
        "KONAGRAPH_DOCUMENTS_MODE": "off",
        "KONAPLATE_BASE_URL": "https://konaplate.example/open-api",
    }
    async with callers(tmp_path, None, **settings) as running:
        allowed, refused = await get(running, DEVELOPER), await get(running, MEMBER)
        nobody = await running.gateway.client.get(PATH)
        known = await get(running, MEMBER, **{"if-none-match": allowed.headers["etag"]})
    assert (allowed.status_code, allowed.text) == (200, SDL)
    for answer in (refused, known):
        assert (answer.status_code, codes(answer)) == (403, ["FORBIDDEN"])
        assert answer.json()["errors"][0]["extensions"]["requiredScope"] == "introspection"
        assert "etag" not in answer.headers
    assert (nobody.status_code, codes(nobody)) == (401, ["UNAUTHENTICATED"])
    assert {event["route"] for event in logged.named("request")} == {PATH}
    assert [(event["status"], event["codes"]) for event in logged.named("request")] == [
        (200, []),
        (403, ["FORBIDDEN"]),
        (401, ["UNAUTHENTICATED"]),
        (403, ["FORBIDDEN"]),
    ]


async def test_where_introspection_is_forbidden_there_is_no_such_path(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_INTROSPECTION="false") as running:
        answer = await get(running, DEVELOPER)
    assert answer.status_code == 404


async def test_a_viewer_who_can_never_pay_for_it_is_told_so(tmp_path: Path, logged: Unredacted) -> None:
    most = SCHEMA_COST - 1
    async with callers(tmp_path, KONAGRAPH_COST_BURST=most, KONAGRAPH_MAX_COST=most) as running:
        answer = await get(running, DEVELOPER)
    assert (answer.status_code, codes(answer)) == (400, ["QUERY_LIMIT_EXCEEDED"])
    assert [event["codes"] for event in logged.named("request")] == [["QUERY_LIMIT_EXCEEDED"]]
    assert logged.named("unexpected exception") == []


async def test_it_counts_against_the_budgets_of_the_viewer(tmp_path: Path) -> None:
    most = 2 * SCHEMA_COST
    async with callers(tmp_path, KONAGRAPH_COST_BURST=most, KONAGRAPH_MAX_COST=most) as running:
        answers = [await get(running, DEVELOPER) for _ in range(3)]
        known = await get(running, DEVELOPER, **{"if-none-match": answers[0].headers["etag"]})
    async with callers(tmp_path, KONAGRAPH_REQUEST_BURST=1) as running:
        requests = [await get(running, DEVELOPER), await running.post(DEVELOPER, "{ __typename }")]
    assert [answer.status_code for answer in (*answers, known)] == [200, 200, 429, 304]
    assert [answer.status_code for answer in requests] == [200, 429]
    assert "retry-after" in answers[2].headers


async def test_a_page_of_another_site_is_refused() -> None:
    async with gateway() as running:
        answer = await running.client.get(PATH, headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"})
    assert (answer.status_code, codes(answer)) == (403, ["FORBIDDEN"])
