"""The registry: the APIs of Konaplate that this gateway calls, each declared in a module of this package."""

from typing import Any, Final

from graph.konaplate.endpoint import Endpoint
from graph.konaplate.registry import declared_in

ENDPOINTS: Final[tuple[Endpoint[Any, Any], ...]] = declared_in(__name__, __path__, Endpoint)
"""In the order of their module names."""
