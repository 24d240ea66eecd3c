"""The requests whose cost is watched."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.cost.memory_network import TRANSACTIONS, WALLET_CARDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

KEY: Final = "the key of a caller"


@dataclass(frozen=True)
class Operation:
    """One kind of request."""

    document: str
    variables: Callable[[int], dict[str, str]]
    """Those of the request with this number; no two requests ask for the same card."""
    upstream_calls: int
    answered: dict[str, Any]
    """The data of every answer."""
    headers: Mapping[str, str] = field(default_factory=dict)


def _card_no(number: int, index: int = 0) -> str:
    return f"94913394{number:06d}{index:02d}"


_FIELDS: Final = "balance cardStatus serviceName member { userId } cashReceiptInfo { approvalDiv idNo }"
_CARD: Final = {
    "balance": 50_000,
    "cardStatus": "ACTIVE",
    "serviceName": "a service",
    "member": {"userId": "1001"},
    "cashReceiptInfo": {"approvalDiv": "INCOME_DEDUCTION", "idNo": "01012345678"},
}
_PROFILE: Final = {"userName": "Kim", "mobileNumber": "01012345678", "email": "kim@example.com"}
_ALIASES: Final = 20
_DISTINCT: Final = 15


def _listed(at: int) -> dict[str, Any]:
    nodes = [
        {
            "nrNumber": f"{row:018d}",
            "trAmount": 1000 + row,
            "authCancelType": "AUTH",
            "merchantName": f"Merchant {row}",
        }
        for row in range(TRANSACTIONS)
    ]
    masked = f"949133******00{at:02d}"
    return {"maskedCardNo": masked, "balance": 50_000, "transactions": {"nodes": nodes}}


def _aliases() -> Operation:
    names = [f"n{index}" for index in range(_DISTINCT)]
    asked = [names[index % _DISTINCT] for index in range(_ALIASES)]
    declared = " ".join(f"${name}: CardNumber!" for name in names)
    fields = " ".join(f"c{index}: card(cardNo: ${name}) {{ balance }}" for index, name in enumerate(asked))
    return Operation(
        f"query Cards({declared}) {{ {fields} }}",
        lambda number: {name: _card_no(number, index) for index, name in enumerate(names)},
        upstream_calls=_DISTINCT,
        answered={f"c{index}": {"balance": 50_000} for index in range(_ALIASES)},
    )


_ONE: Final = Operation(
    f"query Card($n: CardNumber!) {{ card(cardNo: $n) {{ {_FIELDS} }} }}",
    lambda number: {"n": _card_no(number)},
    upstream_calls=1,
    answered={"card": _CARD},
)

OPERATIONS: Final[Mapping[str, Operation]] = {
    "one card": _ONE,
    "one card of a known caller": Operation(
        _ONE.document, _ONE.variables, _ONE.upstream_calls, _ONE.answered, {"x-api-key": KEY}
    ),
    "a card and its member": Operation(
        "query Profile($n: CardNumber!) { card(cardNo: $n) {"
        " balance member { userId profile { userName mobileNumber email } } } }",
        lambda number: {"n": _card_no(number)},
        upstream_calls=2,
        answered={"card": {"balance": 50_000, "member": {"userId": "1001", "profile": _PROFILE}}},
    ),
    "twenty aliases of fifteen cards": _aliases(),
    "a wallet of five cards": Operation(
        "query Wallet($id: ID!) { member(userId: $id) { cards { maskedCardNo balance"
        f" transactions(first: {TRANSACTIONS}) {{"
        " nodes { nrNumber trAmount authCancelType merchantName } } } } }",
        lambda number: {"id": f"{1001 + number}"},
        upstream_calls=1 + WALLET_CARDS,
        answered={"member": {"cards": [_listed(at) for at in range(WALLET_CARDS)]}},
    ),
}

_SETTINGS: Final[Mapping[str, object]] = {
    "KONAPLATE_ENCRYPTION": "off",
    "KONAPLATE_BASE_URL": "http://sandbox/open-api",
    # For the aliases.
    "KONAGRAPH_MAX_ROOT_FIELDS": 20,
}
# Every request asks for another card.
_NO_BOUND: Final = 1_000_000


def settings_in(folder: Path) -> dict[str, dict[str, object]]:
    """The gateway's settings for each operation; files of keys are made in the folder."""
    keys = folder / "keys.toml"
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    keys.write_text(
        f'[[keys]]\nname = "a caller"\nsha256 = "{digest}"\nscopes = ["cards:read:any", "cash-receipt:read"]\n'
        f"cards_per_minute = {_NO_BOUND}\ncards_per_hour = {_NO_BOUND}\n"
    )
    known = {**_SETTINGS, "KONAGRAPH_AUTH": "api-key", "KONAGRAPH_API_KEYS": keys}
    return {name: dict(known if one.headers else _SETTINGS) for name, one in OPERATIONS.items()}
