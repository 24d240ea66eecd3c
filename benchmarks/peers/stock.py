"""What one would write with Strawberry alone: its own ASGI view and loaders over httpx, all as they come."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, NewType

import httpx
import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.schema.config import StrawberryConfig

from benchmarks.peers.konaplate import BASE_URL, Konaplate, card_answer
from benchmarks.serving import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket
    from strawberry.types.scalar import ScalarDefinition

CardNumber = NewType("CardNumber", str)
_SCALARS: Final[dict[object, ScalarDefinition]] = {CardNumber: strawberry.scalar(name="CardNumber")}


class Loaders:
    """One request's loaders."""

    def __init__(self, konaplate: Konaplate) -> None:
        self.cards: DataLoader[str, dict[str, Any]] = DataLoader(_each(konaplate.card))
        self.members: DataLoader[int, dict[str, Any]] = DataLoader(_each(konaplate.member))
        self.lists: DataLoader[int, list[dict[str, Any]]] = DataLoader(_each(konaplate.cards_of))
        self.histories: DataLoader[tuple[str, int, int], list[dict[str, Any]]] = DataLoader(
            _each(lambda key: konaplate.transactions(*key))
        )


def _each(load: Callable[[Any], Awaitable[Any]]) -> Callable[[list[Any]], Awaitable[list[Any]]]:
    async def load_all(keys: list[Any]) -> list[Any]:
        return await asyncio.gather(*map(load, keys))

    return load_all


Info = strawberry.Info[Loaders, None]


@strawberry.type
class CashReceiptInfo:
    """Konaplate's `cashReceiptInfo`."""

    approval_div: str
    id_no: str
    man_yn: str


@strawberry.type
class MemberProfile:
    """Konaplate's `userInfo`."""

    user_name: str
    mobile_number: str
    email: str


@strawberry.type
class Transaction:
    """A row of Checking Transaction History."""

    nr_number: str
    tr_amount: int
    auth_cancel_type: str
    merchant_name: str


@strawberry.type
class TransactionConnection:
    """A page of them."""

    nodes: list[Transaction]


@strawberry.type
class ListedCard:
    """A row of Search for Card."""

    masked_card_no: str
    balance: int
    par: strawberry.Private[str]
    user_id: strawberry.Private[int]

    @strawberry.field
    async def transactions(self, info: Info, first: int) -> TransactionConnection:
        """Look them up."""
        rows = await info.context.histories.load((self.par, self.user_id, first))
        return TransactionConnection(
            nodes=[
                Transaction(
                    nr_number=row["nrNumber"],
                    tr_amount=row["trAmount"],
                    auth_cancel_type=row["authCancelType"],
                    merchant_name=row["merchantName"],
                )
                for row in rows
            ]
        )


@strawberry.type
class Member:
    """A member by id."""

    user_id: strawberry.ID

    @strawberry.field
    async def cards(self, info: Info) -> list[ListedCard]:
        """Look the member's cards up."""
        user_id = int(self.user_id)
        return [
            ListedCard(
                masked_card_no=f"{row['mobileCardNo'][:6]}******{row['mobileCardNo'][-4:]}",
                balance=row["balance"],
                par=row["par"],
                user_id=user_id,
            )
            for row in await info.context.lists.load(user_id)
        ]

    @strawberry.field
    async def profile(self, info: Info) -> MemberProfile:
        """Look the member up."""
        found = await info.context.members.load(int(self.user_id))
        return MemberProfile(
            user_name=found["userName"], mobile_number=found["mobileNumber"], email=found["email"]
        )


@strawberry.type
class Card:
    """One answer of the Card-User Mapped Inquiry."""

    card_no: CardNumber
    balance: int
    card_status: str
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
    def member(self, user_id: strawberry.ID) -> Member:
        """A member; costs no call."""
        return Member(user_id=user_id)

    @strawberry.field
    async def card(self, info: Info, card_no: CardNumber) -> Card | None:
        """Look one card up."""
        found = card_answer(card_no, await info.context.cards.load(card_no))
        receipt = found["cashReceiptInfo"]
        return Card(
            card_no=card_no,
            balance=found["balance"],
            card_status=found["cardStatus"],
            service_id=found["serviceId"],
            service_name=found["serviceName"],
            owner_ka=found["ownerKa"],
            is_auto_recharge_before_payment=found["isAutoRechargeBeforePayment"],
            member=Member(user_id=found["member"]["userId"]),
            cash_receipt_info=CashReceiptInfo(
                approval_div=receipt["approvalDiv"], id_no=receipt["idNo"], man_yn=receipt["manYn"]
            ),
        )


class _View(GraphQL[Loaders, None]):
    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Loaders:
        del response
        return Loaders(request.app.state.konaplate)


def create_app(base_url: str) -> Starlette:
    """The view at `/graphql`."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(trust_env=False) as client:

            async def post(path: str, content: bytes, headers: dict[str, str]) -> bytes:
                return (await client.post(base_url + path, content=content, headers=headers)).content

            app.state.konaplate = Konaplate(post)
            yield

    schema = strawberry.Schema(query=Query, config=StrawberryConfig(scalar_map=_SCALARS))
    return Starlette(routes=[Route("/graphql", _View(schema, graphql_ide=None))], lifespan=lifespan)


if __name__ == "__main__":
    serve(create_app(BASE_URL))
