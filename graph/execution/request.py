"""The parameters of GraphQL over HTTP, from a JSON body or a query string.

Source: https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from graph.errors import GatewayError
from schema.errors import ErrorCode

_MAX_QUERY_STRING_FIELDS: Final = 10


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What a client asks for. Its `repr` shows nothing of it: documents and variables hold card numbers."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]

    def __repr__(self) -> str:
        return "GraphQLRequest(...)"


def from_json(body: bytes) -> GraphQLRequest:
    """Read the parameters from a request body.

    Raises:
        GatewayError: `BAD_REQUEST`, when it is no JSON object with parameters of the right types.
    """
    try:
        parameters = orjson.loads(body)
    except orjson.JSONDecodeError:
        # `from None`: the cause holds the body.
        raise _bad_request("The body is not JSON.") from None
    if not isinstance(parameters, dict):
        raise _bad_request("The body must be one JSON object; batches are not accepted.")
    return _request(parameters)


def from_query_string(query_string: bytes) -> GraphQLRequest:
    """Read the parameters from a URL; `variables` and `extensions` are JSON texts there.

    Raises:
        GatewayError: `BAD_REQUEST`, as for a body.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_QUERY_STRING_FIELDS,
        )
    except ValueError:
        raise _bad_request("The query string cannot be read.") from None
    parameters: dict[str, Any] = {}
    for name, value in pairs:
        if name in parameters:
            raise _bad_request("A parameter is given twice.")
        parameters[name] = value
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = _json_parameter(name, parameters[name])
    return _request(parameters)


def _json_parameter(name: str, text: str) -> object:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        raise _bad_request(f"The parameter '{name}' is not JSON.") from None


def _request(parameters: dict[str, Any]) -> GraphQLRequest:
    query = parameters.get("query")
    if not isinstance(query, str) or not query:
        raise _bad_request("The parameter 'query' must be a non-empty string.")
    operation_name = parameters.get("operationName")
    if operation_name is not None and not isinstance(operation_name, str):
        raise _bad_request("The parameter 'operationName' must be a string.")
    variables = parameters.get("variables")
    if variables is not None and not isinstance(variables, dict):
        raise _bad_request("The parameter 'variables' must be an object.")
    extensions = parameters.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise _bad_request("The parameter 'extensions' must be an object.")
    # An empty name is what clients send that have no name to give.
    return GraphQLRequest(query, operation_name or None, variables or {})


def _bad_request(message: str) -> GatewayError:
    return GatewayError(ErrorCode.BAD_REQUEST, message)
