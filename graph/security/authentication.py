"""Finds the viewer that a request's headers authenticate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from graph.header_values import HeaderValues
from graph.security.authorization import Viewer
from graph.security.errors import UnauthenticatedError

if TYPE_CHECKING:
    from graph.security.api_keys import ApiKeyAuthenticator
    from graph.security.tokens import TokenAuthenticator

Authenticate: TypeAlias = Callable[[HeaderValues], Awaitable[Viewer]]
"""Finds the viewer of a request.

Raises:
    UnauthenticatedError: there are no valid credentials.
    KeysUnavailableError: they cannot be verified right now.
"""


def everybody(viewer: Viewer) -> Authenticate:
    """Treat every caller as one viewer, whatever the credentials are."""

    async def authenticate(_headers: HeaderValues) -> Viewer:
        return viewer

    return authenticate


def by_token(tokens: TokenAuthenticator) -> Authenticate:
    """Authenticate by a JSON Web Token in `Authorization: Bearer`."""

    async def authenticate(headers: HeaderValues) -> Viewer:
        scheme, _, token = _only(headers, "Authorization").partition(" ")
        token = token.strip(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError("the Authorization header holds no bearer token")
        return await tokens.viewer(token)

    return authenticate


def by_api_key(keys: ApiKeyAuthenticator) -> Authenticate:
    """Authenticate by a key in `X-Api-Key`."""

    async def authenticate(headers: HeaderValues) -> Viewer:
        try:
            return keys.viewer(_only(headers, "X-Api-Key"))
        except UnauthenticatedError as error:
            # No standard names a scheme for such a header; this is the usual name.
            raise UnauthenticatedError(error.reason, "ApiKey") from None

    return authenticate


def _only(headers: HeaderValues, name: str) -> str:
    values = headers.get(name.lower(), ())
    if not values:
        raise UnauthenticatedError(f"there is no {name} header")
    # If there are two headers, a proxy in front may have checked the other one.
    if len(values) > 1:
        raise UnauthenticatedError("there must be exactly one header with credentials")
    return values[0]
