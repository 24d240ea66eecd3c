"""The registry: the APIs of Konaplate that this gateway calls, each declared in a module of this package."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from graph.konaplate.endpoint import Endpoint


def _declared() -> Iterator[Endpoint[Any, Any]]:
    for module in iter_modules(__path__):
        declared = vars(import_module(f"{__name__}.{module.name}")).values()
        yield from (value for value in declared if isinstance(value, Endpoint))


ENDPOINTS: Final[tuple[Endpoint[Any, Any], ...]] = tuple(_declared())
"""In the order of their module names."""
