"""The HTTP statuses of GraphQL responses.

Source: https://graphql.github.io/graphql-over-http/draft/#sec-Status-Codes
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from graph.errors import HTTP_STATUS, GatewayError, code_of
from graph.graphql.errors import DocumentError, UnknownHashError
from graph.graphql.request import MalformedRequestError
from graph.http.accept import JSON
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTIAL_SUCCESS: Final = 294
"""The draft's own status of a response with both `data` and `errors`."""


@dataclass(frozen=True, slots=True)
class StatusCodes:
    """Chooses the status of a response.

    Args:
        draft: whether responses of `application/graphql-response+json` follow the current draft. Its 422 and 294,
            in place of 400 and 200, surprise proxies and clients that do not know them.
    """

    draft: bool = False

    def of_result(self, payload: Mapping[str, Any], media_type: str) -> int:
        """The status of a response with `data`."""
        return PARTIAL_SUCCESS if self.draft and media_type != JSON and "errors" in payload else HTTPStatus.OK

    def of_error(self, error: Exception, media_type: str) -> int:
        """The status of a response without `data`, to a request that failed with any GraphQL or internal error."""
        match error:
            case UnknownHashError():
                # The client sends the text next. Apollo iOS does not read the body of any other status.
                return HTTPStatus.OK
            case DocumentError() if media_type == JSON:
                # The request is well-formed, its document is not. With application/json, clients expect 200 then.
                return HTTPStatus.OK
            case DocumentError():
                is_readable = code_of(error.errors[0].original_error) is not ErrorCode.GRAPHQL_PARSE_FAILED
                return HTTPStatus.UNPROCESSABLE_ENTITY if self.draft and is_readable else HTTPStatus.BAD_REQUEST
            case MalformedRequestError() if self.draft and media_type != JSON:
                return HTTPStatus.UNPROCESSABLE_ENTITY
            case GatewayError():
                return HTTPStatus.BAD_REQUEST
            case _:
                return HTTP_STATUS.get(code_of(error), HTTPStatus.INTERNAL_SERVER_ERROR)
