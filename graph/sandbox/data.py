"""What the sandbox knows: one table for each API, by the endpoint's name. A new API needs one entry in `DATA`."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graph import DeclarationError
from graph.sandbox.behaviours import Altered, Behaviour, Coded, RefusedCallError
from graph.sandbox.faults import FAULTS, MEMBER_FAULTS
from graph.sandbox.ledger import CARDS, MEMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping

INVALID_INPUT: Final = "000_002"
MISSING_VALUE: Final = "000_003"
WRONG_LENGTH: Final = "000_015"


@dataclass(frozen=True, slots=True)
class Table:
    """What the sandbox knows of one API. Its keys are texts, or they are whole numbers from 1."""

    key: str
    """The request's field that says what is asked for."""
    rows: Mapping[Any, Mapping[str, Any]]
    """The fields of a good answer, by the key; of an API that takes many keys, the fields of a row."""
    not_found: Coded
    """The answer about any other key. An API that takes many keys has no row for it instead."""
    size: int | None = None
    """How many characters a key must have, or the largest number."""
    faults: Mapping[Any, Behaviour] = field(default_factory=dict)
    """What fails on purpose, by the key."""
    listed_in: str | None = None
    """The answer's field that lists the rows, of an API that takes many keys."""

    def look_up(self, request: Mapping[str, Any]) -> tuple[Behaviour, Mapping[str, Any]]:
        """What to do with a request, and the fields of a good answer.

        Raises:
            RefusedCallError: when its key is missing or has another form.
        """
        asked = request.get(self.key)
        if asked is None:
            raise RefusedCallError(MISSING_VALUE, f"Missing required values. {self.key}")
        if self.listed_in is not None and (not isinstance(asked, list) or not asked):
            raise RefusedCallError(INVALID_INPUT, "Invalid input parameter.")
        keys = [asked] if self.listed_in is None else asked
        for key in keys:
            self._check(key)
        fault = next((self.faults[key] for key in keys if key in self.faults), None)
        if self.listed_in is not None:
            return fault or Altered(), {self.listed_in: [dict(self.rows[key]) for key in keys if key in self.rows]}
        if fault is not None:
            return fault, next(iter(self.rows.values()))
        return (Altered(), self.rows[asked]) if asked in self.rows else (self.not_found, {})

    def _check(self, key: object) -> None:
        of_the_table = next(iter(self.rows))
        # In this order: True is a number to Python.
        if type(key) is not type(of_the_table) or not key:
            raise RefusedCallError(INVALID_INPUT, "Invalid input parameter.")
        if isinstance(key, str) and self.size is not None and len(key) != self.size:
            raise RefusedCallError(WRONG_LENGTH, f"The length does not match. {self.key}")
        if isinstance(key, int) and not 1 <= key <= (self.size or key):
            raise RefusedCallError(INVALID_INPUT, "Invalid input parameter.")


def table_of(data: Mapping[str, Table], endpoint: str) -> Table:
    """What the sandbox knows of an API.

    Raises:
        DeclarationError: when it knows nothing of it.
    """
    if endpoint not in data:
        raise DeclarationError(
            f"the sandbox has no table for {endpoint!r}: add one to DATA in graph/sandbox/data.py"
        )
    return data[endpoint]


DATA: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "card_info": Table(
            key="cardNo",
            size=16,
            rows={number: card.fields for number, card in CARDS.items()},
            not_found=Coded("003_001", "Invalid card info."),
            faults={number: fault.behaviour for number, fault in FAULTS.items()},
        ),
        "user_info": Table(
            key="userId",
            size=9_999_999_999_999_999_999,
            rows={user_id: {"userInfo": dict(member)} for user_id, member in MEMBERS.items()},
            not_found=Coded("001_006", "Wallet user not found."),
            faults=MEMBER_FAULTS,
        ),
    }
)
"""By the endpoint's name."""
