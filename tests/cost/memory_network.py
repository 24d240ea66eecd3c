"""A network in memory: a client's connection to the gateway, and a Konaplate that answers at once.

Real sockets would cut the same bytes up differently, and turn the event loop more or less often, from run to run.
Here every byte takes the same way each time, and all of the gateway's own code is run: the server's protocol, the
whole application, and the transport to the upstream with its pool.
"""

from __future__ import annotations

import asyncio
import re
import socket
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

_REQUEST: Final = re.compile(rb"POST /open-api(\S+) .*?\r\nX-KM-Correlation-Id: (\S+)", re.IGNORECASE | re.DOTALL)
_CARD: Final = (
    b'{"userId":1001,"balance":50000,"serviceId":"SANDBOX00000001","serviceName":"a service",'
    b'"ownerKa":"000000000000001","cardStatus":"ACTIVE","isAutoRechargeBeforePayment":false,'
    b'"cashReceiptInfo":{"approvalDiv":"0","idNo":"01012345678","manYn":"1"},'
    b'"response":{"code":"000_000","description":"Success."}}'
)
_MEMBER: Final = (
    b'{"userInfo":{"aspId":"000000000000001","userId":1001,"ci":"x","birthDate":"19900101",'
    b'"loginId":"kim01","nationality":"Korean","gender":"Female",'
    b'"mobileNumber":"01012345678","userName":"Kim","email":"kim@example.com","joinChannel":"APP"},'
    b'"response":{"code":"000_000","description":"Success."}}'
)
_SUCCESS: Final = {"code": "000_000", "description": "Success."}
WALLET_CARDS: Final = 5
TRANSACTIONS: Final = 20


def _card_list() -> bytes:
    rows = [
        {
            "par": f"PAR{at:024d}",
            "balance": 50_000,
            "pendingAmount": 0,
            "isNamed": True,
            "serviceId": "SANDBOX00000001",
            "serviceName": "a service",
            "mobileCardNo": f"94913394000000{at:02d}",
            "mobileCardStatus": "ACTIVE",
        }
        for at in range(WALLET_CARDS)
    ]
    return orjson.dumps({"response": _SUCCESS, "cardDataInfo": rows})


def _transactions() -> bytes:
    rows = [
        {
            "trType": "00",
            "nrNumber": f"{at:018d}",
            "trAmount": 1000 + at,
            "authCancelType": "AUTH",
            "merchantName": f"Merchant {at}",
            "approvalDateTime": f"202601{TRANSACTIONS - at:02d}120000",
        }
        for at in range(TRANSACTIONS)
    ]
    page = {"page": 0, "totalPages": 1, "numberOfElements": TRANSACTIONS}
    return orjson.dumps({"response": _SUCCESS, "pageResponse": page, "transactionInfo": rows})


_ANSWERS: Final = {
    b"/api/v1/user/card/info": _CARD,
    b"/api/v1/user/info": _MEMBER,
    b"/api/v1/user/card/list": _card_list(),
    b"/api/v1/transaction/card": _transactions(),
}


class _Wire(asyncio.Transport):
    """One end of a connection.

    Args:
        loop: where what arrives is told.
        on_write: gets what is written.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_write: Callable[[bytes], None]) -> None:
        super().__init__({"peername": ("192.0.2.1", 40_000), "sockname": ("192.0.2.2", 8_000)})
        self._loop = loop
        self._on_write = on_write
        self._protocol: Any = None
        self._closing = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol
        self._protocol.connection_made(self)

    def arrive(self, data: bytes) -> None:
        """Let the protocol have bytes in the next turn, as a socket would."""
        self._loop.call_soon(self._protocol.data_received, data)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._on_write(bytes(data))

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


class MemoryLoop(asyncio.SelectorEventLoop):
    """An event loop whose connections lead to Konaplate's stand-in."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        """How many upstream calls were answered."""
        self.scheduled = 0
        """How many callbacks were given to the loop, those of tasks and futures and timers included."""

    def call_soon(self, *arguments: Any, **options: Any) -> asyncio.Handle:  # type: ignore[override]  # passed on
        """Count what is scheduled for the next turn."""
        self.scheduled += 1
        return super().call_soon(*arguments, **options)

    def call_at(self, *arguments: Any, **options: Any) -> asyncio.TimerHandle:  # type: ignore[override]  # passed on
        """Count timers."""
        self.scheduled += 1
        return super().call_at(*arguments, **options)

    async def getaddrinfo(self, *_args: Any, **_options: Any) -> Any:
        """Find one address for every name."""
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.1", 443))]

    async def create_connection(self, protocol_factory: Any, *_args: Any, **_options: Any) -> Any:
        """Connect, whatever the address."""

        def answer(request: bytes) -> None:
            found = _REQUEST.match(request)
            assert found is not None, "the whole head in one piece"
            self.calls += 1
            path, correlation_id = found.groups()
            body = _ANSWERS[path]
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-KM-Correlation-Id: %s\r\n"
            wire.arrive(head % correlation_id + b"Content-Length: %d\r\n\r\n" % len(body) + body)

        protocol = protocol_factory()
        wire = _Wire(self, answer)
        wire.set_protocol(protocol)
        return wire, protocol


class Client:
    """A connection to the gateway that is kept open.

    Args:
        loop: the event loop of both.
        protocol: the server's side.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol) -> None:
        self._loop = loop
        self._wire = _Wire(loop, self._receive)
        self._wire.set_protocol(protocol)
        self._received = b""
        self._answered: asyncio.Future[bytes] = loop.create_future()

    async def ask(self, request: bytes) -> bytes:
        """Send a request; the body of its answer."""
        self._received = b""
        self._answered = self._loop.create_future()
        self._wire.arrive(request)
        return await self._answered

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    def _receive(self, data: bytes) -> None:
        self._received += data
        head, _, body = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: ([0-9]+)", head.lower())
        if length is not None and len(body) == int(length[1]):
            assert head.startswith(b"HTTP/1.1 200 "), head
            self._answered.set_result(body)
