"""How a server of ours answers a request that it rejects before its app sees it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from graph.http.request_id import new_request_id
from graph.http.response_headers import REQUEST_ID, private_fields
from graph.http.responses import error_answer
from graph.server.rejection import RejectionResponse
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from graph.server.rejection import RequestRejectedError


def rejection_response(rejected: RequestRejectedError) -> RejectionResponse:
    """An error in the form in which the app would answer it."""
    request_id = new_request_id()
    answer = error_answer(
        rejected.status,
        ErrorCode.BAD_REQUEST,
        request_id,
        message=rejected.message,
        retryable=rejected.status is HTTPStatus.REQUEST_TIMEOUT,
        headers=rejected.headers,
    )
    headers = private_fields([*answer.headers, (REQUEST_ID, request_id.encode("ascii"))])
    return RejectionResponse(headers, answer.body, request_id)
