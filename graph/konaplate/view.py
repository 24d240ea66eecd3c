"""The declaration of a view: a look-up that is made of others and makes no call of its own. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, Self, TypeAlias, TypeVar

from graph import DeclarationError
from graph.konaplate.endpoint import by_name
from graph.konaplate.record import Record
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import date

    from graph.konaplate.endpoint import Endpoint

K = TypeVar("K")
R = TypeVar("R", bound=Record)


class ArgumentError(Exception):
    """A view cannot use an argument. The message is a constant, and clients see it."""


class Found(NamedTuple):
    """A record that a view found, and the key that it goes by."""

    record: Any
    key: Any


class Sealer(Protocol):
    """Seals values for one viewer; see `graph.security.handles`."""

    def seal(self, clear: bytes, *bound: str) -> str:
        """Make an opaque string that only this viewer can open, and only bound to the same strings."""
        ...

    def unseal(self, text: str, *bound: str) -> bytes | None:
        """Return what was sealed; None if `text` is not from `seal`, or is bound to other strings."""
        ...


class LookUps(Sealer, Protocol):
    """What a view may use of the request."""

    @property
    def today(self) -> date:
        """The day by Konaplate's clock."""
        ...

    @property
    def max_days(self) -> int:
        """The longest span of days that a history may have."""
        ...

    async def load(self, endpoint: Endpoint[Any, Any], key: Any) -> Any:
        """Look a key up; equal keys of one request share one call. Raises the error that the viewer may see."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View(Generic[K, R]):
    """A look-up that is made of others. For the schema, it is used like an endpoint."""

    name: str
    """For the schema's edges; no endpoint may have the same."""
    key: type[K]
    key_name: str = ""
    """As in `Endpoint`."""
    record: type[R]
    look_up: Callable[[K, LookUps], Awaitable[Found | None]]
    """Returns None if there is nothing."""
    check: Callable[[K, LookUps], None] | None = None
    """Raises an `ArgumentError` for invalid arguments. Called before `look_up`, and before a look-up
    that finds the rest of the key, which is None then."""
    keyed_as: Endpoint[Any, Any] | None = None
    """The endpoint by whose keys the found records go; None for the view's own keys."""
    owner: str | None = None
    """The attribute of the key that names its owner. Other viewers need one of the scopes in `open_to`."""
    open_to: tuple[str, ...] = ()
    hidden_as: ErrorCode = ErrorCode.CARD_NOT_FOUND
    """The error for viewers who may not learn whether it exists."""
    cost: int = 0
    """The price of the calls that it makes, as far as no other field makes them."""
    handle: int | None = None
    """As in `Endpoint`."""

    @property
    def owner_in_key(self) -> bool:
        """As in `Endpoint`."""
        return self.owner is not None

    def owner_of(self, _record: object, key: K) -> object:
        """As in `Endpoint`."""
        return key if self.owner == self.key_name else getattr(key, self.owner or "")


LookedUp: TypeAlias = "Endpoint[Any, Any] | View[Any, Any]"
"""What an edge of the schema leads to."""


def with_views(endpoints: Iterable[Endpoint[Any, Any]], views: Iterable[View[Any, Any]]) -> dict[str, LookedUp]:
    """Index endpoints and views by name.

    Raises:
        DeclarationError: two have the same name, or two endpoints the same path.
    """
    named: dict[str, LookedUp] = {**by_name(endpoints)}
    for view in views:
        if view.name in named:
            raise DeclarationError(f"the view {view.name!r} has the name of another")
        named[view.name] = view
    return named


class Answer(NamedTuple):
    """What a look-up gave."""

    asked: LookedUp
    record: Any
    key: Any

    @classmethod
    def of_view(cls, view: View[Any, Any], found: Found) -> Self:
        """Return what a view found."""
        return cls(view.keyed_as or view, found.record, found.key)

    @property
    def owner(self) -> object:
        """Whose data it is: a member's id, None for nobody's, or the fault that hides it."""
        return None if self.asked.owner is None else self.asked.owner_of(self.record, self.key)
