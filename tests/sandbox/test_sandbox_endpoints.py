"""The sandbox has a route for each endpoint of a registry, from one table, by the endpoint's own flags."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from graph import DeclarationError
from graph.konaplate.endpoint import Endpoint
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.record import Record
from graph.sandbox.app import create_sandbox
from graph.sandbox.data import DATA
from graph.sandbox.faults import Coded, Raw
from graph.sandbox.ledger import CARDS, FIRST_CARD
from graph.sandbox.table import Table
from schema.secrets import MemberId
from tests.independent.raw_client import Draft, envelope, sealed
from tests.sandbox.calls import credentials, opened, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

SUCCESS = {"code": "000_000", "description": "Success."}
PATH = "/open-api/api/v1/toy"


class Toy(Record):
    user_id: MemberId | None
    toy_name: str | None


ONE: Endpoint[MemberId, Toy] = Endpoint(
    name="toy",
    title="Toy",
    path="/api/v1/toy",
    key=MemberId,
    request=lambda key: {"userId": key},
    record=Toy,
    owner="user_id",
)
MANY = dataclasses.replace(ONE, within=("toys",), key_of=lambda toy: toy.user_id)
NOBODY = Coded("001_006", "Wallet user not found.")
ROWS = {1: {"userId": 1, "toyName": "ball"}, 2: {"userId": 2, "toyName": "kite"}}
TABLE = Table(key="userId", rows=ROWS, not_found=NOBODY, faults={9: Raw(503)})
LIST = Table(key="userIds", rows=ROWS, not_found=NOBODY, faults={9: Raw(503)}, listed_in="toys")


async def ask(endpoint: Endpoint[Any, Any], table: Table, draft: Draft) -> httpx.Response:
    sandbox = create_sandbox(credentials(), endpoints=[*ENDPOINTS, endpoint], data={**DATA, endpoint.name: table})
    headers = {name: value for name, value in draft.headers if name != "Host"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox), base_url="http://sandbox") as client:
        return await client.post(draft.path, content=draft.body, headers=headers)


def secret(clear: Mapping[str, Any], path: str = PATH) -> Draft:
    return Draft(envelope(sealed(json.dumps(clear).encode())), path)


def plain(clear: Mapping[str, Any]) -> Draft:
    return Draft(json.dumps(clear).encode(), PATH)


async def test_an_endpoint_is_answered_from_its_table_and_the_others_from_theirs() -> None:
    toy = await ask(ONE, TABLE, secret({"userId": 2}))
    card = await ask(ONE, TABLE, secret({"cardNo": FIRST_CARD}, "/open-api/api/v1/user/card/info"))

    assert opened(toy) == {**ROWS[2], "response": SUCCESS}
    assert opened(card) == {**CARDS[FIRST_CARD].fields, "response": SUCCESS}


async def test_what_a_table_has_not_got_is_answered_with_its_error() -> None:
    assert refusal(await ask(ONE, TABLE, secret({"userId": 3}))) == (400, "001_006", "Wallet user not found.")
    assert (await ask(ONE, TABLE, secret({"userId": 9}))).status_code == 503


async def test_an_endpoint_of_many_keys_gives_a_row_for_each_that_it_has() -> None:
    response = await ask(MANY, LIST, secret({"userIds": [2, 3, 1]}))

    assert opened(response) == {"toys": [ROWS[2], ROWS[1]], "response": SUCCESS}
    assert (await ask(MANY, LIST, secret({"userIds": [1, 9]}))).status_code == 503


@pytest.mark.parametrize(
    ("clear", "code"),
    [
        ({}, "000_003"),
        ({"userIds": []}, "000_002"),
        ({"userIds": 1}, "000_002"),
        ({"userIds": [1, "2"]}, "000_002"),
        ({"userIds": [0]}, "000_002"),
        ({"userIds": [[1]]}, "000_002"),
    ],
)
async def test_a_list_of_keys_is_checked_like_a_single_one(clear: dict[str, Any], code: str) -> None:
    assert refusal(await ask(MANY, LIST, secret(clear)))[:2] == (400, code)


@pytest.mark.parametrize("seals_request", [True, False])
@pytest.mark.parametrize("seals_response", [True, False])
async def test_what_is_sealed_is_what_the_endpoint_says(*, seals_request: bool, seals_response: bool) -> None:
    endpoint = dataclasses.replace(ONE, seals_request=seals_request, seals_response=seals_response)
    draft = secret({"userId": 1}) if seals_request else plain({"userId": 1})

    response = await ask(endpoint, TABLE, draft)

    assert (opened(response) if seals_response else response.json()) == {**ROWS[1], "response": SUCCESS}
    assert ("X-KM-Crypto-Key-Id" in response.headers) == seals_response


async def test_the_key_must_be_named_when_one_side_is_sealed_and_need_not_when_none_is() -> None:
    half = dataclasses.replace(ONE, seals_request=False)
    bare = dataclasses.replace(half, seals_response=False)
    draft = plain({"userId": 1}).without("X-KM-Crypto-Key-Id")

    assert refusal(await ask(half, TABLE, draft)) == (400, "010_001", "X-KM-Crypto-Key-Id is unknown.")
    assert (await ask(bare, TABLE, draft)).status_code == 200


async def test_a_sealed_call_of_an_endpoint_that_takes_plain_ones_has_no_key() -> None:
    endpoint = dataclasses.replace(ONE, seals_request=False)

    assert refusal(await ask(endpoint, TABLE, secret({"userId": 1})))[:2] == (400, "000_003")


def test_an_endpoint_without_data_is_no_sandbox() -> None:
    with pytest.raises(DeclarationError, match=r"no table for 'toy': add one to DATA in graph/sandbox/data.py"):
        create_sandbox(credentials(), endpoints=[ONE])


@pytest.mark.parametrize("rows", [{}, {None: {"name": "Kim"}}], ids=["no row", "no key"])
def test_a_table_without_a_key_is_refused_by_name(rows: dict[Any, Any]) -> None:
    data = {ONE.name: dataclasses.replace(TABLE, rows=rows)}
    with pytest.raises(DeclarationError, match=r"table for 'toy' needs a row with a key"):
        create_sandbox(credentials(), endpoints=[ONE], data=data)
