"""Which fields may be null: those that Konaplate requires only with an error, those of this layer never."""

from __future__ import annotations

import graphql
import pytest
from graphql import GraphQLField, GraphQLObjectType

from schema.query import export_schema

PRINTED = graphql.build_schema(export_schema())

# From the vendor's field tables: "required: yes".
REQUIRED_UPSTREAM = {
    "Card": ["balance", "serviceId", "serviceName", "isAutoRechargeBeforePayment"],
    "CashReceiptInfo": ["approvalDiv", "idNo", "manYn"],
    "MemberProfile": [
        "aspId", "birthDate", "loginId", "nationality", "gender", "mobileNumber", "userName", "email",
    ],
}  # fmt: skip
# "required: no".
OPTIONAL_UPSTREAM = {
    "Card": ["ownerKa", "cardStatus", "cashReceiptInfo"],
    "MemberProfile": ["joinChannel", "addressInfo"],
    "AddressInfo": ["address", "zipCode", "addressDetail"],
}
# Made from one upstream field each, and as good as that one.
FOLLOWS_REQUIRED = {
    "Card": ["isRegistered"],
    "CashReceiptInfo": ["approvalDivRaw", "maskedIdNo", "manYnRaw"],
    "MemberProfile": ["nationalityRaw", "genderRaw"],
    "Member": ["profile"],
}
FOLLOWS_OPTIONAL = {"Card": ["cardStatusRaw", "member"]}
# Known before or with the answer. A `Member` is there only when there is a `userId`.
NEVER_NULL = {"Card": ["cardNo", "maskedCardNo"], "Member": ["userId"], "Query": ["cards"]}
ROOT_LOOK_UPS = {"Query": ["card"]}


def pairs(*tables: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(kind, name) for table in tables for kind, names in table.items() for name in names]


def field(kind: str, name: str) -> GraphQLField:
    found = PRINTED.type_map[kind]
    assert isinstance(found, GraphQLObjectType)
    fields: dict[str, GraphQLField] = found.fields
    return fields[name]


def is_nullable(kind: str, name: str) -> bool:
    return not str(field(kind, name).type).endswith("!")


def is_semantically_non_null(kind: str, name: str) -> bool:
    node = field(kind, name).ast_node
    assert node is not None
    return [directive.name.value for directive in node.directives or ()] == ["semanticNonNull"]


@pytest.mark.parametrize(("kind", "name"), pairs(REQUIRED_UPSTREAM, FOLLOWS_REQUIRED))
def test_what_konaplate_requires_is_null_only_with_an_error(kind: str, name: str) -> None:
    assert is_nullable(kind, name)
    assert is_semantically_non_null(kind, name)


@pytest.mark.parametrize(("kind", "name"), pairs(OPTIONAL_UPSTREAM, FOLLOWS_OPTIONAL, ROOT_LOOK_UPS))
def test_what_may_be_absent_is_plainly_nullable(kind: str, name: str) -> None:
    assert is_nullable(kind, name)
    assert not is_semantically_non_null(kind, name)


@pytest.mark.parametrize(("kind", "name"), pairs(NEVER_NULL))
def test_what_this_layer_makes_is_never_null(kind: str, name: str) -> None:
    assert not is_nullable(kind, name)
    assert not is_semantically_non_null(kind, name)


def test_no_field_is_forgotten_here() -> None:
    tables = (
        REQUIRED_UPSTREAM, OPTIONAL_UPSTREAM, FOLLOWS_REQUIRED, FOLLOWS_OPTIONAL, NEVER_NULL, ROOT_LOOK_UPS,
    )  # fmt: skip
    fields = [
        (kind.name, name)
        for kind in PRINTED.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not graphql.is_introspection_type(kind)
        for name in kind.fields
    ]

    assert sorted(pairs(*tables)) == sorted(fields)


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("Query", "card", "Card"),
        ("Query", "cards", "[Card]!"),
        ("Card", "cardNo", "CardNumber!"),
        ("Card", "balance", "Won"),
        ("Card", "member", "Member"),
        ("Member", "userId", "ID!"),
        ("Member", "profile", "MemberProfile"),
        ("CashReceiptInfo", "idNo", "String"),
    ],
)
def test_fields_have_the_types_of_the_contract(kind: str, name: str, expected: str) -> None:
    assert expected == str(field(kind, name).type)


@pytest.mark.parametrize(
    ("name", "argument", "expected"), [("card", "cardNo", "CardNumber!"), ("cards", "cardNos", "[CardNumber!]!")]
)
def test_look_ups_need_their_card_numbers(name: str, argument: str, expected: str) -> None:
    arguments = field("Query", name).args

    assert [argument] == list(arguments)
    assert expected == str(arguments[argument].type)


@pytest.mark.parametrize(
    ("kind", "name"), [*pairs(REQUIRED_UPSTREAM, OPTIONAL_UPSTREAM), ("Card", "cardNo"), ("Member", "userId")]
)
def test_a_field_from_upstream_names_the_vendors_field(kind: str, name: str) -> None:
    assert f"`{name}`" in (field(kind, name).description or "")
