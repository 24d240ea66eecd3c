"""Finds what the modules of a package declare."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, TypeVar

from graph import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

T = TypeVar("T")


def declared_in(package: str, path: Iterable[str], kind: type[T]) -> tuple[T, ...]:
    """Return the module-level values of a type, each once, in the order of the modules' names.

    Raises:
        DeclarationError: a module has a syntax error, names something that is not there, or passes arguments that
            do not fit.
    """
    modules = (_imported(f"{package}.{module.name}") for module in iter_modules(path))
    values = (value for module in modules for value in vars(module).values())
    return tuple(dict.fromkeys(value for value in values if isinstance(value, kind)))


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        # A package is not installed; the command line says how to get it.
        raise
    except DeclarationError:
        raise
    except (AttributeError, ImportError, NameError, SyntaxError, TypeError, ValueError) as error:
        raise DeclarationError(f"{name}: {error}") from error
