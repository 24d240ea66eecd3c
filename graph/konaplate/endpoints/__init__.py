"""The registry: the APIs of Konaplate that this gateway asks, one module each."""

from typing import Any, Final

from graph.konaplate.endpoint import Endpoint
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO

ENDPOINTS: Final[tuple[Endpoint[Any, Any], ...]] = (CARD_INFO, USER_INFO)
