"""A table of the sandbox: which rows an API has, and how it checks the requests for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graph.sandbox.faults import Altered, Behaviour, Coded, RefusedCallError
from graph.sandbox.forms import INVALID_INPUT, MISSING_VALUE, WRONG_LENGTH, Form, check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graph.sandbox.inquiries import SandboxState


@dataclass(frozen=True, slots=True)
class Table:
    """The data of one API. Its keys are strings or whole numbers from 1."""

    key: str
    """The request's field that holds the key."""
    rows: Mapping[Any, Mapping[str, Any]]
    """The fields of a good response by key; for a batch API, the fields of a row. Under None those of a request
    without a key, if there may be one."""
    not_found: Coded
    """The response for any other key. A batch API omits its row instead."""
    size: int | None = None
    """The exact length of a string key, or the largest number."""
    faults: Mapping[Any, Behaviour] = field(default_factory=dict)
    """Simulated failures, by key."""
    listed_in: str | None = None
    """The response's field that lists the rows of a batch API."""
    reserved_rows: Mapping[Any, Mapping[str, Any]] = field(default_factory=dict)
    """As `rows`, for the members that are reserved for a failure, of this or another API."""
    others: Mapping[str, Form] | None = None
    """The forms of the request's other fields; None takes any."""
    answer: Callable[[Mapping[str, Any], Mapping[str, Any], SandboxState], Mapping[str, Any]] | None = None
    """Makes a response's fields of the key's row and the request; None for the row itself."""

    def look_up(self, request: Mapping[str, Any], state: SandboxState) -> tuple[Behaviour, Mapping[str, Any]]:
        """Find what to do with a request, and the fields of a good response.

        Raises:
            RefusedCallError: a field is missing, malformed or not documented.
        """
        keys = self._keys(request)
        if self.others is not None:
            check({name: value for name, value in request.items() if name != self.key}, self.others)
        fault = self._fault(keys)
        found = [row for row in map(self._row, keys) if row is not None]
        if self.listed_in is not None:
            return fault or Altered(), {self.listed_in: [dict(row) for row in found]}
        if isinstance(fault, Altered) and not found:
            # A reserved card that is no other's: its good response is that of the first card.
            found = [next(iter(self.rows.values()))]
        if fault is not None and not isinstance(fault, Altered):
            return fault, {}
        if not found:
            return self.not_found, {}
        row = found[0]
        return fault or Altered(), row if self.answer is None else self.answer(row, request, state)

    def failure_of(self, request: Mapping[str, Any]) -> Behaviour | None:
        """The simulated failure that a well-formed request meets."""
        asked = request.get(self.key)
        return self._fault(asked if isinstance(asked, list) else [asked])

    def _fault(self, keys: Sequence[Any]) -> Behaviour | None:
        return next((self.faults[key] for key in keys if key in self.faults), None)

    def _row(self, key: object) -> Mapping[str, Any] | None:
        return self.rows[key] if key in self.rows else self.reserved_rows.get(key)

    def _keys(self, request: Mapping[str, Any]) -> list[Any]:
        asked = request.get(self.key)
        if asked is None and None in self.rows:
            return [None]
        if asked is None:
            raise RefusedCallError(MISSING_VALUE, f"Missing required values. {self.key}")
        if self.listed_in is not None and (not isinstance(asked, list) or not asked):
            raise RefusedCallError(INVALID_INPUT, "Invalid input parameter.")
        keys = [asked] if self.listed_in is None else asked
        for key in keys:
            self._check(key)
        return keys

    def _check(self, key: object) -> None:
        kind = type(next(known for known in self.rows if known is not None))
        # By exact type, because bool is a subclass of int.
        if type(key) is not kind or not key:
            raise RefusedCallError(INVALID_INPUT, "Invalid input parameter.")
        if isinstance(key, str) and self.size is not None and len(key) != self.size:
            raise RefusedCallError(WRONG_LENGTH, f"The length does not match. {self.key}")
        if isinstance(key, int) and not 1 <= key <= (self.size or key):
            raise RefusedCallError(INVALID_INPUT, "Invalid input parameter.")
