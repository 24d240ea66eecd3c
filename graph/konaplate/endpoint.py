"""The declaration of an API of Konaplate: everything specific to it, as data. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_type_hints

from graph import DeclarationError
from graph.konaplate.errors import InvalidFieldError, InvalidResponseError, KonaplateError, error_of_code
from graph.konaplate.record import MAX_ITEMS, Record, has_attribute, record_fields
from schema.errors import ErrorCode
from schema.secrets import MemberId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from graph.konaplate.errors import CallDetails
    from schema.secrets import CardNo

K = TypeVar("K")
R = TypeVar("R", bound=Record)


class Certainty(StrEnum):
    """How sure the form of a response is."""

    DOC = "documented"
    """The vendor's own page says so."""
    SEEN = "seen"
    """Working public code of users of the API does so."""
    INFERRED = "inferred"
    """It follows from the other two."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint(Generic[K, R]):
    """One inquiry API of Konaplate.

    A batch endpoint takes many keys in one call: `within` leads to a list, `record` is the type of its rows, and
    `key_of` tells which key a row belongs to.

    Raises:
        DeclarationError: the declaration contradicts itself.
    """

    name: str
    """Its name for the schema's edges, settings, loaders and the sandbox's data."""
    title: str
    """The vendor's name of the API."""
    path: str
    """Also its label in logs and metrics."""
    key: type[K]
    key_name: str = ""
    """The key's name among the attributes that the schema shows; not needed for a `NamedTuple`, whose fields have
    names."""
    request: Callable[[Any], dict[str, Any]]
    """From a key, or a sequence of keys for a batch endpoint, to the clear body of a request."""
    record: type[R]
    within: tuple[str, ...] = ()
    """Konaplate's names of the members that lead to the record, outermost first."""
    matches: Callable[[R, K], bool] | None = None
    """Whether a record is about the key. A response about something else is rejected as a whole."""
    key_of: Callable[[R], object] | None = None
    """The key of a row; makes it a batch endpoint."""
    not_found: type[KonaplateError] | None = InvalidResponseError
    """The error of a key that a batch response omits; None for no error, and no record."""
    certainty: Certainty = Certainty.DOC
    """Only documented responses may have required fields."""
    complete_with: tuple[str, ...] = ()
    """The members that make a response without any code a success, where no field is required."""
    seals_request: bool = True
    """Whether requests are encrypted. Settings can override it."""
    seals_response: bool | None = True
    """Whether a success must be encrypted; any other is taken in either form. None where that is not known: the
    request names the key, as for an encrypted one. Settings can override it."""
    cost: int = 10
    """The price of a call in an operation's cost."""
    codes: Mapping[str, type[KonaplateError]] = field(default_factory=dict)
    """The vendor's codes whose meaning differs from the common table."""
    owner: str | None = None
    """The attribute that names the member whose data it is: of the record, or else of the key. Without one of the
    scopes of `open_to`, viewers see only their own."""
    open_to: tuple[str, ...] = ("cards:read:any",)
    """Scopes, each of which lets a viewer see other members' data."""
    hidden_as: ErrorCode = ErrorCode.CARD_NOT_FOUND
    """What a viewer is told who may not see it."""
    handle: int | None = None
    """The kind of handles that lead to it, if the schema gives any. Clients keep handles: never reuse a number."""
    card_numbers: Callable[[R], Iterable[CardNo]] | None = None
    """The numbers of cards that a record tells. They count nothing in their owner's budget of cards, and in
    anybody else's as if they had been asked for."""
    owner_in_key: bool = field(init=False, default=False)
    """Whether the key tells the owner, so that a viewer can be refused without a call."""

    def __post_init__(self) -> None:
        self._check_types()
        if self.owner is not None and not has_attribute(self.record, self.owner):
            parts = getattr(self.key, "_fields", ())
            if self.owner not in (self.key_name, *parts):
                hint = "" if self.key_name or parts else f"; if it is the key, add `key_name={self.owner!r}`"
                raise DeclarationError(
                    f"{self.name}: neither the record nor the key has its owner, {self.owner!r}{hint}"
                )
            object.__setattr__(self, "owner_in_key", True)
        if self.owner is None and _names_member(self.key):
            raise DeclarationError(f"{self.name}: what a member's id leads to needs an `owner`")
        if self.certainty is not Certainty.DOC and any(each.required for each in record_fields(self.record)):
            raise DeclarationError(f"{self.name}: what is not documented cannot be required")
        if self.batch and not self.within:
            raise DeclarationError(f"{self.name}: `key_of` needs `within`, which leads to the list of rows")

    def _check_types(self) -> None:
        """Check what a type checker may let pass, and every call would fail on."""
        for name in ("within", "complete_with"):
            if not isinstance(names := getattr(self, name), tuple):
                raise DeclarationError(f'{self.name}: `{name}` is a tuple, as in ("a",), not {names!r}')
        if not self.path.startswith("/"):
            raise DeclarationError(f"{self.name}: its `path` begins with a slash: {self.path!r}")
        if not isinstance(self.key, type):
            raise DeclarationError(
                f"{self.name}: its `key` is the class of one key, such as `str` or `MemberId`, not {self.key}"
            )
        codes: Mapping[str, object] = self.codes
        for code, error in codes.items():
            if not (isinstance(error, type) and issubclass(error, KonaplateError)):
                raise DeclarationError(f"{self.name}: `codes` maps {code!r} to a KonaplateError, not {error!r}")

    @property
    def batch(self) -> bool:
        """Whether it takes many keys in one call."""
        return self.key_of is not None

    def owner_of(self, record: R | None, key: K) -> object:
        """Whose data a record is: a member's id, None for nobody's, or the fault that hides it.

        The record is not needed if `owner_in_key`.
        """
        if self.owner is None:
            return None
        if not self.owner_in_key:
            return getattr(record, self.owner)
        return key if self.owner == self.key_name else getattr(key, self.owner)

    def error_of(self, code: str) -> type[KonaplateError] | None:
        """The error that a code stands for; None for an unknown code."""
        return self.codes.get(code) or error_of_code(code)

    def is_complete(self, fields: Mapping[str, Any]) -> bool:
        """Whether a response without any code counts as a success."""
        if self.within:
            return self.within[0] in fields
        required = [each.wire for each in record_fields(self.record) if each.required] or self.complete_with
        return bool(required) and all(name in fields for name in required)

    def read(self, fields: dict[str, Any], details: CallDetails, key: K) -> R:
        """Read the record of a key from a response.

        Raises:
            InvalidResponseError: there is no record, or it is about something else.
        """
        inner = self._inner(fields) if self.within else fields
        if not isinstance(inner, dict):
            raise InvalidResponseError(details, "it has no record")
        record = self.record.read(inner, details)
        if self.matches is not None and not self.matches(record, key):
            # Somebody else's data is worse than none.
            raise InvalidResponseError(details, "it is not about what was asked for")
        return record

    def read_batch(
        self, fields: dict[str, Any], details: CallDetails, keys: Sequence[K]
    ) -> dict[K, R | KonaplateError | None]:
        """Read the record of each key, or its error, from a batch response.

        Raises:
            InvalidResponseError: there is no list.
            TypeError: `key_of` gives something else than keys, so that no row would be found.
        """
        rows = self._inner(fields)
        if not isinstance(rows, list) or len(rows) > MAX_ITEMS or self.key_of is None:
            raise InvalidResponseError(details, f"it has no list of at most {MAX_ITEMS:,} rows")
        found: dict[object, R | KonaplateError] = {}
        missing: Callable[[CallDetails], KonaplateError] | None = self.not_found
        for row in rows:
            record = self.record.read(row, details) if isinstance(row, dict) else None
            key = None if record is None else self.key_of(record)
            if record is None or key is None or isinstance(key, InvalidFieldError):
                # It may belong to any key that has no other row.
                missing = _may_be_unreadable
            elif not isinstance(key, self.key):
                raise TypeError(f"{self.name}: `key_of` gives {type(key).__name__}, not {self.key.__name__}")
            elif found.setdefault(key, record) != record:
                # Two different rows for one key: neither can be trusted.
                found[key] = InvalidResponseError(details, "two rows of one key differ")
        return {key: found.get(key) or (missing(details) if missing else None) for key in keys}

    def _inner(self, fields: object) -> object:
        """Follow `within`."""
        for name in self.within:
            fields = fields.get(name) if isinstance(fields, dict) else None
        return fields


def _may_be_unreadable(details: CallDetails) -> KonaplateError:
    return InvalidResponseError(details, "a row has no readable key")


def _names_member(key: type) -> bool:
    """Whether a key is a member's id, or has one among its parts."""
    kinds = get_type_hints(key).values() if hasattr(key, "_fields") else (key,)
    return any(kind is MemberId or MemberId in get_args(kind) for kind in kinds)


def by_card_no(card_no: CardNo) -> dict[str, str]:
    """The body of a request about a card."""
    return {"cardNo": card_no.reveal()}


def by_user_id(user_id: MemberId) -> dict[str, int]:
    """The body of a request about a member."""
    return {"userId": int(user_id.reveal())}


def by_name(endpoints: Iterable[Endpoint[Any, Any]]) -> dict[str, Endpoint[Any, Any]]:
    """Index a registry's endpoints by name.

    Raises:
        DeclarationError: two endpoints have the same name or path.
    """
    named: dict[str, Endpoint[Any, Any]] = {}
    paths: dict[str, str] = {}
    for endpoint in endpoints:
        if endpoint.name in named:
            raise DeclarationError(f"two endpoints have the same name, {endpoint.name!r}")
        if endpoint.path in paths:
            both = f"{paths[endpoint.path]!r} and {endpoint.name!r}"
            raise DeclarationError(f"the endpoints {both} have the same path, {endpoint.path}")
        named[endpoint.name] = endpoint
        paths[endpoint.path] = endpoint.name
    return named
