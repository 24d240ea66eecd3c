"""The gateway as one ASGI app: a short way to the GraphQL path, and Starlette for everything else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from graph.http.exchange import Exchange
from graph.http.headers import Fields
from graph.http.request_id import accepted_request_id
from graph.http.response_headers import REQUEST_ID
from graph.http.responses import cut_off, unforeseen
from graph.http.routes import GRAPHQL_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.middleware import Middleware
    from starlette.types import ASGIApp, Receive, Scope, Send

    from graph.http.client_address import ClientAddresses
    from graph.http.cors import OriginRules
    from graph.http.endpoint import GraphQLEndpoint
    from graph.http.overload import Overload


class Gateway(Starlette):
    """A Starlette app whose busiest path is not routed.

    Args:
        graphql: takes the requests of that path.
        around: goes around both ways.
        middleware: goes around the other paths, within that.
        starlette: further arguments of Starlette.
    """

    def __init__(
        self, graphql: ASGIApp, around: Sequence[Middleware], middleware: Sequence[Middleware], **starlette: Any
    ) -> None:
        super().__init__(middleware=[*around, *middleware], **starlette)
        for one in reversed(around):
            graphql = one.cls(graphql, *one.args, **one.kwargs)
        self._graphql = graphql
        # The redirect from a path with a slash at its end would name whatever host the request names.
        self.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "http" and scope["path"] == GRAPHQL_PATH:
            await self._graphql(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class GraphQLPath:
    """What every request of the GraphQL path meets before the endpoint, as an ASGI app.

    The same rules as those of the middleware around the other paths, in one call instead of a call for each.

    Args:
        endpoint: answers what is let in.
        addresses: finds the client's address.
        origins: refuses foreign pages.
        overload: refuses what is too much.
    """

    def __init__(
        self, endpoint: GraphQLEndpoint, addresses: ClientAddresses, origins: OriginRules, overload: Overload
    ) -> None:
        self._endpoint = endpoint
        self._addresses = addresses
        self._origins = origins
        self._overload = overload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        fields = Fields(scope["headers"])
        exchange = Exchange(scope, receive, send, fields, accepted_request_id(fields.get(REQUEST_ID)))
        try:
            exchange.address = self._addresses.of(scope, fields)
            refusal, told = self._origins.judge(exchange.method, fields, exchange.request_id)
            exchange.add(told)
            if refusal is None:
                refusal = self._overload.answer(exchange)
            if refusal is None:
                await self._endpoint(exchange)
            else:
                await exchange.reply(refusal)
        except asyncio.CancelledError:
            if not exchange.started:
                await exchange.reply(cut_off(exchange.request_id))
            raise
        except Exception:
            if not exchange.started:
                await exchange.reply(unforeseen(exchange.request_id))
            raise
