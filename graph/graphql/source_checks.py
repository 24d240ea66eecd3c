"""Checks what endpoints and views declare of prices, viewers and handles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graph.graphql.binding_checks import BindingError, check_scopes, is_whole
from graph.konaplate.endpoint import Endpoint
from graph.konaplate.view import View
from graph.security.authorization import HIDDEN_AS
from graph.security.handles import Kind
from schema.fields import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph.konaplate.view import LookedUp

_KINDS: Final = frozenset(kind.value for kind in Kind)


def check_source(source: LookedUp) -> None:
    """Check an endpoint or a view, whatever leads to it.

    Raises:
        BindingError: a request that asks it would fail, or be priced wrongly.
    """
    where, least = source.name, 1 if isinstance(source, Endpoint) else 0
    if not is_whole(source.cost, least):
        raise BindingError(f"{where}: `cost` is a whole number from {least}, not {source.cost!r}")
    if not isinstance(source.open_to, tuple):
        raise BindingError(f'{where}: `open_to` is a tuple, as in ("cards:read:any",), not {source.open_to!r}')
    check_scopes(where, source.open_to)
    if isinstance(source, View) and source.owner not in (
        None,
        source.key_name,
        *getattr(source.key, "_fields", ()),
    ):
        raise BindingError(f"{where}: the key has no {source.owner!r}, its `owner`")
    if source.hidden_as not in HIDDEN_AS:
        codes = " or ".join(f"ErrorCode.{code.name}" for code in HIDDEN_AS)
        raise BindingError(f"{where}: `hidden_as` is {codes}, not {source.hidden_as!r}")
    if source.handle is not None and source.handle not in _KINDS:
        raise BindingError(f"{where}: `Kind` of graph/security/handles.py has no {source.handle!r}, its `handle`")


def source_of(where: str, name: str, sources: Mapping[str, LookedUp]) -> LookedUp:
    """Return an endpoint or a view by its name.

    Raises:
        BindingError: there is none.
    """
    if name not in sources:
        raise BindingError(f"{where}: there is no endpoint {name!r}{did_you_mean(name, sources)}")
    return sources[name]
