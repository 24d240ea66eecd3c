"""Answers of the fake Konaplate: good records, records with bad fields, and every kind of failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graph.konaplate import errors
from graph.konaplate.endpoints.card_info import CardInfo, CashReceipt
from graph.konaplate.endpoints.user_info import PostalAddress, UserInfo
from graph.konaplate.errors import CallDetails, InvalidFieldError
from graph.resilience.breaker import CircuitOpenError
from graph.resilience.deadline import DeadlineExceededError
from graph.resilience.single_flight import AbandonedError
from graph.resilience.slots import NoSlotError
from graph.security.authorization import EVERY_SCOPE, Allowance, Scope, Viewer
from schema.secrets import IdentityNo, MemberId, PersonalText
from tests.graphql.plan_documents import NUMBERS
from tests.graphql.plan_world import Reply, World
from tests.support import filled

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

MEMBERS: Final = ["1001", "1002", "9999999999999999999"]
_DETAILS: Final = CallDetails("261122120000-0123456", 400, "003_001")

FAILURES: Final[list[Callable[[], Exception]]] = [
    *(
        lambda kind=kind, code=code: kind(CallDetails("261122120000-0123456", 400, code))
        for kind in (
            errors.UnavailableError,
            errors.TimedOutError,
            errors.SystemFaultError,
            errors.InvalidInputError,
            errors.CardNotFoundError,
            errors.MemberNotFoundError,
            errors.RejectedError,
            errors.InvalidResponseError,
            errors.UnknownCodeError,
        )
        for code in (None, "001_999", "900_001")
    ),
    lambda: CircuitOpenError(1.5),
    NoSlotError,
    AbandonedError,
    DeadlineExceededError,
    lambda: RuntimeError("of nobody's making"),
]


def _fault() -> InvalidFieldError:
    return InvalidFieldError(_DETAILS, "a field")


class RecordMaker:
    """Makes records of which a percentage of fields is bad."""

    def __init__(self, random: Random, faults: int) -> None:
        self._random = random
        self._faults = faults

    def card(self) -> CardInfo:
        receipt = CashReceipt(
            approval_div=self._one("0", "1", "7"),
            id_no=self._one(IdentityNo("01012345678"), IdentityNo("1234567890")),
            man_yn=self._one("0", "1", "UNKNOWN"),
        )
        return filled(
            CardInfo,
            user_id=self._one(*map(MemberId, MEMBERS), None),
            balance=self._one(0, 50_000, wrong=(2**60, True, "1", 1.5, None)),
            service_id=self._one("S1", "", wrong=(7, None, b"x", ["x"])),
            service_name=self._one("선불카드", wrong=(False, {})),
            owner_ka=self._one("O1", None),
            cash_receipt_info=self._one(receipt, receipt, None),
            card_status=self._one("ACTIVE", "TERMINATED", "FROZEN", None),
            is_auto_recharge_before_payment=self._one(True, False, wrong=(1, 0.0, "yes", None)),
        )

    def member(self) -> UserInfo:
        text, number = PersonalText("a text"), IdentityNo("01012345678")
        address = PostalAddress(
            address=self._one(text, None), zip_code=self._one(text), address_detail=self._one(None, text)
        )
        return filled(
            UserInfo,
            asp_id=self._one("A1"),
            user_id=self._one(*map(MemberId, MEMBERS)),
            birth_date=self._one(text),
            login_id=self._one(text),
            nationality=self._one("Korean", "Foreigner", "other"),
            gender=self._one("Male", "Female", ""),
            mobile_number=self._one(number),
            user_name=self._one(text),
            email=self._one(text, wrong=(None, 3)),
            join_channel=self._one("APP", None),
            address_info=self._one(address, address, None),
        )

    def _one(self, *good: Any, wrong: tuple[Any, ...] = ()) -> Any:
        if self._random.randrange(100) >= self._faults:
            return self._random.choice(good)
        return self._random.choice((_fault(), *wrong))


def world(random: Random) -> World:
    """A viewer, and what Konaplate answers for every card and member."""
    records = RecordMaker(random, random.choice([0, 0, 5, 30]))
    failing = random.choice([0.0, 0.0, 0.2, 0.6])

    def reply(make: Callable[[], Any]) -> Reply:
        if random.random() < failing:
            return Reply(random.choice(FAILURES), random.randint(0, 3))
        made = make()
        return Reply(lambda: made, random.randint(0, 3))

    return World(
        viewer=_viewer(random),
        cards={number: reply(records.card) for number in NUMBERS},
        members={member: reply(records.member) for member in MEMBERS},
        limiter_turns=random.randint(0, 2),
        seconds=random.choice([30, 30, 30, 30, 30, 30, 30, 30, 0]),
    )


def _viewer(random: Random) -> Viewer:
    scopes = EVERY_SCOPE
    if random.random() < 0.5:
        scopes = frozenset(scope.value for scope in Scope if random.random() < 0.6)
    allowance = None
    if random.random() < 0.4:
        allowance = Allowance(cards_per_minute=random.randint(1, 4), cards_per_hour=random.randint(1, 6))
    member = random.choice([None, *map(MemberId, MEMBERS)])
    return Viewer("member", "somebody", scopes, member, allowance)
