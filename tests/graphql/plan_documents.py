"""Random valid documents over the schema: every form that plans support, and some that they do not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from random import Random

NUMBERS: Final = [f"94913394{index:08d}" for index in range(5)]

_FIELDS: Final[dict[str, dict[str, str | None]]] = {
    "Card": {
        **dict.fromkeys(
            [
                "cardNo",
                "maskedCardNo",
                "balance",
                "cardStatus",
                "cardStatusRaw",
                "serviceId",
                "serviceName",
                "ownerKa",
                "isAutoRechargeBeforePayment",
                "isRegistered",
            ]
        ),
        "member": "Member",
        "cashReceiptInfo": "CashReceiptInfo",
    },
    "Member": {"userId": None, "profile": "MemberProfile"},
    "CashReceiptInfo": dict.fromkeys(["approvalDiv", "approvalDivRaw", "idNo", "maskedIdNo", "manYn", "manYnRaw"]),
    "MemberProfile": {
        **dict.fromkeys(
            [
                "aspId",
                "birthDate",
                "loginId",
                "nationality",
                "nationalityRaw",
                "gender",
                "genderRaw",
                "mobileNumber",
                "userName",
                "email",
                "joinChannel",
            ]
        ),
        "addressInfo": "AddressInfo",
    },
    "AddressInfo": dict.fromkeys(["address", "zipCode", "addressDetail"]),
    "CardError": dict.fromkeys(["code", "message", "retryable"]),
    "CardUnavailableError": dict.fromkeys(["code", "retryAfterMs"]),
}
"""The fields of the object types, with the types of their objects."""

_VARIABLES: Final = {
    "a": "CardNumber!",
    "b": f'CardNumber = "{NUMBERS[1]}"',
    "c": f'CardNumber! = "{NUMBERS[2]}"',
    "l": "[CardNumber!]!",
    "m": f'[CardNumber!] = ["{NUMBERS[0]}", "{NUMBERS[3]}"]',
    "t": "Boolean!",
    "f": "Boolean = true",
    "g": "Boolean! = false",
    "i": "CardLookupInput!",
    "j": f'CardLookupInput! = {{cardNo: "{NUMBERS[1]}"}}',
    "s1": "Boolean!",
    "s2": "Boolean!",
}
_CARD_ARGUMENTS: Final = ["$a", "$b", "$c", *(f'"{number}"' for number in NUMBERS[:3])]
_CARDS_ARGUMENTS: Final = [
    "$l",
    "$m",
    f'["{NUMBERS[0]}"]',
    f'"{NUMBERS[4]}"',
    f'["{NUMBERS[0]}", "{NUMBERS[1]}", "{NUMBERS[0]}"]',
    f'[$a, "{NUMBERS[2]}", $c]',
    "[]",
    '["' + '", "'.join(NUMBERS) + '"]',
]
_LOOKUP_ARGUMENTS: Final = [
    "$i", "$j", "{cardNo: $a}", "{cardNo: $c}", f'{{cardNo: "{NUMBERS[0]}"}}', '{id: "of nothing"}',
]  # fmt: skip
_LOOKUP_TYPES: Final = ["Card", "CardError", "CardUnavailableError"]
_SWITCHES: Final = ["true", "false", "$t", "$f", "$g"]
_MANY_SWITCHES: Final = [*_SWITCHES, "$s1", "$s2"]


class DocumentMaker:
    """Makes one document; `text` is all of it, `operations` the names of its operations.

    Fields with the same key are the same field with the same arguments, so that all may be merged.

    Args:
        random: decides everything.
        width: how many selections a selection set has at most.
    """

    def __init__(self, random: Random, width: int) -> None:
        self._random = random
        self._width = width
        self._switches = random.choice([[], _SWITCHES, _SWITCHES, _MANY_SWITCHES])
        # Two fields with swapped aliases.
        self._renamed = random.choice([{}, {"serviceId": "serviceName", "serviceName": "serviceId"}])
        self._plain_card = random.choice(_CARD_ARGUMENTS)
        self._plain_cards = random.choice(_CARDS_ARGUMENTS)
        self._plain_lookup = random.choice(_LOOKUP_ARGUMENTS)
        self._fragments: list[tuple[str, str, str]] = []
        for index in reversed(range(random.randint(0, 4))):
            kind = random.choice(["Query", *_FIELDS])
            # A fragment spreads only earlier ones, so that there are no cycles.
            self._fragments.append((f"F{index}", kind, self._selections(kind, 1)))
        names = random.choice([[""], [""], ["First"], ["First", "Second"]])
        operations = [self._operation(name) for name in names]
        self.operations = [name or None for name in names]
        used = _reachable(" ".join(operations), self._fragments)
        fragments = [f"fragment {name} on {kind} {body}" for name, kind, body in self._fragments if name in used]
        parts = operations + fragments
        random.shuffle(parts)
        self.text = "\n".join(parts)

    def _operation(self, name: str) -> str:
        body = self._selections("Query", 4)
        bodies = {fragment: text for fragment, _, text in self._fragments}
        everything = body + "".join(bodies[used] for used in _reachable(body, self._fragments))
        # In the order of their use.
        variables = dict.fromkeys(re.findall(r"\$(\w+)", everything))
        declared = ", ".join(f"${variable}: {_VARIABLES[variable]}" for variable in variables)
        head = f"query {name}" if name or declared else self._random.choice(["", "query"])
        return f"{head}{f'({declared})' if declared else ''} {body}"

    def _selections(self, kind: str, depth: int) -> str:
        many = self._random.randint(1, self._width)
        return "{ " + " ".join(self._selection(kind, depth) for _ in range(many)) + " }"

    def _selection(self, kind: str, depth: int) -> str:
        form = self._random.random()
        spreadable = [name for name, on, _ in self._fragments if on == kind]
        if form < 0.15 and spreadable:
            return f"...{self._random.choice(spreadable)}{self._directives()}"
        if form < 0.3 and depth > 0:
            condition = self._random.choice(["", f" on {kind}"])
            return f"...{condition}{self._directives()} {self._selections(kind, depth - 1)}"
        if form < 0.37:
            return f"{self._random.choice(['', 'kind: '])}__typename{self._directives()}"
        return self._root(depth) if kind == "Query" else self._field(kind, depth)

    def _root(self, depth: int) -> str:
        if self._random.random() < 0.01:
            return "__schema { queryType { name } }"
        form = self._random.random()
        if form < 0.15:
            name, argument, arguments, plain = "cardLookup", "by", _LOOKUP_ARGUMENTS, self._plain_lookup
        elif form < 0.65:
            name, argument, arguments, plain = "card", "cardNo", _CARD_ARGUMENTS, self._plain_card
        else:
            name, argument, arguments, plain = "cards", "cardNos", _CARDS_ARGUMENTS, self._plain_cards
        value = self._random.choice(arguments)
        key = f"{name}{arguments.index(value)}{self._random.choice(['', 'x'])}: "
        if self._random.random() < 0.3:
            value, key = plain, ""
        below = max(depth - 1, 1)
        body = self._lookup(below) if name == "cardLookup" else self._selections("Card", below)
        return f"{key}{name}({argument}: {value}){self._directives()} {body}"

    def _lookup(self, depth: int) -> str:
        kinds = self._random.choices(_LOOKUP_TYPES, k=self._random.randint(1, 4))
        parts = (f"... on {kind}{self._directives()} {self._selections(kind, depth)}" for kind in kinds)
        return f"{{ __typename {' '.join(parts)} }}"

    def _field(self, kind: str, depth: int) -> str:
        inner = {name: below for name, below in _FIELDS[kind].items() if depth > 0 or below is None}
        name = self._random.choice(list(inner))
        key = f"{self._renamed[name]}: " if name in self._renamed else self._random.choice(["", "", f"{name}2: "])
        below = inner[name]
        body = "" if below is None else " " + self._selections(below, depth - 1)
        return f"{key}{name}{self._directives()}{body}"

    def _directives(self) -> str:
        if not self._switches or self._random.random() < 0.8:
            return ""
        chosen = self._random.choice([["skip"], ["include"], ["skip", "include"], ["include", "skip"]])
        return "".join(f" @{name}(if: {self._random.choice(self._switches)})" for name in chosen)


def variables_for(random: Random, *, clean: bool) -> dict[str, Any]:
    """Values for all variables that a document may declare; unless `clean`, some of them do not fit."""

    def one() -> Any:
        return random.choice(NUMBERS)

    def some() -> Any:
        return [one() for _ in range(random.randint(0, 4))]

    def by_number() -> Any:
        return {"cardNo": one()}

    values: dict[str, Any] = {"a": one(), "l": random.choice([some(), some(), one()]), "unknown": 1}
    values |= {name: random.random() < 0.5 for name in ("t", "s1", "s2")}
    values["i"] = random.choice([{"cardNo": one()}, {"id": "of nothing"}])
    for name, make in (
        ("j", by_number),
        ("b", one),
        ("c", one),
        ("m", some),
        ("f", lambda: False),
        ("g", lambda: True),
    ):
        if random.random() < 0.5:
            values[name] = make()
    if not clean:
        name = random.choice(list(values))
        values[name] = random.choice(
            [
                None,
                "",
                "1234",
                9491339400000000,
                [],
                [None],
                [one(), "x"],
                {"x": 1},
                {"cardNo": one(), "id": "x"},
                {"cardNo": None},
                "true",
                one(),
                True,
                [[one()]],
            ]
        )
        if random.random() < 0.2:
            del values[random.choice(list(values))]
    return values


def _reachable(text: str, fragments: list[tuple[str, str, str]]) -> dict[str, None]:
    bodies = {name: body for name, _, body in fragments}
    found: dict[str, None] = {}
    left = [text]
    while left:
        for name in re.findall(r"\.\.\.(F\d+)", left.pop()):
            if name not in found:
                found[name] = None
                left.append(bodies[name])
    return found
