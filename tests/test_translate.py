"""The views of Konaplate's records: every field of the schema is there, and shows what the record says."""

from __future__ import annotations

from typing import Any, cast

import pytest
from graphql import GraphQLObjectType

from graph.konaplate.endpoints.card_info import CardInfo, CashReceipt
from graph.konaplate.endpoints.user_info import PostalAddress
from graph.konaplate.errors import CallDetails, InvalidFieldError
from graph.security.audit import Caller, RequestAudit
from graph.security.card_refs import CardRefs
from graph.security.viewer import ANONYMOUS
from graph.translate import AddressView, CardView, CashReceiptView, MemberView, ProfileView
from schema.context import Withheld
from schema.query import attribute_of, build_schema
from schema.secrets import CardNo, Credential, IdentityNo
from schema.types import ApprovalDivision, CardStatus, IdentityEntry
from tests.support import KeptEvents

NUMBER = CardNo("9491339400000013")
DETAILS = CallDetails("261122120000-0123456")
SCHEMA = build_schema()


def audit(events: KeptEvents | None = None) -> RequestAudit:
    noted = KeptEvents() if events is None else events
    return RequestAudit(Caller(ANONYMOUS, "192.0.2.1", "an-id"), CardRefs(Credential("k" * 32)), noted)


def view(*, clear: bool = True, **fields: object) -> CardView:
    record = CardInfo.read(fields, DETAILS)
    return CardView(NUMBER, record, audit(), clear_receipts=clear)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("Card", CardView),
        ("Member", MemberView),
        ("CashReceiptInfo", CashReceiptView),
        ("MemberProfile", ProfileView),
        ("AddressInfo", AddressView),
    ],
)
def test_a_view_has_every_field_of_its_type(kind: str, shown: type) -> None:
    fields = cast("GraphQLObjectType", SCHEMA.type_map[kind]).fields
    attributes = {attribute_of(field) for field in fields.values()} - {None}
    assert attributes
    assert {name for name in attributes if name and not hasattr(shown, name)} == set()


def test_only_what_costs_another_look_up_has_a_resolver_of_its_own() -> None:
    objects = [kind for kind in SCHEMA.type_map.values() if isinstance(kind, GraphQLObjectType)]
    resolved = {
        f"{kind.name}.{name}"
        for kind in objects
        if not kind.name.startswith("__")
        for name, field in kind.fields.items()
        if attribute_of(field) is None
    }
    assert resolved == {"Query.card", "Query.cards", "Member.profile"}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("SUSPENDED", CardStatus.SUSPENDED),
        ("FROZEN", CardStatus.UNKNOWN),
        ("UNKNOWN", CardStatus.UNKNOWN),
        (None, None),
    ],
)
def test_a_word_is_its_enums_member_or_unknown(word: str | None, status: CardStatus | None) -> None:
    card = view(cardStatus=word)
    assert (status, word) == (card.card_status, card.card_status_raw)


def test_a_field_that_cannot_be_read_is_its_fault_in_every_form_of_it() -> None:
    card = view(userId="x", cardStatus=7, cashReceiptInfo="none")
    faults = [card.member, card.is_registered, card.card_status, card.card_status_raw, card.cash_receipt_info]
    assert ["userId", "userId", "cardStatus", "cardStatus", "cashReceiptInfo"] == [
        cast("InvalidFieldError", fault).field for fault in faults
    ]


def test_an_unregistered_card_has_no_member_and_no_receipts() -> None:
    card = view(userId=None)
    assert (False, None, None) == (card.is_registered, card.member, card.cash_receipt_info)


def test_a_receipts_identity_is_withheld_from_who_may_not_read_it_and_always_masked() -> None:
    receipt = {"approvalDiv": "1", "idNo": "01012345678", "manYn": "0"}
    clear, masked = (view(cashReceiptInfo=receipt, clear=clear).cash_receipt_info for clear in (True, False))
    assert isinstance(clear, CashReceiptView)
    assert isinstance(masked, CashReceiptView)
    assert IdentityNo("01012345678") == clear.id_no
    assert isinstance(masked.id_no, Withheld)
    assert ["010-****-5678"] * 2 == [clear.masked_id_no, masked.masked_id_no]
    assert (ApprovalDivision.EXPENSE_PROOF, "1") == (clear.approval_div, clear.approval_div_raw)
    assert (IdentityEntry.CARD_NUMBER, "0") == (clear.man_yn, clear.man_yn_raw)


def test_a_receipts_identity_that_cannot_be_read_is_no_fault_of_who_may_not_read_it() -> None:
    fault: Any = InvalidFieldError(DETAILS, "idNo")
    record = CashReceipt(approval_div="0", id_no=fault, man_yn="0")
    assert isinstance(CashReceiptView(record, audit(), NUMBER, clear=False).id_no, Withheld)
    assert fault is CashReceiptView(record, audit(), NUMBER, clear=True).id_no


def test_views_of_one_card_note_what_is_read_in_one_place() -> None:
    events = KeptEvents()
    noted = audit(events)
    record = PostalAddress(address=None, zip_code=None, address_detail=None)
    for name in ("address", "zipCode"):
        AddressView(record, noted, NUMBER).disclosure.note(name)
    noted.close()
    assert [("address", "zipCode")] == [event.fields for event in events]
