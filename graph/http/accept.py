"""Content negotiation: the media type that a client prefers, by the q-values of its `Accept` header.

Sources: RFC 9110 section 12.5.1 and https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types
"""

from __future__ import annotations

from typing import Final

from graph.header_values import parts

GRAPHQL_RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"
HTML: Final = "text/html"

_ANYTHING: Final = "*/*"
_USUAL: Final = {"": JSON, _ANYTHING: JSON, JSON: JSON, GRAPHQL_RESPONSE: GRAPHQL_RESPONSE}
_MAX_CHARACTERS: Final = 1_000


def response_type(accept: str) -> str | None:
    """The media type to respond with, or None when the client accepts neither.

    A client that states no preference gets `application/json`, which every client understands.
    """
    if accept in _USUAL:
        return _USUAL[accept]
    weights = _weights(accept)
    if not weights:
        return JSON
    explicit, plain = _weight(weights, GRAPHQL_RESPONSE), _weight(weights, JSON)
    if explicit == plain == 0:
        return None
    if explicit == plain:
        return GRAPHQL_RESPONSE if GRAPHQL_RESPONSE in weights else JSON
    return GRAPHQL_RESPONSE if explicit > plain else JSON


def prefers_html(accept: str) -> bool:
    """Whether a client is a browser that requests a page: it names HTML and prefers it to JSON."""
    weights = _weights(accept)
    return weights.get(HTML, 0) > max(weights.get(GRAPHQL_RESPONSE, 0), weights.get(JSON, 0))


def _weight(weights: dict[str, float], media_type: str) -> float:
    """The weight of a media type: of its own entry, else of its range, else of `*/*`."""
    family = media_type.partition("/")[0] + "/*"
    return next((weights[name] for name in (media_type, family, _ANYTHING) if name in weights), 0)


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for entry in parts(accept[:_MAX_CHARACTERS].lower()):
        media_type, *parameters = parts(entry, ";") or [""]
        # The first entry of a repeated type counts.
        weights.setdefault(media_type, _quality(parameters))
    return weights


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0
            # `nan` fails the comparison; a weight out of range counts as a refusal.
            return weight if 0 <= weight <= 1 else 0
    return 1
