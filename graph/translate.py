"""What the schema's types show of Konaplate's records: one attribute for each field, named as in `schema.types`.

A view is a record together with what must be known to show it. Nothing is worked out before a query selects it,
and whatever executes the query reads these attributes. A value may be an `InvalidFieldError`, the field's error.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.errors import InvalidFieldError
from schema.context import Withheld
from schema.types import ApprovalDivision, CardStatus, Gender, IdentityEntry, Nationality

if TYPE_CHECKING:
    from enum import Enum

    from graph.konaplate.endpoints.card_info import CardInfo, CashReceipt
    from graph.security.audit import RequestAudit
    from schema.context import Disclosure
    from schema.secrets import CardNo, IdentityNo, MemberId


def _as_is(field: str) -> Any:
    """The record's field."""
    # Without a function of Python's between: this is what most fields of most requests are.
    return property(attrgetter(f"_record.{field}"))


def _word(field: str, kind: type[Enum]) -> Any:
    """The enum's member of a vendor's word; `UNKNOWN` for a word that is not documented."""
    # `UNKNOWN` is a name of ours: as a word of the vendor's it is as unknown as any other.
    words, unknown, read = (
        {member.value: member for member in kind},
        kind["UNKNOWN"],
        attrgetter(f"_record.{field}"),
    )

    def member(view: object) -> object:
        word = read(view)
        return word if word is None or isinstance(word, InvalidFieldError) else words.get(word, unknown)

    return property(member)


class _Personal:
    """A view with personal data: `disclosure` is where it is noted what was read of it."""

    __slots__ = ("_audit", "_card_no", "_record")

    def __init__(self, record: Any, audit: RequestAudit, card_no: CardNo) -> None:
        self._record = record
        self._audit = audit
        self._card_no = card_no

    @property
    def disclosure(self) -> Disclosure:
        """Made when something is noted; most requests read nothing personal."""
        return self._audit.disclosure(self._card_no)


class AddressView(_Personal):
    """`AddressInfo`."""

    __slots__ = ()
    _record: Any

    address = _as_is("address")
    zip_code = _as_is("zip_code")
    address_detail = _as_is("address_detail")


class ProfileView(_Personal):
    """`MemberProfile`, as a card led to it."""

    __slots__ = ()
    _record: Any

    asp_id = _as_is("asp_id")
    birth_date = _as_is("birth_date")
    login_id = _as_is("login_id")
    nationality = _word("nationality", Nationality)
    nationality_raw = _as_is("nationality")
    gender = _word("gender", Gender)
    gender_raw = _as_is("gender")
    mobile_number = _as_is("mobile_number")
    user_name = _as_is("user_name")
    email = _as_is("email")
    join_channel = _as_is("join_channel")

    @property
    def address_info(self) -> AddressView | InvalidFieldError | None:
        """None when Konaplate has none."""
        address = self._record.address_info
        if address is None or isinstance(address, InvalidFieldError):
            return address
        return AddressView(address, self._audit, self._card_no)


class CashReceiptView(_Personal):
    """`CashReceiptInfo`.

    Args:
        record: Konaplate's `cashReceiptInfo`.
        audit: told of what is read in clear.
        card_no: the card that it came with.
        clear: whether the viewer may read the identity in clear.
    """

    __slots__ = ("_clear",)
    _record: Any

    def __init__(self, record: CashReceipt, audit: RequestAudit, card_no: CardNo, *, clear: bool) -> None:
        super().__init__(record, audit, card_no)
        self._clear = clear

    approval_div = _word("approval_div", ApprovalDivision)
    approval_div_raw = _as_is("approval_div")
    man_yn = _word("man_yn", IdentityEntry)
    man_yn_raw = _as_is("man_yn")

    @property
    def id_no(self) -> IdentityNo | InvalidFieldError | Withheld:
        """In clear, for those who may read it."""
        return self._record.id_no if self._clear else _WITHHELD

    @property
    def masked_id_no(self) -> str | InvalidFieldError:
        """For everybody who sees the card."""
        id_no = self._record.id_no
        return id_no if isinstance(id_no, InvalidFieldError) else id_no.masked


class MemberView:
    """`Member`: what comes with the card. The profile is another look-up, and a resolver of the type's own."""

    __slots__ = ("card_no", "user_id")

    def __init__(self, user_id: MemberId, card_no: CardNo) -> None:
        self.user_id = user_id
        self.card_no = card_no


class CardView:
    """`Card`.

    Args:
        card_no: the number that was asked for; the reply does not repeat it.
        record: the reply.
        audit: told of personal fields that are read in clear.
        clear_receipts: whether the viewer may read the cash-receipt identity in clear.
    """

    __slots__ = ("_audit", "_clear_receipts", "_record", "card_no")

    def __init__(self, card_no: CardNo, record: CardInfo, audit: RequestAudit, *, clear_receipts: bool) -> None:
        self.card_no = card_no
        self._record: Any = record
        self._audit = audit
        self._clear_receipts = clear_receipts

    masked_card_no = property(attrgetter("card_no.masked"))
    balance = _as_is("balance")
    card_status = _word("card_status", CardStatus)
    card_status_raw = _as_is("card_status")
    service_id = _as_is("service_id")
    service_name = _as_is("service_name")
    owner_ka = _as_is("owner_ka")
    is_auto_recharge_before_payment = _as_is("is_auto_recharge_before_payment")

    @property
    def is_registered(self) -> bool | InvalidFieldError:
        """Whether there is a member."""
        user_id = self._record.user_id
        return user_id if isinstance(user_id, InvalidFieldError) else user_id is not None

    @property
    def member(self) -> MemberView | InvalidFieldError | None:
        """None for an unregistered card."""
        user_id = self._record.user_id
        if user_id is None or isinstance(user_id, InvalidFieldError):
            return user_id
        return MemberView(user_id, self.card_no)

    @property
    def cash_receipt_info(self) -> CashReceiptView | InvalidFieldError | None:
        """None when the member has registered none."""
        receipt = self._record.cash_receipt_info
        if receipt is None or isinstance(receipt, InvalidFieldError):
            return receipt
        return CashReceiptView(receipt, self._audit, self.card_no, clear=self._clear_receipts)


_WITHHELD: Final = Withheld()
