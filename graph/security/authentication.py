"""Which viewer a request's headers name, for each way to authenticate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from graph.security.errors import UnauthenticatedError
from graph.security.viewer import ANONYMOUS, Viewer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graph.security.api_keys import ApiKeyAuthenticator
    from graph.security.tokens import TokenAuthenticator

API_KEY_HEADER: Final = b"x-api-key"


class Headers(Protocol):
    """A request's header fields, by names in lower case."""

    def all(self, name: bytes) -> Sequence[bytes]:
        """Every value of a field."""
        ...


class Authenticator(Protocol):
    """One way to authenticate."""

    def known(self, headers: Headers) -> Viewer | None:
        """The viewer of a request, when nothing has to be waited for; None says nothing but that something has.

        Raises:
            UnauthenticatedError: no credentials, or none that are valid.
        """
        ...

    async def __call__(self, headers: Headers) -> Viewer:
        """The viewer of a request.

        Raises:
            UnauthenticatedError: no credentials, or none that are valid.
            KeysUnavailableError: they cannot be verified right now.
        """
        ...


class NoAuthentication:
    """Everybody is the same service, which may do everything."""

    def known(self, headers: Headers) -> Viewer:  # noqa: ARG002 - no header is looked at
        """The one viewer."""
        return ANONYMOUS

    async def __call__(self, headers: Headers) -> Viewer:  # noqa: ARG002 - no header is looked at
        """The one viewer."""
        return ANONYMOUS


class BearerAuthentication:
    """A JSON Web Token in `Authorization: Bearer`."""

    def __init__(self, tokens: TokenAuthenticator) -> None:
        self._tokens = tokens

    def known(self, headers: Headers) -> Viewer | None:
        """The viewer of a token that was verified before."""
        return self._tokens.known(_bearer(headers))

    async def __call__(self, headers: Headers) -> Viewer:
        """The viewer of the token."""
        return await self._tokens.viewer(_bearer(headers))


class ApiKeyAuthentication:
    """A key in `X-Api-Key`."""

    def __init__(self, keys: ApiKeyAuthenticator) -> None:
        self._keys = keys

    def known(self, headers: Headers) -> Viewer:
        """The viewer of the key. Every key is compared each time, but nothing is waited for."""
        return self._keys.viewer(_only(headers, API_KEY_HEADER))

    async def __call__(self, headers: Headers) -> Viewer:
        """The same."""
        return self.known(headers)


def _bearer(headers: Headers) -> str:
    scheme, _, token = _only(headers, b"authorization").partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer" or not token:
        raise UnauthenticatedError("the Authorization header holds no bearer token")
    return token


def _only(headers: Headers, name: bytes) -> str:
    values = headers.all(name)
    # Said twice, a proxy in front may have checked the other one.
    if len(values) != 1:
        raise UnauthenticatedError("there must be exactly one header with credentials")
    return values[0].decode("latin-1")
