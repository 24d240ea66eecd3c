"""The error catalogue: what each code means, what to do about it, and what leads to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

from graph.errors import CODES, HTTP_STATUS, code_of_kind, retry_may_help
from graph.konaplate import errors as konaplate
from graph.konaplate.record import Record, Whole
from graph.konaplate.view import Found, View
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.view import LookUps

_HIGHEST_STATUS: Final = 599
# A request that comes in too slowly may be sent again; all others are wrong as they are.
_DEPENDS: Final = frozenset({ErrorCode.BAD_REQUEST})


class CatalogEntry(Record):
    """What is known of one code; the schema's `ErrorCatalogEntry` explains the attributes."""

    name: str
    retryable: bool | None
    http_status: Annotated[int, Whole(_HIGHEST_STATUS)] | None
    meaning: str
    meaning_ko: str
    advice: str
    advice_ko: str
    upstream_codes: list[str]

    @property
    def code(self) -> ErrorCode:
        """The code."""
        return ErrorCode[self.name]


class Catalog(Record):
    """All codes, in the order of their declaration."""

    entries: list[CatalogEntry]


class NoKey(NamedTuple):
    """The key of what there is only one of."""


def catalog_of(endpoints: Iterable[Endpoint[Any, Any]]) -> list[CatalogEntry]:
    """Return the catalogue for these APIs of Konaplate."""
    led_from: dict[ErrorCode, list[str]] = {}
    for upstream_code, kind in sorted(_upstream_codes(endpoints)):
        led_from.setdefault(code_of_kind(kind), []).append(upstream_code)
    return [
        CatalogEntry(
            name=code.name,
            retryable=_retryable(code),
            http_status=HTTP_STATUS.get(code),
            meaning=code.meaning.en,
            meaning_ko=code.meaning.ko,
            advice=code.advice.en,
            advice_ko=code.advice.ko,
            upstream_codes=led_from.get(code, []),
        )
        for code in ErrorCode
    ]


def catalog_view(endpoints: Iterable[Endpoint[Any, Any]]) -> View[NoKey, Catalog]:
    """Return the view of the catalogue, which calls nothing and is open to everybody."""
    found = Found(Catalog(entries=catalog_of(endpoints)), NoKey())

    async def look_up(_key: NoKey, _look_ups: LookUps) -> Found:
        return found

    return View(name="error_catalog", key=NoKey, record=Catalog, look_up=look_up, cost=1)


def _upstream_codes(
    endpoints: Iterable[Endpoint[Any, Any]],
) -> Iterator[tuple[str, type[konaplate.KonaplateError]]]:
    yield from konaplate.CODES.items()
    for start, kind in konaplate.FAMILIES.items():
        yield f"{start}*", kind
    for endpoint in endpoints:
        yield from endpoint.codes.items()


def _retryable(code: ErrorCode) -> bool | None:
    said = {retry_may_help(kind) for kind, mapped in CODES.items() if mapped is code} or {False}
    return said.pop() if len(said) == 1 and code not in _DEPENDS else None
