"""Endpoints: everything specific to an API is data, and the same code reads all responses."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final, NamedTuple

import pytest

from graph import DeclarationError
from graph.konaplate.endpoint import Certainty, Endpoint, by_name
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.terms import TERMS
from graph.konaplate.endpoints.transactions import TRANSACTIONS
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.konaplate.errors import (
    CardNotFoundError,
    InvalidFieldError,
    InvalidInputError,
    InvalidResponseError,
    MemberNotFoundError,
    RejectedError,
)
from graph.konaplate.record import Record, Text
from schema.secrets import CardNo, IdentityNo, MemberId
from tests.konaplate.support import CARD, DETAILS, MEMBER, card_fields, member_fields, without


class Product(Record):
    service_id: Annotated[str, Text(15)]
    service_name: str | None


PRODUCTS: Final = Endpoint(
    name="products",
    title="Card Product ID Inquiry",
    path="/api/v1/service/info/list",
    key=str,
    request=lambda ids: {"serviceIds": list(ids)},
    record=Product,
    within=("result", "products"),
    key_of=lambda product: product.service_id,
    not_found=CardNotFoundError,
)


def product(service_id: object, name: str = "name") -> dict[str, object]:
    return {"serviceId": service_id, "serviceName": name}


def read_products(rows: object, *keys: str) -> list[object]:
    """The result of each key: a product's name, or the type of its error."""
    read = PRODUCTS.read_batch({"result": {"products": rows}}, DETAILS, keys)
    return [each.service_name if isinstance(each, Product) else type(each) for each in read.values()]


def test_rows_of_a_batch_are_matched_by_key_and_not_by_position() -> None:
    rows = [product("b", "second"), product("x", "not asked for"), product("a", "first")]
    assert read_products(rows, "a", "b") == ["first", "second"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([product("a")], ["name", CardNotFoundError]),
        ([], [CardNotFoundError, CardNotFoundError]),
        # A row without a key may be the missing one.
        ([product("a"), product(None)], ["name", InvalidResponseError]),
        ([product("a"), 5], ["name", InvalidResponseError]),
        ([product("a"), {}], ["name", InvalidResponseError]),
        # Two different rows for one key.
        ([product("a"), product("a", "another"), product("b")], [InvalidResponseError, "name"]),
        ([product("a"), product("a", "another"), product("a"), product("b")], [InvalidResponseError, "name"]),
        ([product("a"), product("a"), product("b")], ["name", "name"]),
    ],
)
def test_a_key_without_one_row_of_its_own_fails_alone(rows: object, expected: list[object]) -> None:
    assert read_products(rows, "a", "b") == expected


@pytest.mark.parametrize(
    "answer",
    [{}, {"result": None}, {"result": []}, {"result": {"products": {}}}, {"result": {"products": [{}] * 1_001}}],
    ids=lambda answer: repr(answer)[:60],
)
def test_a_batch_answer_without_its_list_is_invalid(answer: dict[str, Any]) -> None:
    with pytest.raises(InvalidResponseError):
        PRODUCTS.read_batch(answer, DETAILS, ["a"])


def test_a_record_may_stand_further_in() -> None:
    deep = replace(CARD_INFO, within=("data", "card"))
    assert CARD_INFO.read(card_fields(), DETAILS, CARD) == deep.read(
        {"data": {"card": card_fields()}}, DETAILS, CARD
    )
    for answer in ({}, {"data": None}, {"data": [card_fields()]}, {"data": {"card": [card_fields()]}}):
        with pytest.raises(InvalidResponseError):
            deep.read(answer, DETAILS, CARD)


def test_a_record_about_another_key_is_refused_as_a_whole() -> None:
    mine = replace(CARD_INFO, matches=lambda card, _card_no: card.owner_ka == "200000000000002")
    assert mine.read(card_fields(), DETAILS, CARD).user_id == MEMBER
    with pytest.raises(InvalidResponseError) as caught:
        mine.read(card_fields(ownerKa="somebody"), DETAILS, CARD)
    assert InvalidResponseError is type(caught.value)


def test_a_code_means_what_the_endpoint_says_and_else_what_it_means_everywhere() -> None:
    own = replace(CARD_INFO, codes={"003_024": CardNotFoundError, "001_006": CardNotFoundError})
    for code, everywhere, here in [
        ("003_024", None, CardNotFoundError),
        ("001_006", MemberNotFoundError, CardNotFoundError),
        ("000_002", InvalidInputError, InvalidInputError),
        ("010_001", RejectedError, RejectedError),
        ("123_456", None, None),
    ]:
        assert (everywhere, here) == (CARD_INFO.error_of(code), own.error_of(code))


def test_an_answer_without_a_code_is_a_success_with_everything_that_is_required() -> None:
    assert CARD_INFO.is_complete(without(card_fields(), "userId", "ownerKa"))
    assert not CARD_INFO.is_complete(without(card_fields(), "balance"))
    assert USER_INFO.is_complete({"userInfo": member_fields()})
    assert not USER_INFO.is_complete(member_fields())


def test_an_answer_without_a_code_is_none_where_nothing_is_required() -> None:
    class Guess(Record):
        word: str | None

    guess = Endpoint(
        name="guess",
        title="",
        path="/guess",
        key=str,
        request=lambda _key: {},
        record=Guess,
    )
    assert not guess.is_complete({})
    assert not guess.is_complete({"word": "x"})


@pytest.mark.parametrize(
    ("endpoint", "changes"),
    [
        (CARD_INFO, {"owner": "nobody"}),
        (CARD_INFO, {"owner": "card_number"}),
        (CARD_INFO, {"certainty": Certainty.SEEN}),
        (CARD_INFO, {"key_of": lambda card: card.user_id}),
        (PRODUCTS, {"within": ()}),
        (USER_INFO, {"owner": None}),
        (TERMS, {"owner": None}),
        (TRANSACTIONS, {"owner": None}),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    endpoint: Endpoint[Any, Any], changes: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=endpoint.name):
        replace(endpoint, **changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"within": "products"}, "`within` is a tuple, as in (\"a\",), not 'products'"),
        ({"complete_with": "products"}, "`complete_with` is a tuple, as in (\"a\",), not 'products'"),
        ({"path": "api/v1"}, "its `path` begins with a slash: 'api/v1'"),
        ({"key": list[str]}, "its `key` is the class of one key, such as `str` or `MemberId`, not list[str]"),
        ({"codes": {"001_006": "x"}}, "`codes` maps '001_006' to a KonaplateError, not 'x'"),
        (
            {"codes": {"001_006": ValueError}},
            "`codes` maps '001_006' to a KonaplateError, not <class 'ValueError'>",
        ),
        (
            {"key_name": "", "owner": "user_id"},
            "neither the record nor the key has its owner, 'user_id'; if it is the key, add `key_name='user_id'`",
        ),
    ],
)
def test_a_declaration_that_no_call_could_use_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        replace(PRODUCTS, **changes)
    assert str(caught.value) == f"products: {told}"


def _nothing(_key: object) -> dict[str, Any]:
    return {}


class Pair(NamedTuple):
    card: CardNo
    member: MemberId | None


class Held(Record):
    user_id: MemberId | None

    @property
    def holder(self) -> MemberId | None:
        return MemberId("3")


@pytest.mark.parametrize(
    ("key", "owner", "expected", "in_key"),
    [
        (MemberId, "user_id", MemberId("1"), False),
        (MemberId, "holder", MemberId("3"), False),
        (MemberId, "asked_for", MemberId("2"), True),
        (Pair, "member", MemberId("2"), True),
        (str, None, None, False),
    ],
)
def test_the_owner_is_an_attribute_of_the_record_or_else_of_the_key(
    key: type, owner: str | None, expected: MemberId | None, in_key: bool
) -> None:
    endpoint: Endpoint[Any, Held] = Endpoint(
        name="held",
        title="",
        path="/held",
        key=key,
        key_name="asked_for",
        request=_nothing,
        record=Held,
        owner=owner,
    )
    asked = Pair(CARD, MemberId("2")) if key is Pair else MemberId("2")
    assert (expected, in_key) == (endpoint.owner_of(Held(user_id=MemberId("1")), asked), endpoint.owner_in_key)


def test_a_key_without_a_row_may_be_no_error() -> None:
    tolerant = replace(PRODUCTS, not_found=None)
    rows = {"result": {"products": [product("a")]}}
    read = tolerant.read_batch(rows, DETAILS, "ab")
    assert (isinstance(read["a"], Product), read["b"]) == (True, None)
    # But a row that cannot be read may be the missing one.
    rows["result"]["products"].append({})
    assert isinstance(tolerant.read_batch(rows, DETAILS, "b")["b"], InvalidResponseError)


def test_an_answer_without_a_code_is_a_success_with_what_the_endpoint_names() -> None:
    class Page(Record):
        one: str | None

    page = Endpoint(
        name="page", title="", path="/page", key=str, request=_nothing, record=Page, complete_with=("one", "two")
    )
    assert page.is_complete({"one": None, "two": 2})
    assert not page.is_complete({"one": None})


def test_names_and_paths_of_a_registry_are_unique() -> None:
    assert [each.name for each in ENDPOINTS] == [*by_name(ENDPOINTS)]
    with pytest.raises(DeclarationError, match=r"^two endpoints have the same name, 'card_info'$"):
        by_name([CARD_INFO, replace(USER_INFO, name="card_info")])
    path = CARD_INFO.path
    with pytest.raises(
        DeclarationError, match=f"^the endpoints 'card_info' and 'user_info' .* same path, {path}$"
    ):
        by_name([CARD_INFO, replace(USER_INFO, path=path)])


def test_a_key_of_another_type_than_keys_is_an_error_of_ours() -> None:
    wrong = replace(PRODUCTS, key_of=lambda row: IdentityNo(row.service_id))
    with pytest.raises(TypeError, match=r"^products: `key_of` gives IdentityNo, not str$"):
        wrong.read_batch({"result": {"products": [product("a")]}}, DETAILS, ["a"])


def test_a_field_of_a_row_fails_alone() -> None:
    read = PRODUCTS.read_batch({"result": {"products": [{"serviceId": "a", "serviceName": 5}]}}, DETAILS, ["a"])
    assert isinstance(read["a"], Product)
    assert isinstance(read["a"].service_name, InvalidFieldError)
