"""Finds what the modules of a package declare."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")


def declared_in(package: str, path: Iterable[str], kind: type[T]) -> tuple[T, ...]:
    """Return the module-level values of a type, each once, in the order of the modules' names."""
    modules = (import_module(f"{package}.{module.name}") for module in iter_modules(path))
    values = (value for module in modules for value in vars(module).values())
    return tuple(dict.fromkeys(value for value in values if isinstance(value, kind)))
