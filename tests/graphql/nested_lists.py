"""A schema of lists whose lengths only look-ups tell, its answers, and their prices, added up one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import strawberry

from graph.graphql.bindings import executable_schema
from graph.konaplate.endpoint import Endpoint
from graph.konaplate.record import Record
from schema.fields import Argument, edge
from tests.graphql.plan_world import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random


class Piece(Record):
    key: str
    keys: list[str] | None


class Item(Piece):
    parts: list[Piece] | None


class Shelf(Record):
    items: list[Item]


def endpoint(name: str, record: type[Record], cost: int) -> Endpoint[str, Any]:
    return Endpoint(
        name=name, title=name, path=f"/{name}", key=str, request=lambda _: {}, record=record, cost=cost
    )


ITEMS: Final = endpoint("items", Item, 7)
SHELVES: Final = endpoint("shelves", Shelf, 10)
KEYS = Argument("keys", list[str], description="Some.")
KEY = Argument("key", str, description="One.")


@strawberry.type(name="Piece")
class PieceType:
    key: str | None
    same: ItemType | None = edge("items", key="key", description="It, once more.")
    shelf: list[ItemType] | None = edge("shelves", key="key", of="items", description="A list within an answer.")
    named: list[ItemType | None] | None = edge("items", key="keys", description="Those that it names.")
    shelves: list[list[ItemType] | None] | None = edge(
        "shelves", key="keys", of="items", description="The shelves that it names."
    )
    asked: list[list[ItemType] | None] | None = edge(
        "shelves", key=KEYS, of="items", description="The shelves that are asked for."
    )


@strawberry.type(name="Item")
class ItemType(PieceType):
    parts: list[PieceType] | None


@strawberry.type(name="Query")
class Query:
    item: ItemType | None = edge("items", key=KEY, description="One item.")
    top: list[ItemType] | None = edge("shelves", key=KEY, of="items", description="One shelf.")


T = TypeVar("T")

SCHEMA: Final = executable_schema([ITEMS, SHELVES], Query)
NAMES: Final = tuple("abcdefgh")
ASSUMED: Final = 10


@dataclass
class Selected:
    """One field of a document, and what is selected of it."""

    name: str
    keys: list[str]
    """The keys that are given, for `asked`."""
    fields: list[Selected]

    def text(self, alias: str = "x") -> str:
        inner = " ".join(each.text(f"{alias}{index}") for index, each in enumerate(self.fields))
        keys = " ".join(f'"{key}"' for key in self.keys)
        given = {"asked": f"(keys: [{keys}])", "item": '(key: "a")', "top": '(key: "b")'}.get(self.name, "")
        return f"{alias}: {self.name}{given} {{ key {inner} }}"


ROOTS: Final = ("item", "top")
FIELDS: Final = ("same", "shelf", "named", "shelves", "asked")


def selected(random: Random, depth: int, names: tuple[str, ...] = ROOTS) -> list[Selected]:
    """Random fields of an object, each with an alias of its own, so that none are merged."""
    made = []
    for _ in range(random.randint(1, 2) if depth else 0):
        name = random.choice(names)
        keys = [random.choice(NAMES) for _ in range(random.randint(0, 3))] if name == "asked" else []
        made.append(
            Selected(name, keys, selected(random, depth - 1, FIELDS if name == "parts" else (*FIELDS, "parts")))
        )
    return made


class Answers:
    """Random answers of both endpoints."""

    def __init__(self, random: Random, lengths: Sequence[int]) -> None:
        self._random = random
        self._lengths = lengths
        self.items: dict[str, Any] = {name: self._answer(self._item(name)) for name in NAMES}
        self.shelves: dict[str, Any] = {
            name: self._answer(Shelf(items=[self._item(random.choice(NAMES)) for _ in range(self._length())]))
            for name in NAMES
        }

    def replies(self) -> dict[str, dict[str, Reply]]:
        """The answers as they arrive: some late."""
        turns = [0, 0, 1, 3, 9]
        return {
            name: {key: Reply(_constantly(answer), self._random.choice(turns)) for key, answer in answers.items()}
            for name, answers in (("items", self.items), ("shelves", self.shelves))
        }

    def _answer(self, record: Record) -> Record | Exception:
        return ValueError() if self._random.random() < 0.05 else record

    def _length(self) -> int:
        return self._random.choice(self._lengths)

    def _item(self, key: str) -> Item:
        parts = [Piece(key=self._random.choice(NAMES), keys=self._keys()) for _ in range(self._length())]
        return Item(key=key, keys=self._keys(), parts=parts or None)

    def _keys(self) -> list[str] | None:
        keys = [self._random.choice(NAMES) for _ in range(self._length())]
        return keys or self._random.choice([None, keys])


def _constantly(value: object) -> Callable[[], Any]:
    return lambda: value


def price(fields: list[Selected], answers: Answers | None, item: Piece | None = None) -> int:
    """The price of a selection, as the answers have it; without answers, or without an item, as assumed."""
    return sum(_price(each, answers, item) for each in fields)


def _price(one: Selected, answers: Answers | None, item: Piece | None) -> int:
    def of_item(key: str | None) -> int:
        found = None if key is None or answers is None else answers.items[key]
        return 7 + price(one.fields, answers, None if isinstance(found, Exception) else found)

    def of_shelf(key: str | None) -> int:
        found = None if key is None or answers is None else answers.shelves[key]
        if isinstance(found, Exception):
            return 10
        return 10 + _times(None if found is None else found.items, lambda each: price(one.fields, answers, each))

    key = None if item is None else item.key
    match one.name:
        case "item" | "same":
            return of_item("a" if one.name == "item" else key)
        case "top" | "shelf":
            return of_shelf("b" if one.name == "top" else key)
        case "parts":
            parts = None if item is None else getattr(item, "parts", None) or []
            return _times(parts, lambda each: 1 + price(one.fields, answers, each))
        case "asked":
            return sum(of_shelf(None if item is None else each) for each in one.keys)
        case _:
            # Without keys, it is not known how many there would have been.
            return _times(None if item is None else item.keys, of_item if one.name == "named" else of_shelf)


def _times(held: list[T] | None, of: Callable[[T | None], int]) -> int:
    """The sum of something for each item; for the assumed number of unknown ones without a list."""
    return ASSUMED * of(None) if held is None else sum(map(of, held))
