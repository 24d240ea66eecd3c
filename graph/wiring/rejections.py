"""How a server of ours answers a request that it rejects before its app sees it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from graph.http.exchange import new_request_id
from graph.http.responses import HttpError, error_response, private_headers
from graph.server.rejection import RejectionResponse

if TYPE_CHECKING:
    from graph.server.rejection import RequestRejectedError


def rejection_response(rejected: RequestRejectedError) -> RejectionResponse:
    """An error in the form in which the app would answer it."""
    request_id = new_request_id()
    error = HttpError(rejected.status, rejected.message, retryable=rejected.status is HTTPStatus.REQUEST_TIMEOUT)
    response = error_response(error, request_id)
    # The server adds the length.
    headers = [header for header in response.raw_headers if header[0] != b"content-length"]
    return RejectionResponse(
        private_headers([*rejected.headers, *headers], request_id), bytes(response.body), request_id
    )
