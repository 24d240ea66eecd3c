"""Which viewer a request's headers name, for each way to authenticate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from graph.security.errors import UnauthenticatedError
from graph.security.viewer import ANONYMOUS, Viewer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graph.security.api_keys import ApiKeyAuthenticator
    from graph.security.tokens import TokenAuthenticator

API_KEY_HEADER: Final = "x-api-key"


class Headers(Protocol):
    """A request's headers; names are not case-sensitive."""

    def getlist(self, key: str) -> Sequence[str]:
        """Every value of a header."""
        ...


class Authenticator(Protocol):
    """One way to authenticate."""

    async def __call__(self, headers: Headers) -> Viewer:
        """The viewer of a request.

        Raises:
            UnauthenticatedError: no credentials, or none that are valid.
            KeysUnavailableError: they cannot be verified right now.
        """
        ...


class NoAuthentication:
    """Everybody is the same service, which may do everything."""

    async def __call__(self, headers: Headers) -> Viewer:  # noqa: ARG002 - no header is looked at
        """The one viewer."""
        return ANONYMOUS


class BearerAuthentication:
    """A JSON Web Token in `Authorization: Bearer`."""

    def __init__(self, tokens: TokenAuthenticator) -> None:
        self._tokens = tokens

    async def __call__(self, headers: Headers) -> Viewer:
        """The viewer of the token."""
        scheme, _, token = _only(headers, "authorization").partition(" ")
        token = token.strip(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError("the Authorization header holds no bearer token")
        return await self._tokens.viewer(token)


class ApiKeyAuthentication:
    """A key in `X-Api-Key`."""

    def __init__(self, keys: ApiKeyAuthenticator) -> None:
        self._keys = keys

    async def __call__(self, headers: Headers) -> Viewer:
        """The viewer of the key."""
        return self._keys.viewer(_only(headers, API_KEY_HEADER))


def _only(headers: Headers, name: str) -> str:
    values = headers.getlist(name)
    # Said twice, a proxy in front may have checked the other one.
    if len(values) != 1:
        raise UnauthenticatedError("there must be exactly one header with credentials")
    return values[0]
