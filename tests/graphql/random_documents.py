"""Random valid documents over any schema, and random answers of its endpoints."""

from __future__ import annotations

import json
import re
from random import Random
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLUnionType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)

from graph.konaplate.errors import CallDetails, InvalidFieldError
from graph.konaplate.record import Record, record_fields
from graph.security.authorization import EVERY_SCOPE, Viewer
from schema.secrets import CardNo, IdentityNo, MemberId, PersonalText
from tests.graphql.plan_records import FAILURES
from tests.graphql.plan_world import Reply, World

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from graph.konaplate.endpoint import Endpoint

_NUMBERS: Final = [f"94913394{index:08d}" for index in range(3)]
_VALUES: Final[dict[str, list[Any]]] = {"String": ["a", "b", "c"], "Int": [0, 5, 7], "CardNumber": _NUMBERS}
_WRONG: Final[list[Any]] = [None, "", 1.5, [], [None], {"x": 1}, True, [["a"]], "9" * 400, -1]


class DocumentMaker:
    """Makes one document; `text` is all of it, `variables` the types of what it declares.

    Fields with the same key are the same field of a type with the same arguments, so that all may be merged.
    """

    def __init__(self, random: Random, schema: GraphQLSchema) -> None:
        self._random = random
        self._schema = schema
        self._keys: dict[str, tuple[str, str, str]] = {}
        self._fragments: list[tuple[str, str, str]] = []
        self.variables: dict[str, str] = {}
        assert schema.query_type is not None
        body = self._selections(schema.query_type, 5)
        used = "".join([body, *(text for name, _, text in self._fragments if name in body)])
        for _ in self._fragments:
            used += "".join(text for name, _, text in self._fragments if name in used and text not in used)
        declared = ", ".join(f"${name}: {kind}" for name, kind in self.variables.items() if f"${name} " in used)
        fragments = [f"fragment {name} on {kind} {text}" for name, kind, text in self._fragments if name in used]
        self.text = "\n".join([f"query {f'({declared}) ' if declared else ''}{body}", *fragments])

    def values(self, *, clean: bool) -> dict[str, Any]:
        """Values for the variables; unless `clean`, one of them is missing or does not fit."""
        random = self._random
        values = {name: self._value(re.sub(" = .*", "", kind)) for name, kind in self.variables.items()}
        for name, kind in self.variables.items():
            if not kind.endswith("!") and random.random() < 0.3:
                del values[name]
        if values and not clean:
            values[random.choice(list(values))] = random.choice(_WRONG)
            if random.random() < 0.3:
                del values[random.choice(list(values))]
        return values

    def _selections(self, kind: Any, depth: int) -> str:
        many = self._random.randint(1, 4 if depth > 2 else 3)
        return "{ " + " ".join(self._selection(kind, depth) for _ in range(many)) + " }"

    def _selection(self, kind: Any, depth: int) -> str:
        random = self._random
        form = random.random()
        if form < 0.08 or (isinstance(kind, GraphQLUnionType) and form < 0.15):
            return f"__typename{self._directives()}"
        if is_abstract_type(kind) and (isinstance(kind, GraphQLUnionType) or form < 0.7):
            return self._inline(random.choice(self._schema.get_possible_types(kind)), depth)
        if form < 0.16:
            return self._inline(random.choice([kind, None]) or kind, depth)
        if form < 0.24 and depth > 0:
            spreadable = [name for name, on, _ in self._fragments if on == kind.name]
            if not spreadable or random.random() < 0.5:
                text = self._selections(kind, depth - 1)
                self._fragments.append((f"F{len(self._fragments)}x", kind.name, text))
                spreadable = [self._fragments[-1][0]]
            return f"...{random.choice(spreadable)}{self._directives()}"
        return self._field(kind, depth)

    def _inline(self, kind: Any, depth: int) -> str:
        return f"... on {kind.name}{self._directives()} {self._selections(kind, max(depth - 1, 0))}"

    def _field(self, kind: Any, depth: int) -> str:
        fields = {
            name: field
            for name, field in kind.fields.items()
            if depth > 0 or is_leaf_type(get_named_type(field.type))
        }
        if not fields:
            return "__typename"
        name = self._random.choice(list(fields))
        field: GraphQLField = fields[name]
        arguments = self._arguments(field)
        target = get_named_type(field.type)
        body = "" if is_leaf_type(target) else " " + self._selections(target, depth - 1)
        key = self._key(kind.name, name, arguments)
        return f"{'' if key == name else f'{key}: '}{name}{arguments}{self._directives()}{body}"

    def _key(self, kind: str, name: str, arguments: str) -> str:
        what, key, index = (kind, name, arguments), name, 0
        while self._keys.setdefault(key, what) != what:
            index += 1
            key = f"{name}_{index}"
        return key

    def _arguments(self, field: GraphQLField) -> str:
        given = []
        for name, argument in field.args.items():
            if isinstance(argument.type, GraphQLNonNull) or self._random.random() < 0.6:
                given.append(f"{name}: {self._argument(argument.type)}")
        return f"({', '.join(given)})" if given else ""

    def _argument(self, kind: Any) -> str:
        random = self._random
        if random.random() < 0.6:
            return self._variable(str(kind))
        required = isinstance(kind, GraphQLNonNull)
        inner = kind.of_type if required else kind
        if isinstance(inner, GraphQLList) and random.random() < 0.7:
            return "[" + ", ".join(self._argument(inner.of_type) for _ in range(random.randint(0, 3))) + "]"
        return json.dumps(self._value(str(kind)))

    def _variable(self, kind: str) -> str:
        random = self._random
        if random.random() < 0.3:
            # With a default value, a nullable variable fits a non-null argument.
            default = self._value(kind.removesuffix("!") + "!")
            kind = f"{random.choice([kind, kind.removesuffix('!')])} = {json.dumps(default)}"
        known = [name for name, declared in self.variables.items() if declared == kind]
        if not known or random.random() < 0.3:
            known = [f"v{len(self.variables)}"]
            self.variables[known[0]] = kind
        return f"${random.choice(known)} "

    def _directives(self) -> str:
        random = self._random
        if random.random() < 0.9:
            return ""
        value = random.choice(["true", "false", self._variable("Boolean!")])
        return f" @{random.choice(['skip', 'include'])}(if: {value})"

    def _value(self, kind: str) -> Any:
        random = self._random
        if not kind.endswith("!") and random.random() < 0.15:
            return None
        kind = kind.removesuffix("!")
        if kind == "Boolean":
            return random.random() < 0.5
        if kind.startswith("["):
            if random.random() < 0.1:
                return self._value(kind[1:-1].removesuffix("!") + "!")
            return [self._value(kind[1:-1]) for _ in range(random.randint(0, 3))]
        return random.choice(_VALUES[kind])


class Replies(dict[str, Reply]):
    """The answers of one endpoint, always the same for a key."""

    def __init__(self, seed: int, endpoint: Endpoint[Any, Any], faults: int, failing: float) -> None:
        self._seed = seed
        self._endpoint = endpoint
        self._faults = faults
        self._failing = failing

    def __missing__(self, key: str) -> Reply:
        random = Random(f"{self._seed} {self._endpoint.name} {key}")  # noqa: S311 - nothing secret
        if random.random() < self._failing:
            reply = Reply(random.choice(FAILURES), random.randint(0, 3))
        else:
            made = a_record(random, self._endpoint.record, self._faults)
            reply = Reply(lambda: made, random.randint(0, 4))
        self[key] = reply
        return reply


def a_record(random: Random, kind: type[Record], faults: int) -> Record:
    """A record of which a percentage of values is bad."""
    values: dict[str, Any] = {
        each.name: [_value(random, each.name, each.item.kind, faults) for _ in range(random.randint(0, 3))]
        if each.item is not None and random.random() < 0.9
        else _value(random, each.name, None if each.item else each.kind, faults)
        for each in record_fields(kind)
    }
    return kind(**values)


def _value(random: Random, name: str, kind: type | None, faults: int) -> Any:
    if random.randrange(100) < faults:
        return random.choice(
            [InvalidFieldError(CallDetails("an-id"), name), InvalidFieldError, 2**60, b"x", 1.5, ()]
        )
    if kind is None or random.random() < 0.1:
        return None
    if issubclass(kind, Record):
        return a_record(random, kind, faults)
    return random.choice(_GOOD[kind])


_GOOD: Final[dict[type, list[Any]]] = {
    str: ["a", "b", "c", "red", ""],
    bool: [True, False],
    int: [0, 7],
    PersonalText: [PersonalText("a name")],
    IdentityNo: [IdentityNo("01012345678"), IdentityNo("1234")],
    MemberId: [MemberId("1"), MemberId("2")],
    CardNo: [CardNo(number) for number in _NUMBERS],
}


def world(random: Random, endpoints: list[Endpoint[Any, Any]]) -> World:
    """A viewer, and what Konaplate answers for every key."""
    faults, failing, seed = random.choice([0, 0, 2, 10]), random.choice([0.0, 0.0, 0.2]), random.getrandbits(64)
    scopes = EVERY_SCOPE
    if random.random() < 0.5:
        scopes = frozenset(scope for scope in sorted(EVERY_SCOPE) if random.random() < 0.6)
    viewer = Viewer("member", "somebody", scopes, random.choice([None, MemberId("1")]), None)
    others = {each.name: Replies(seed, each, faults, failing) for each in endpoints}
    return World(viewer, {}, seconds=random.choice([30] * 8 + [0]), others=others)
