"""The parameters of GraphQL over HTTP, from a JSON body or a query string.

A document is named in exactly one way: by its text (`query`), by the id of a trusted document (`documentId`, or
Relay's `doc_id`), or by a hash (`extensions.persistedQuery`). A document sent with its hash is registered.

Sources: https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters,
https://www.apollographql.com/docs/apollo-server/performance/apq
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_to_bytes

from graph.errors import GatewayError
from graph.graphql.json_text import has_lone_surrogate, lone_surrogate, read_json
from graph.redact import holds_card_number
from schema.errors import ErrorCode

_MAX_QUERY_STRING_FIELDS: Final = 10
_TYPES: Final[dict[str, type]] = {
    "extensions": dict,
    "query": str,
    "documentId": str,
    "doc_id": str,
    "operationName": str,
    "variables": dict,
}
# Not the ids of documents: an operator may have chosen numbers.
_NO_CARD_NUMBER: Final = frozenset({"query", "operationName", "variables"})


class CardNumberInUrlError(GatewayError):
    """A query string holds what may be a card number, whatever its document takes."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.BAD_REQUEST)


class MalformedRequestError(GatewayError):
    """The parameters can be read, but are no well-formed GraphQL request."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.BAD_REQUEST, message)


@dataclass(slots=True)
class GraphQLRequest:
    """The parameters of a request. Its `repr` hides them: documents and variables hold card numbers."""

    query: str | None
    operation_name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)
    document_id: str | None = None
    persisted_hash: str | None = None

    @property
    def wants_cost(self) -> bool:
        """Whether the client wants to know the cost."""
        return self.extensions.get("cost") is True

    @property
    def wants_trace(self) -> bool:
        """Whether the client wants to know what happened upstream."""
        return self.extensions.get("trace") is True

    def __repr__(self) -> str:
        return "GraphQLRequest(...)"


def from_json(body: bytes) -> GraphQLRequest:
    """Read the parameters from a request body.

    Raises:
        GatewayError: `BAD_REQUEST`, when it is not a JSON object with parameters of the right types.
        DocumentError: `BAD_USER_INPUT`, when a string has a lone surrogate.
    """
    parameters = read_json(body, "The body")
    if not isinstance(parameters, dict):
        raise MalformedRequestError("The body must be one JSON object; batches are not accepted.")
    return _request(parameters)


def names_parameters(query_string: bytes) -> bool:
    """Whether a query string has a parameter of GraphQL, well-formed or not."""
    names = (pair.partition(b"=")[0] for pair in query_string.split(b"&"))
    return any(unquote_to_bytes(name).decode("latin-1") in _TYPES for name in names)


def from_query_string(query_string: bytes) -> GraphQLRequest:
    """Read the parameters from a query string, where `variables` and `extensions` are JSON.

    Raises:
        CardNumberInUrlError: when a parameter may hold a card number; ids and hashes of documents may not.
        GatewayError: `BAD_REQUEST`, as for a body.
        DocumentError: as for a body.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="surrogatepass",
            max_num_fields=_MAX_QUERY_STRING_FIELDS,
        )
    except ValueError:
        raise GatewayError(ErrorCode.BAD_REQUEST, "The query string cannot be read.") from None
    parameters: dict[str, Any] = {}
    for name, value in pairs:
        if name in _NO_CARD_NUMBER and holds_card_number(value):
            raise CardNumberInUrlError
        if name in parameters:
            raise MalformedRequestError("A parameter is given twice.")
        if has_lone_surrogate(name) or has_lone_surrogate(value):
            raise lone_surrogate("The query string")
        parameters[name] = value
    extensions = parameters.get("extensions", "")
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = _json_parameter(name, parameters[name])
    request = _request(parameters)
    if request.persisted_hash is not None:
        # A hash may have thirteen digits in a row; `graph.telemetry.redaction` says how often.
        extensions = extensions.replace(f'"{request.persisted_hash}"', '""')
    if holds_card_number(extensions):
        raise CardNumberInUrlError
    return request


def _json_parameter(name: str, text: str) -> object:
    return read_json(text.encode("utf-8"), f"The parameter '{name}'") if text else None


def _request(parameters: dict[str, Any]) -> GraphQLRequest:
    for name, value in parameters.items():
        if value is not None and not isinstance(value, _TYPES.get(name, object)):
            raise _wrong_type(parameters)
    # Clients send empty values in place of missing ones.
    extensions, query = parameters.get("extensions") or {}, parameters.get("query") or None
    persisted_hash = _persisted_hash(extensions) if extensions else None
    document_id, relay_id = parameters.get("documentId") or None, parameters.get("doc_id") or None
    ways = ((query or persisted_hash) is not None) + (document_id is not None) + (relay_id is not None)
    if not ways:
        raise MalformedRequestError(
            "One of the parameters 'query', 'documentId' and 'extensions.persistedQuery' is needed."
        )
    if ways > 1:
        raise MalformedRequestError("The document must be named in one way only.")
    return GraphQLRequest(
        query,
        parameters.get("operationName") or None,
        parameters.get("variables") or {},
        extensions,
        document_id or relay_id,
        persisted_hash,
    )


def _wrong_type(parameters: dict[str, Any]) -> MalformedRequestError:
    name, kind = next(
        (name, kind) for name, kind in _TYPES.items() if not isinstance(parameters.get(name), kind | None)
    )
    return MalformedRequestError(f"The parameter '{name}' must be {'a string' if kind is str else 'an object'}.")


def _persisted_hash(extensions: dict[str, Any]) -> str | None:
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    if not isinstance(persisted, dict):
        raise MalformedRequestError("The parameter 'extensions.persistedQuery' must be an object.")
    version = persisted.get("version")
    if isinstance(version, bool) or version != 1:
        raise MalformedRequestError("The parameter 'extensions.persistedQuery.version' must be 1.")
    persisted_hash = persisted.get("sha256Hash")
    if not isinstance(persisted_hash, str) or not persisted_hash:
        raise MalformedRequestError(
            "The parameter 'extensions.persistedQuery.sha256Hash' must be a non-empty string."
        )
    return persisted_hash
