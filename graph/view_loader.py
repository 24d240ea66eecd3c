"""Loads views, which are made of other look-ups of the same request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from graph.errors import GatewayError
from graph.konaplate.view import ArgumentError
from graph.security.authorization import hidden_error
from graph.security.errors import HiddenError
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from datetime import date

    from graph.context import RequestContext
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.view import Found, View
    from graph.security.card_refs import Subject

K = TypeVar("K")


async def load_view(
    context: RequestContext, view: View[K, Any], key: K, subject: Subject | None = None, *, named: bool = True
) -> Found | None:
    """Look a key of a view up. Arguments and errors are those of `RequestContext.load`.

    Returns:
        The record and the key that it goes by; None if there is none.
    """
    hidden = None
    try:
        if view.owner is not None:
            context.authorization.check(None, view, key)
        check_arguments(context, view, key)
        found = await view.look_up(key, _LookUps(context, subject, named=named))
        if found is None and view.owner is not None:
            hidden = hidden_error(view.hidden_as)
    except HiddenError as error:
        hidden = error
    except ArgumentError as error:
        raise GatewayError(ErrorCode.BAD_USER_INPUT, str(error)) from None
    if hidden is not None:
        raise context.shown_error(hidden, view, key, subject, named=named) from None
    return found


def check_arguments(context: RequestContext, view: View[K, Any], key: K) -> None:
    """Check the arguments of a view's key; see `View.check`.

    Raises:
        GatewayError: they cannot be answered to.
    """
    if view.check is not None:
        try:
            view.check(key, _LookUps(context, None, named=False))
        except ArgumentError as error:
            raise GatewayError(ErrorCode.BAD_USER_INPUT, str(error)) from None


class _LookUps:
    """What a view sees of the request."""

    __slots__ = ("_context", "_named", "_subject")

    def __init__(self, context: RequestContext, subject: Subject | None, *, named: bool) -> None:
        self._context = context
        self._subject = subject
        self._named = named

    @property
    def today(self) -> date:
        return self._context.today

    @property
    def max_days(self) -> int:
        return self._context.max_days

    async def load(self, endpoint: Endpoint[Any, Any], key: Any) -> Any:
        return await self._context.load(endpoint, key, self._subject, named=self._named)

    def seal(self, clear: bytes, *bound: str) -> str:
        return self._context.handles.seal(clear, self._context.viewer_name, *bound)

    def unseal(self, text: str, *bound: str) -> bytes | None:
        return self._context.handles.unseal(text, self._context.viewer_name, *bound)
