"""The registry of views: look-ups that are made of others, each declared in a module of this package."""

from typing import Any, Final

from graph.konaplate.registry import declared_in
from graph.konaplate.view import View

VIEWS: Final[tuple[View[Any, Any], ...]] = declared_in(__name__, __path__, View)
"""In the order of their module names."""
