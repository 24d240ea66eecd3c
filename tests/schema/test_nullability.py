"""Nullability: fields that Konaplate requires are null only with an error, our own never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import graphql
import pytest
from graphql import GraphQLField, GraphQLObjectType

from graph.konaplate.endpoint import by_name
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.record import record_fields
from schema.directives import for_apollo_kotlin
from schema.fields import ById, Edge, Handle, Outcome, Part, declaration, masked
from schema.query import build_schema, print_schema
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graph.konaplate.record import Field, Record

ENDPOINT = by_name(ENDPOINTS)
PRINTED = graphql.build_schema(print_schema())

# From Konaplate's field tables: "required: yes".
REQUIRED_UPSTREAM = {
    "Card": ["balance"],
    "CashReceiptInfo": ["approvalDiv", "idNo", "manYn"],
    "MemberProfile": [
        "aspId", "birthDate", "loginId", "nationality", "gender", "mobileNumber", "userName", "email",
    ],
}  # fmt: skip
# Required of a card by its number, and not documented of a row of a list, or out of reach of one without a number.
NOT_IN_LISTS = [("Card", "serviceId"), ("Card", "serviceName"), ("Card", "isAutoRechargeBeforePayment")]
# "required: no".
OPTIONAL_UPSTREAM = {
    "Card": [
        "ownerKa",
        "cardStatus",
        "cashReceiptInfo",
        "serviceId",
        "serviceName",
        "isAutoRechargeBeforePayment",
    ],
    "MemberProfile": ["joinChannel", "addressInfo"],
    "AddressInfo": ["address", "zipCode", "addressDetail"],
}
# Each derived from one upstream field.
FOLLOWS_REQUIRED = {
    "Card": ["isRegistered"],
    "CashReceiptInfo": ["approvalDivRaw", "maskedIdNo", "manYnRaw"],
    "MemberProfile": ["nationalityRaw", "genderRaw"],
    "Member": ["profile"],
}
FOLLOWS_OPTIONAL = {"Card": ["cardStatusRaw", "member"]}
# Always known. There is a `Member` only if there is a `userId`.
NEVER_NULL = {"Card": ["id", "maskedCardNo", "asOf"], "Member": ["userId"], "Query": ["cards"]}
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


@table(("kind", "name"), pairs(REQUIRED_UPSTREAM, FOLLOWS_REQUIRED))
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


def shown(kind: GraphQLObjectType, record: type[Record], seen: set[str]) -> Iterator[tuple[str, str, Field]]:
    """Every field of a type and the types below it that shows a record's field, with that field."""
    seen.add(kind.name)
    held = {each.name: each for each in record_fields(record)}
    for name, built in kind.fields.items():
        declared = declaration(built)
        assert declared is not None
        attribute, spec, _ = declared
        if isinstance(spec, Handle | ById | Outcome) or (isinstance(spec, Edge) and spec.endpoint not in ENDPOINT):
            continue
        target: object = graphql.get_named_type(built.type)
        inner: Any = record
        if isinstance(spec, Edge):
            inner = ENDPOINT[spec.endpoint].record
        elif isinstance(spec, Part) and spec.of is None:
            pass
        elif getattr(spec, "show", None) in (None, masked):
            source = held.get(attribute if spec is None else spec.of or "")
            if source is None:
                continue
            yield kind.name, name, source
            inner = (source.item or source).kind
        if isinstance(target, GraphQLObjectType) and target.name not in seen:
            yield from shown(target, inner, seen)


def test_every_field_is_as_nullable_as_konaplates_own() -> None:
    card = build_schema().type_map["Card"]
    assert isinstance(card, GraphQLObjectType)
    fields = list(shown(card, ENDPOINT["card_info"].record, set()))
    assert len(fields) > 25
    required = [
        (kind, name)
        for kind, name, source in fields
        if source.required and is_nullable(kind, name) and (kind, name) not in NOT_IN_LISTS
    ]
    assert required == [(kind, name) for kind, name, _ in fields if is_semantically_non_null(kind, name)]


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("Query", "card", "Card"),
        ("Query", "cards", "[Card]!"),
        ("Card", "cardNo", "CardNumber"),
        ("Card", "balance", "Won"),
        ("Card", "member", "Member"),
        ("Member", "userId", "ID!"),
        ("Member", "profile", "MemberProfile"),
        ("CashReceiptInfo", "idNo", "String"),
    ],
)
def test_fields_have_the_types_of_the_contract(kind: str, name: str, expected: str) -> None:
    assert str(field(kind, name).type) == expected


@pytest.mark.parametrize(
    ("name", "argument", "expected"), [("card", "cardNo", "CardNumber!"), ("cards", "cardNos", "[CardNumber!]!")]
)
def test_look_ups_need_their_card_numbers(name: str, argument: str, expected: str) -> None:
    arguments = field("Query", name).args

    assert [argument] == list(arguments)
    assert str(arguments[argument].type) == expected


@table(("kind", "name"), [*pairs(REQUIRED_UPSTREAM, OPTIONAL_UPSTREAM), ("Card", "cardNo"), ("Member", "userId")])
def test_a_field_from_upstream_names_the_vendors_field(kind: str, name: str) -> None:
    assert f"`{name}`" in (field(kind, name).description or "")


def test_apollo_kotlin_gets_the_directive_by_a_link_and_the_rest_as_it_is() -> None:
    ours, theirs = (
        graphql.parse(sdl, no_location=True).definitions
        for sdl in (print_schema(), for_apollo_kotlin(print_schema()))
    )
    link, rest = theirs[0], theirs[1:]
    assert isinstance(link, graphql.SchemaExtensionNode)
    assert [directive.name.value for directive in link.directives or ()] == ["link", "catchByDefault"]
    assert "@semanticNonNull" in graphql.print_ast(link)
    assert list(rest) == [each for each in ours if not isinstance(each, graphql.DirectiveDefinitionNode)]
    assert len(rest) == len(ours) - 1
