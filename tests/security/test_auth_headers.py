"""Where credentials are read from, and the response to requests without valid ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from graph.sandbox.ledger import FIRST_CARD
from tests.security.jwt_gateway import BALANCE, assert_accepted, assert_refused
from tests.security.jwt_maker import claims, ec_signer
from tests.tables import table

if TYPE_CHECKING:
    from tests.security.jwt_gateway import Guarded

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOT_ONE = "there must be exactly one header with credentials"
NONE = "there is no Authorization header"
NO_BEARER = "the Authorization header holds no bearer token"
Header = tuple[bytes, bytes]


def authorization(value: bytes) -> Header:
    return (b"authorization", value)


def good() -> bytes:
    return ec_signer().token().encode()


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER", b"bEaReR", b"Bearer  ", b"Bearer     "])
async def test_the_scheme_may_be_written_in_any_case(scheme: bytes, running: Guarded) -> None:
    assert_accepted(await running.ask([authorization(scheme + b" " + good())]))


@pytest.mark.parametrize("name", [b"authorization", b"Authorization", b"AUTHORIZATION"])
async def test_the_header_may_be_written_in_any_case(name: bytes, running: Guarded) -> None:
    assert_accepted(await running.ask([(name, b"Bearer " + good())]))


async def test_a_request_without_credentials_is_refused(running: Guarded) -> None:
    calls = running.calls

    assert_refused(await running.ask({}), running, NONE)
    assert calls == running.calls


@table(
    "value",
    [
        *(b"", b"Bearer", b"Bearer ", b"Bearer    ", b"Bearer\t@", b"Bearer=@"),
        *(b"Basic dXNlcjpwYXNz", b"Digest x"),
        *(b"@", b"Token @", b"Basic @", b"DPoP @", b"BearerBearer @", b"Bearer, Bearer @"),
    ],
)
async def test_a_header_without_a_bearer_token_is_refused(value: bytes, running: Guarded) -> None:
    assert_refused(await running.ask([authorization(value.replace(b"@", good()))]), running, NO_BEARER)


@pytest.mark.parametrize(
    "twice", [b"@ @", b"@, Bearer @", b"@,@", b"@;x", b"@ x", b"x @", b'"@"', b"\xa0@", b"\t@"]
)
async def test_more_than_a_token_after_the_scheme_is_refused(twice: bytes, running: Guarded) -> None:
    answer = await running.ask([authorization(b"Bearer " + twice.replace(b"@", good()))])

    assert answer.status_code == 401


@pytest.mark.parametrize("second", [None, b"Bearer @", b"Basic dXNlcjpwYXNz", b""])
@pytest.mark.parametrize("good_first", [True, False])
async def test_two_headers_with_credentials_are_refused_even_if_one_is_good(
    second: bytes | None, *, good_first: bool, running: Guarded
) -> None:
    first = b"Bearer " + good()
    other = first if second is None else second.replace(b"@", b"x.y.z")
    headers = [authorization(first), authorization(other)]

    assert_refused(await running.ask(headers if good_first else headers[::-1]), running, NOT_ONE)


@pytest.mark.parametrize("name", ["x-api-key", "cookie", "proxy-authorization", "x-authorization"])
async def test_a_token_elsewhere_is_not_looked_at(name: str, running: Guarded) -> None:
    token = good().decode()

    assert_refused(await running.ask({name: f"Bearer {token}"}), running, NONE)


@pytest.mark.parametrize("place", ["access_token", "token"])
async def test_a_token_in_the_address_is_not_looked_at(place: str, running: Guarded) -> None:
    body = {"query": BALANCE, "variables": {"cardNo": FIRST_CARD}}
    answer = await running.gateway.client.post("/graphql", json=body, params={place: good().decode()})

    assert_refused(answer, running, NONE)


@pytest.mark.parametrize("media_type", ["application/json", "application/graphql-response+json"])
async def test_the_answer_is_of_the_media_type_that_was_asked_for(media_type: str, running: Guarded) -> None:
    answer = await running.ask({"Accept": media_type})

    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert_refused(answer, running, NONE)


@pytest.mark.parametrize("body", [b"", b"{", b"\x00" * 10, b"x" * 100_000])
async def test_credentials_come_before_anything_else_of_the_request(body: bytes, running: Guarded) -> None:
    running.gateway.app.state.reopen_files()
    assert_refused(await running.gateway.client.post("/graphql", content=body), running, NONE)
    assert_refused(await running.gateway.client.request("PUT", "/graphql"), running, NONE)
    assert_refused(await running.gateway.client.get("/graphql", params={"query": "{ __typename }"}), running, NONE)


async def test_every_reason_gets_the_same_answer(running: Guarded) -> None:
    signer = ec_signer()
    expired, unknown, tampered = (
        signer.token(claims(exp=1)),
        signer.token(kid="x"),
        signer.token()[:-8] + "AAAAAAAA",
    )
    answers = [
        await running.ask(headers)
        for headers in ({}, *({"Authorization": f"Bearer {token}"} for token in (expired, unknown, tampered)))
    ]
    varying = {"x-request-id"}
    seen = {
        (
            answer.status_code,
            answer.text.replace(answer.headers["x-request-id"], "id"),
            tuple(sorted((name, value) for name, value in answer.headers.items() if name not in varying)),
        )
        for answer in answers
    }

    assert len(seen) == 1
    reasons = [event["reason"] for event in running.audited()[-len(answers) :]]
    assert len(set(reasons)) == len(answers)
