"""One request on its way through the gateway, and the way back for its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graph.http.response_headers import FixedFields, Heading, prepared
from graph.http.responses import JSON_FIELDS, OVERLOADED_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Scope, Send

    from graph.http.headers import Fields
    from graph.http.response_headers import Field
    from graph.http.responses import Answer

_PREPARED: Final = prepared(*JSON_FIELDS.values(), *OVERLOADED_FIELDS.values())


class Exchange:
    """A request and its answer.

    Args:
        scope: as the server gives it.
        receive: likewise.
        send: likewise.
        fields: the request's header.
        request_id: the id that the answer and the logs will carry.
    """

    __slots__ = ("_more", "_send", "address", "fields", "method", "receive", "request_id", "scope", "started")

    def __init__(self, scope: Scope, receive: Receive, send: Send, fields: Fields, request_id: str) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self.fields = fields
        self.request_id = request_id
        self.method: str = scope["method"]
        self.address = ""
        """Where the request comes from; see `graph.http.client_address`."""
        self.started = False
        """Whether an answer is on its way, after which there can be no other."""
        self._more: Sequence[Field] = ()

    def add(self, fields: Sequence[Field]) -> None:
        """Give the answer, whichever it will be, further header fields."""
        self._more = fields

    async def reply(self, answer: Answer) -> None:
        """Send the answer."""
        self.started = True
        fixed = None if self._more else _PREPARED.get(answer.headers)
        if fixed is None:
            fixed = FixedFields((*answer.headers, *self._more))
        body = answer.body
        heading = Heading(fixed, self.request_id, len(body))
        await self._send({"type": "http.response.start", "status": int(answer.status), "headers": heading})
        await self._send({"type": "http.response.body", "body": body})
