"""Random schemas: records, endpoints, types, parts, edges, interfaces and unions, declared like ours."""

from __future__ import annotations

import types
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union, get_args

import strawberry

from graph.graphql.bindings import executable_schema
from graph.konaplate.endpoint import Endpoint
from graph.konaplate.record import Record, Whole
from schema.fields import Argument, edge, field, masked, part, present
from schema.scalars import Won
from schema.secrets import CardNo, IdentityNo, MemberId, PersonalText

if TYPE_CHECKING:
    from random import Random

_TEXT = "No matter."


@strawberry.enum(description=_TEXT)
class Word(Enum):
    """Some words."""

    RED = "red"
    BLUE = "blue"
    UNKNOWN = "UNKNOWN"


class Pair(NamedTuple):
    """A key of two parts."""

    link: str
    first: int | None


ATTRIBUTES: dict[str, Any] = {
    "text": str | None,
    "flag": bool | None,
    "amount": Annotated[int, Whole(max=9)] | None,
    "word": str | None,
    "name": PersonalText | None,
    "ident": IdentityNo | None,
    "owner": MemberId | None,
    "card_no": CardNo | None,
    "link": str | None,
    "texts": list[str] | None,
    "names": list[PersonalText] | None,
    "words": list[str] | None,
    "links": list[str] | None,
}
_LEAVES: dict[str, Any] = {
    "text": str, "flag": bool, "amount": Won, "word": Word, "name": PersonalText, "ident": IdentityNo,
    "owner": MemberId, "card_no": CardNo, "link": str, "texts": str, "names": PersonalText, "words": Word,
}  # fmt: skip
_PLAIN = {"text", "flag", "amount", "link"}
_SECRETS = {"name", "ident", "owner", "card_no"}
_SCOPES = [None, None, None, "member:read", "cash-receipt:read"]


@dataclass(frozen=True)
class Made:
    """An endpoint, the types of its record, and the endpoint whose records its record contains."""

    endpoint: Endpoint[Any, Any]
    kinds: list[Any]
    inner: Made | None

    def name_of(self, record: Any) -> str:
        """The type of a record, for a field that has two."""
        letter = "T" if getattr(record, "text", None) == "a" else "U"
        return letter + self.endpoint.name[1:]


class SchemaMaker:
    """Makes one schema; `schema` is bound and executable, `endpoints` are what its edges lead to.

    Args:
        random: decides everything.
        tolerant: whether all that must be looked up may be null, as in ours. Else what fails there nulls what
            is around it, and how much else was done by then is a matter of time.
    """

    def __init__(self, random: Random, *, tolerant: bool = True) -> None:
        self._random = random
        self._tolerant = tolerant
        self._made: list[Made] = []
        for index in range(random.randint(2, 4)):
            self._made.append(self._add(index))
        fields = {f"root{index}": self._edge(at_root=True) for index in range(random.randint(2, 4))}
        # The schema would lack types that only an interface leads to.
        fields |= {made.name_of(None): self._edge(made, made.kinds[1], at_root=True) for made in self._made}
        fields |= {f"t{made.endpoint.name}": self._edge(made, made.kinds[0], at_root=True) for made in self._made}
        self.endpoints = [made.endpoint for made in self._made]
        self.schema = executable_schema(self.endpoints, _type("Query", fields))

    def _add(self, index: int) -> Made:
        """An endpoint whose record may contain records, and lead to endpoints, that were made before."""
        random = self._random
        inner = random.choice(self._made) if self._made else None
        held = dict(ATTRIBUTES)
        if inner is not None:
            record = inner.endpoint.record
            held |= {"inner": record | None, "inners": list[record] | None}  # type: ignore[valid-type]
        batch = random.random() < 0.3
        key = random.choice([str, str, CardNo, Pair])
        endpoint: Endpoint[Any, Any] = Endpoint(
            name=f"e{index}",
            title="An API",
            path=f"/{index}",
            key=key,
            request=lambda _key: {},
            record=_record(f"R{index}", held),
            within=("rows",) if batch else (),
            key_of=attrgetter("card_no" if key is CardNo else "link") if batch else None,
            owner="owner" if key is CardNo else random.choice([None, None, "owner"]),
        )
        text = str | None, field(of="text", description=_TEXT)
        base = _type(f"I{index}", {"text": text}, decorator=strawberry.interface)
        same = _type(f"P{index}", self._leaves())
        kinds = [_type(f"{letter}{index}", self._fields(inner, same), base) for letter in "TU"]
        either: Any = Annotated[Union[tuple(kinds)], strawberry.union(f"Either{index}", description=_TEXT)]  # noqa: UP007
        return Made(endpoint, [*kinds, base, either], inner)

    def _fields(self, inner: Made | None, same: Any) -> dict[str, tuple[Any, Any]]:
        random = self._random
        fields = self._leaves()
        if random.random() < 0.5:
            needed = random.choice([None, "owner", "text"])
            fields["same"] = self._maybe(same), part(present=needed, description=_TEXT)
        if inner is not None:
            for of in random.sample(["inner", "inners"], random.randint(0, 2)):
                kind, type_of = self._kind_of(inner)
                shown = self._list(kind) if of == "inners" else self._maybe(kind)
                fields[f"{of}_part"] = shown, part(of=of, type_of=type_of, description=_TEXT)
        for index in range(random.randint(0, 2) if self._made else 0):
            fields[f"edge{index}"] = self._edge()
        return fields

    def _leaves(self) -> dict[str, tuple[Any, Any]]:
        return {f"{of}{index}": self._leaf(of) for index, of in enumerate(self._random.sample(list(_LEAVES), 4))}

    def _leaf(self, of: str) -> tuple[Any, Any]:
        random = self._random
        show: Any = None
        kind, several = _LEAVES[of], of.endswith("s")
        if of in _SECRETS and random.random() < 0.4:
            kind, show = str, masked
        elif random.random() < 0.1:
            kind, show, several = bool, present, False
        shown = self._list(kind) if several else self._maybe(kind)
        if show is not present and NoneType not in get_args(shown):
            # Only what makes a value of nothing, as far as anybody knows, has a type without null.
            if several or show or of not in _PLAIN:
                shown |= None
            else:
                show = _as_it_is
        return shown, field(of=of, show=show, scope=random.choice(_SCOPES), description=_TEXT)

    def _edge(self, target: Made | None = None, kind: Any = None, *, at_root: bool = False) -> tuple[Any, Any]:
        random = self._random
        target = target or random.choice(self._made)
        several = target.endpoint.key is not Pair and random.random() < 0.5
        key = self._key(target.endpoint.key, at_root=at_root or random.random() < 0.4, several=several)
        of, type_of, shows = None, None, target
        if target.inner is not None and kind is None:
            of = random.choice([None, "inner", "inners", "inners"])
            shows = target if of is None else target.inner
        if kind is None:
            kind, type_of = self._kind_of(shows)
        shown = list[self._maybe(kind)] if of == "inners" else kind  # type: ignore[misc]
        shown = shown | None if self._tolerant else self._maybe(shown)
        if several:
            shown = list[shown] | None if self._tolerant else self._maybe(list[shown])  # type: ignore[valid-type]
        scope = random.choice(_SCOPES)
        return shown, edge(target.endpoint.name, key=key, of=of, scope=scope, type_of=type_of, description=_TEXT)

    def _key(self, kind: type, *, at_root: bool, several: bool) -> Any:
        """An attribute of the record, or an argument; at the root always an argument."""
        if kind is Pair:
            link = Argument("link", str, description=_TEXT) if at_root else "link"
            default = self._random.choice([{}, {"default": 5}])
            return link, Argument("first", int | None, description=_TEXT, **default)
        asked: Any = list[self._maybe(kind)] if several else kind  # type: ignore[misc]
        given = Argument("asked", self._maybe(asked), description=_TEXT)
        held = {(str, False): "link", (str, True): "links", (CardNo, False): "card_no"}.get((kind, several))
        return given if at_root or held is None else held

    def _kind_of(self, made: Made) -> tuple[Any, Any]:
        kind = self._random.choice(made.kinds)
        return kind, None if kind in made.kinds[:2] else made.name_of

    def _maybe(self, kind: Any) -> Any:
        return kind if self._random.random() < 0.15 else kind | None

    def _list(self, kind: Any) -> Any:
        return self._maybe(list[self._maybe(kind)])  # type: ignore[misc]


def _as_it_is(value: Any) -> Any:
    return value


def _record(name: str, annotations: dict[str, Any]) -> type[Record]:
    members = {"__annotations__": annotations, "__module__": __name__}
    made: type[Record] = types.new_class(name, (Record,), exec_body=lambda names: names.update(members))
    return made


def _type(
    name: str, fields: dict[str, tuple[Any, Any]], base: Any = object, decorator: Any = strawberry.type
) -> Any:
    annotations = {attribute: shown for attribute, (shown, _) in fields.items()}
    members = {attribute: declared for attribute, (_, declared) in fields.items()}
    made = type(name, (base,), {"__annotations__": annotations, "__module__": __name__, **members})
    return decorator(made, name=name, description=_TEXT)
