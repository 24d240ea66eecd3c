"""What one would write with Strawberry alone: its own ASGI view, plain resolvers, httpx."""

from __future__ import annotations

import contextlib
from enum import Enum
from typing import TYPE_CHECKING, Final, NewType

import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from benchmarks.handwritten import Konaplate, httpx_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket
    from strawberry.types.scalar import ScalarDefinition

CardNumber = NewType("CardNumber", str)
Won = NewType("Won", int)

Info = strawberry.Info[Konaplate, None]


@strawberry.enum
class CardStatus(Enum):
    """The vendor's words."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    TERMINATED = "TERMINATED"


@strawberry.enum
class ApprovalDivision(Enum):
    """`0` and `1` of the vendor."""

    INCOME_DEDUCTION = "0"
    EXPENSE_PROOF = "1"


@strawberry.enum
class IdentityEntry(Enum):
    """`0` and `1` of the vendor."""

    CARD_NUMBER = "0"
    MANUAL = "1"


@strawberry.type
class CashReceiptInfo:
    """Konaplate's `cashReceiptInfo`."""

    approval_div: ApprovalDivision
    id_no: str
    man_yn: IdentityEntry


@strawberry.type
class MemberProfile:
    """Konaplate's `userInfo`."""

    user_name: str
    mobile_number: str
    email: str


@strawberry.type
class Member:
    """The member that a card is registered to."""

    user_id: strawberry.ID

    @strawberry.field
    async def profile(self, info: Info) -> MemberProfile:
        """Look the member up."""
        found = await info.context.member(int(self.user_id))
        return MemberProfile(
            user_name=found["userName"], mobile_number=found["mobileNumber"], email=found["email"]
        )


@strawberry.type
class Card:
    """One reply of the Card-User Mapped Inquiry."""

    card_no: CardNumber
    balance: Won
    card_status: CardStatus
    service_id: str
    service_name: str
    owner_ka: str
    is_auto_recharge_before_payment: bool
    member: Member
    cash_receipt_info: CashReceiptInfo


@strawberry.type
class Query:
    """What can be asked."""

    @strawberry.field
    async def card(self, info: Info, card_no: CardNumber) -> Card | None:
        """Look one card up."""
        found = await info.context.card(card_no)
        receipt = found["cashReceiptInfo"]
        return Card(
            card_no=card_no,
            balance=found["balance"],
            card_status=CardStatus(found["cardStatus"]),
            service_id=found["serviceId"],
            service_name=found["serviceName"],
            owner_ka=found["ownerKa"],
            is_auto_recharge_before_payment=found["isAutoRechargeBeforePayment"],
            member=Member(user_id=strawberry.ID(str(found["userId"]))),
            cash_receipt_info=CashReceiptInfo(
                approval_div=ApprovalDivision(receipt["approvalDiv"]),
                id_no=receipt["idNo"],
                man_yn=IdentityEntry(receipt["manYn"]),
            ),
        )


_SCALARS: Final[dict[object, ScalarDefinition]] = {
    CardNumber: strawberry.scalar(name="CardNumber"),
    Won: strawberry.scalar(name="Won"),
}


class _View(GraphQL[Konaplate, None]):
    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Konaplate:
        del response
        konaplate: Konaplate = request.app.state.konaplate
        return konaplate


def create_app(base_url: str) -> Starlette:
    """The view at `/graphql`."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx_client(base_url) as post:
            app.state.konaplate = Konaplate(post)
            yield

    schema = strawberry.Schema(query=Query, config=StrawberryConfig(scalar_map=_SCALARS))
    return Starlette(routes=[Route("/graphql", _View(schema, graphql_ide=None))], lifespan=lifespan)
