"""What the resolvers ask of the request's context, and how its answers become data and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from graphql import ExecutionResult, graphql

from schema.context import Withheld
from schema.query import build_schema
from schema.scalars import Won
from schema.secrets import CardNo, IdentityNo, MemberId, PersonalText
from schema.types import Card, CardStatus, CashReceiptInfo, IdentityEntry, Member, MemberProfile

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBERS = ["9491339400000013", "9491339400000021"]
SCHEMA = build_schema()


class LookUpError(Exception):
    """What a context raises."""


def card(number: str, **fields: Any) -> Card:
    values: dict[str, Any] = {
        "card_no": CardNo(number),
        "masked_card_no": CardNo(number).masked,
        "balance": Won(9_999_999_999),
        "card_status": CardStatus.ACTIVE,
        "card_status_raw": "ACTIVE",
        "service_id": "S1",
        "service_name": "선불카드",
        "owner_ka": None,
        "is_auto_recharge_before_payment": False,
        "is_registered": True,
        "member": Member(user_id=MemberId("9999999999999999999"), card_no=CardNo(number)),
        "cash_receipt_info": None,
        **fields,
    }
    return Card(**values)


class Notes:
    """Remembers which personal fields were read, and which were asked for in vain."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.refused: list[str] = []

    def note(self, name: str) -> None:
        self.read.append(name)

    def refuse(self, name: str) -> Exception:
        self.refused.append(name)
        return LookUpError()


class Cards:
    """A context that answers from a table, and remembers what it was asked."""

    def __init__(self, **answers: Card | Exception) -> None:
        self._answers = answers
        self.asked: list[CardNo] = []
        self.members: list[MemberId] = []

    async def card(self, card_no: CardNo) -> Card:
        self.asked.append(card_no)
        answer = self._answers[f"n{card_no.reveal()}"]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def cards(self, card_nos: Sequence[CardNo]) -> Sequence[Card | Exception]:
        self.asked.extend(card_nos)
        return [self._answers[f"n{card_no.reveal()}"] for card_no in card_nos]

    async def member_profile(self, user_id: MemberId, card_no: CardNo) -> MemberProfile:  # noqa: ARG002
        self.members.append(user_id)
        raise LookUpError


async def run(query: str, context: Cards, **variables: Any) -> ExecutionResult:
    return await graphql(SCHEMA, query, context_value=context, variable_values=variables)


async def test_a_card_is_asked_for_by_a_secret_and_answered_in_clear() -> None:
    notes = Notes()
    receipt = CashReceiptInfo(
        disclosure=notes,
        approval_div=None,
        approval_div_raw=None,
        id_no=IdentityNo("01012345678"),
        masked_id_no="010-****-5678",
        man_yn=IdentityEntry.MANUAL,
        man_yn_raw="1",
    )
    context = Cards(n9491339400000013=card(NUMBERS[0], cash_receipt_info=receipt))
    query = """query ($n: CardNumber!) { card(cardNo: $n) {
      cardNo maskedCardNo balance cardStatus isAutoRechargeBeforePayment ownerKa
      member { userId } cashReceiptInfo { idNo maskedIdNo manYn manYnRaw } } }"""

    result = await run(query, context, n=NUMBERS[0])

    assert result.errors is None
    assert [CardNo(NUMBERS[0])] == context.asked
    assert result.data == {
        "card": {
            "cardNo": NUMBERS[0],
            "maskedCardNo": "949133******0013",
            "balance": 9_999_999_999,
            "cardStatus": "ACTIVE",
            "isAutoRechargeBeforePayment": False,
            "ownerKa": None,
            "member": {"userId": "9999999999999999999"},
            "cashReceiptInfo": {
                "idNo": "01012345678",
                "maskedIdNo": "010-****-5678",
                "manYn": "MANUAL",
                "manYnRaw": "1",
            },
        }
    }


async def test_a_card_that_cannot_be_had_is_null_with_its_error() -> None:
    context = Cards(n9491339400000013=LookUpError())

    result = await run("query ($n: CardNumber!) { card(cardNo: $n) { balance } }", context, n=NUMBERS[0])

    assert result.data == {"card": None}
    assert [(["card"], LookUpError)] == [(e.path, type(e.original_error)) for e in result.errors or []]


async def test_one_failing_card_of_a_list_is_null_at_its_place() -> None:
    context = Cards(n9491339400000013=LookUpError(), n9491339400000021=card(NUMBERS[1]))
    query = "query ($n: [CardNumber!]!) { cards(cardNos: $n) { maskedCardNo } }"

    result = await run(query, context, n=[NUMBERS[1], NUMBERS[0], NUMBERS[1]])

    good = {"maskedCardNo": "949133******0021"}
    assert result.data == {"cards": [good, None, good]}
    assert [error.path for error in result.errors or []] == [["cards", 1]]


async def test_a_single_number_is_taken_for_a_list_of_one() -> None:
    context = Cards(n9491339400000013=card(NUMBERS[0]))

    result = await run(f'{{ cards(cardNos: "{NUMBERS[0]}") {{ balance }} }}', context)

    assert result.data == {"cards": [{"balance": 9_999_999_999}]}


async def test_an_exception_in_place_of_a_field_is_that_fields_error_and_its_neighbours_answer() -> None:
    bad = card(NUMBERS[0], balance=LookUpError(), is_registered=LookUpError())
    query = "query ($n: CardNumber!) { card(cardNo: $n) { balance serviceName isRegistered } }"

    result = await run(query, Cards(n9491339400000013=bad), n=NUMBERS[0])

    assert result.data == {"card": {"balance": None, "serviceName": "선불카드", "isRegistered": None}}
    paths = [error.path for error in result.errors or []]
    assert sorted(map(list, filter(None, paths))) == [["card", "balance"], ["card", "isRegistered"]]


async def test_a_balance_that_json_cannot_carry_is_an_error_and_not_a_rounded_number() -> None:
    context = Cards(n9491339400000013=card(NUMBERS[0], balance=Won(2**53)))

    result = await run("query ($n: CardNumber!) { card(cardNo: $n) { balance serviceId } }", context, n=NUMBERS[0])

    assert result.data == {"card": {"balance": None, "serviceId": "S1"}}
    assert [error.path for error in result.errors or []] == [["card", "balance"]]


async def test_the_profile_is_asked_for_only_when_it_is_selected() -> None:
    context = Cards(n9491339400000013=card(NUMBERS[0]))

    await run(f'{{ card(cardNo: "{NUMBERS[0]}") {{ member {{ userId }} }} }}', context)
    assert context.members == []

    result = await run(
        f'{{ card(cardNo: "{NUMBERS[0]}") {{ member {{ userId profile {{ email }} }} }} }}', context
    )
    assert [MemberId("9999999999999999999")] == context.members
    assert result.data == {"card": {"member": {"userId": "9999999999999999999", "profile": None}}}


async def test_personal_texts_are_answered_in_clear() -> None:
    notes = Notes()

    class Profiles(Cards):
        async def member_profile(self, user_id: MemberId, card_no: CardNo) -> MemberProfile:  # noqa: ARG002
            assert MemberId("9999999999999999999") == user_id
            empty: dict[str, Any] = dict.fromkeys(
                ["asp_id", "login_id", "nationality", "nationality_raw", "gender", "gender_raw", "join_channel"]
            )
            return MemberProfile(
                **empty,
                disclosure=notes,
                birth_date=PersonalText("19900101"),
                mobile_number=IdentityNo("01012345678"),
                user_name=PersonalText("김샌드"),
                email=PersonalText("kim@example.com"),
                address_info=None,
            )

    context = Profiles(n9491339400000013=card(NUMBERS[0]))
    selected = "birthDate mobileNumber userName email gender addressInfo { address }"

    result = await run(f'{{ card(cardNo: "{NUMBERS[0]}") {{ member {{ profile {{ {selected} }} }} }} }}', context)

    assert result.errors is None
    assert result.data == {
        "card": {
            "member": {
                "profile": {
                    "birthDate": "19900101",
                    "mobileNumber": "01012345678",
                    "userName": "김샌드",
                    "email": "kim@example.com",
                    "gender": None,
                    "addressInfo": None,
                }
            }
        }
    }
    assert ["birthDate", "mobileNumber", "userName", "email"] == notes.read


async def test_what_is_withheld_is_refused_only_when_it_is_asked_for() -> None:
    notes = Notes()
    receipt = CashReceiptInfo(
        disclosure=notes,
        approval_div=None,
        approval_div_raw=None,
        id_no=cast("IdentityNo", Withheld()),
        masked_id_no="010-****-5678",
        man_yn=None,
        man_yn_raw=None,
    )
    context = Cards(n9491339400000013=card(NUMBERS[0], cash_receipt_info=receipt))

    masked = await run(f'{{ card(cardNo: "{NUMBERS[0]}") {{ cashReceiptInfo {{ maskedIdNo }} }} }}', context)
    assert (None, [], []) == (masked.errors, notes.read, notes.refused)

    clear = await run(f'{{ card(cardNo: "{NUMBERS[0]}") {{ cashReceiptInfo {{ maskedIdNo idNo }} }} }}', context)
    assert {"card": {"cashReceiptInfo": {"maskedIdNo": "010-****-5678", "idNo": None}}} == clear.data
    assert [["card", "cashReceiptInfo", "idNo"]] == [error.path for error in clear.errors or ()]
    assert ([], ["idNo"]) == (notes.read, notes.refused)
