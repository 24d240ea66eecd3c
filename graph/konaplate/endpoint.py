"""What an API of Konaplate is: everything that is special about one, as data. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from graph import DeclarationError
from graph.konaplate.errors import InvalidFieldError, InvalidResponseError, KonaplateError, error_of_code
from graph.konaplate.record import Record, record_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from graph.konaplate.errors import CallDetails

K = TypeVar("K")
R = TypeVar("R", bound=Record)


class Certainty(StrEnum):
    """Where the form of an answer is known from."""

    DOC = "documented"
    """The vendor's own page says so."""
    SEEN = "seen"
    """Working public code of users of the API does so."""
    INFERRED = "inferred"
    """It follows from the other two."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint(Generic[K, R]):
    """One inquiry API of Konaplate.

    A batch endpoint takes many keys in one call. `within` leads to a list then, `record` is the type of its rows,
    and each row says by itself which key it answers.

    Raises:
        DeclarationError: when the declaration contradicts itself.
    """

    name: str
    """How edges of the schema, settings, loaders and the sandbox's data name it."""
    title: str
    """The vendor's name of the API."""
    path: str
    """Its label in logs and metrics, too."""
    key: type[K]
    """What is asked for."""
    request: Callable[[Any], dict[str, Any]]
    """The clear body that asks for a key; of a batch endpoint, for a sequence of keys."""
    record: type[R]
    """What is answered."""
    within: tuple[str, ...] = ()
    """Konaplate's names of the members that lead to the record, from the answer inwards."""
    matches: Callable[[R, K], bool] | None = None
    """Whether a record is about the key: an answer that is about something else is refused as a whole."""
    key_of: Callable[[R], object] | None = None
    """The key that a row answers; of a batch endpoint only, which must have it."""
    not_found: type[KonaplateError] = InvalidResponseError
    """The error of a key that a batch answer does not mention."""
    certainty: Certainty = Certainty.DOC
    seals_request: bool = True
    """Whether requests are encrypted. Settings can say otherwise."""
    seals_response: bool = True
    """Whether a success must be encrypted. Settings can say otherwise."""
    cost: int = 10
    """The price of a call in an operation's cost."""
    codes: Mapping[str, type[KonaplateError]] = field(default_factory=dict)
    """What the vendor's codes mean in answers of this API, where it is not what they mean in all others."""
    batch: bool = False
    owner: str | None = None
    """The record's attribute that says whose it is. Without `cards:read:any`, a viewer sees only their own."""

    def __post_init__(self) -> None:
        self._check_batch()
        names = {each.name for each in record_fields(self.record)}
        if self.owner is not None and self.owner not in names:
            raise DeclarationError(f"{self.name}: the record has no attribute {self.owner}")
        if self.certainty is not Certainty.DOC and any(each.required for each in record_fields(self.record)):
            raise DeclarationError(f"{self.name}: what is not documented cannot be required")

    def _check_batch(self) -> None:
        if not self.batch:
            if self.key_of is not None:
                raise DeclarationError(f"{self.name}: `key_of` is of a batch endpoint, which says `batch=True`")
            return
        missing = []
        if self.key_of is None:
            missing.append("`key_of`, the key that a row answers")
        if not self.within:
            missing.append("`within`, which leads to the list of rows")
        if missing:
            raise DeclarationError(f"{self.name}: a batch endpoint needs {' and '.join(missing)}")

    def error_of(self, code: str) -> type[KonaplateError] | None:
        """The error that a code of an answer stands for; None when nobody knows the code."""
        return self.codes.get(code) or error_of_code(code)

    def is_complete(self, fields: Mapping[str, Any]) -> bool:
        """Whether an answer without any code holds what makes it a success."""
        if self.within:
            return self.within[0] in fields
        required = [each.wire for each in record_fields(self.record) if each.required]
        return bool(required) and all(name in fields for name in required)

    def read(self, fields: dict[str, Any], details: CallDetails, key: K) -> R:
        """The record that an answer holds about a key.

        Raises:
            InvalidResponseError: when it holds no record, or one that is about something else.
        """
        inner = self._inner(fields) if self.within else fields
        if not isinstance(inner, dict):
            raise InvalidResponseError(details)
        record = self.record.read(inner, details)
        if self.matches is not None and not self.matches(record, key):
            # Somebody else's data: worse than no answer.
            raise InvalidResponseError(details)
        return record

    def read_batch(
        self, fields: dict[str, Any], details: CallDetails, keys: Sequence[K]
    ) -> dict[K, R | KonaplateError]:
        """The record of each key, or the key's error.

        Raises:
            InvalidResponseError: when the answer holds no list.
        """
        rows = self._inner(fields)
        if not isinstance(rows, list) or self.key_of is None:
            raise InvalidResponseError(details)
        found: dict[object, R | KonaplateError] = {}
        missing = self.not_found
        for row in rows:
            record = self.record.read(row, details) if isinstance(row, dict) else None
            key = None if record is None else self.key_of(record)
            if record is None or key is None or isinstance(key, InvalidFieldError):
                # It may be about any key that no other row answers.
                missing = InvalidResponseError
            elif found.setdefault(key, record) != record:
                # Two answers to one question, and no telling which of them is right.
                found[key] = InvalidResponseError(details)
        return {key: found.get(key) or missing(details) for key in keys}

    def _inner(self, fields: object) -> object:
        """What `within` leads to."""
        for name in self.within:
            fields = fields.get(name) if isinstance(fields, dict) else None
        return fields


def by_name(endpoints: Iterable[Endpoint[Any, Any]]) -> dict[str, Endpoint[Any, Any]]:
    """A registry's endpoints by their names.

    Raises:
        DeclarationError: when two have the same name or path.
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
