"""Callers of a gateway with the embedded sandbox, whom a developer plays in the explorer."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from graph.security.authorization import Scope, Viewer, developer
from graph.security.errors import UnauthenticatedError
from schema.secrets import MemberId

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graph.header_values import HeaderValues

_SUPPORT: Final = (Scope.READ_ANY_CARD, Scope.READ_ANY_MEMBER)
_BEARER: Final = "Bearer "


class Role(NamedTuple):
    """Somebody whom a developer can play."""

    name: str
    description: str
    viewer: Viewer | None
    """None for a caller without credentials, who is refused."""


def roles(owner: int, other: int) -> tuple[Role, ...]:
    """The roles to play: two members of the sandbox, a service, and nobody."""
    return (
        Role(
            "developer",
            f"member {owner} with every scope",
            developer(MemberId(str(owner))),
        ),
        Role("owner", f"member {owner} without scopes: a user of an app", _member(owner)),
        Role(
            "another member", f"member {other} without scopes, who does not see the owner's cards", _member(other)
        ),
        Role(
            "support",
            f"a service with the scopes {' and '.join(_SUPPORT)}",
            Viewer("service", "support", frozenset(_SUPPORT), None, None),
        ),
        Role("nobody", "a caller without valid credentials", None),
    )


class Guests:
    """Mints tokens of roles, and authenticates callers by them.

    Args:
        default: the viewer of requests without such a token.
        roles: whom tokens can be minted for.
        mint: makes a token that another authenticator accepts; None for random ones, which only this object knows.
    """

    def __init__(
        self, default: Viewer, roles: Sequence[Role], mint: Callable[[Viewer], str] | None = None
    ) -> None:
        self.roles: Mapping[str, Role] = {role.name: role for role in roles}
        self._default = default
        self._mint = mint
        self._viewers = {secrets.token_urlsafe(24): role for role in roles}

    def authorization(self, name: str) -> str | None:
        """The `Authorization` header of a role; None if there is no such role."""
        role = self.roles.get(name)
        if role is None:
            return None
        if self._mint is not None and role.viewer is not None:
            return _BEARER + self._mint(role.viewer)
        return _BEARER + next(token for token, each in self._viewers.items() if each is role)

    async def authenticate(self, headers: HeaderValues) -> Viewer:
        """The viewer of a request.

        Raises:
            UnauthenticatedError: its token is that of nobody.
        """
        for given in headers.get("authorization", ()):
            role = self._viewers.get(given.removeprefix(_BEARER))
            if role is not None and role.viewer is None:
                raise UnauthenticatedError("the explorer plays a caller without credentials")
            if role is not None and role.viewer is not None:
                return role.viewer
        return self._default


def _member(user_id: int) -> Viewer:
    return Viewer("member", f"member-{user_id}", frozenset(), MemberId(str(user_id)), None)
