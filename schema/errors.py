"""The closed list of error codes, each with its constant message."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class ErrorCode(StrEnum):
    """The value of `extensions.code`, named as other GraphQL servers name it where they have it."""

    message: str

    def __new__(cls, code: str, message: str) -> Self:
        """Make the member of a code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.message = message
        return member

    BAD_REQUEST = "BAD_REQUEST", "The request is not a well-formed GraphQL request."
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED", "The document is not syntactically valid GraphQL."
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED", "The document does not fit the schema."
    BAD_USER_INPUT = "BAD_USER_INPUT", "A value of the request is not valid."
    QUERY_LIMIT_EXCEEDED = "QUERY_LIMIT_EXCEEDED", "The request exceeds a limit."
    # Clients of automatic persisted queries match this message literally.
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"
    DOCUMENT_NOT_ALLOWED = "DOCUMENT_NOT_ALLOWED", "Only stored documents are executed."
    UNAUTHENTICATED = "UNAUTHENTICATED", "Valid credentials are required."
    FORBIDDEN = "FORBIDDEN", "Not allowed."
    RATE_LIMITED = "RATE_LIMITED", "Rate limit exceeded."
    OVERLOADED = "OVERLOADED", "The gateway cannot answer right now."
    AUDIT_UNAVAILABLE = "AUDIT_UNAVAILABLE", "Personal data cannot be returned right now."
    CARD_NOT_FOUND = "CARD_NOT_FOUND", "No such card."
    MEMBER_NOT_FOUND = "MEMBER_NOT_FOUND", "No such member."
    NODE_NOT_FOUND = "NODE_NOT_FOUND", "No such object."
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT", "The card system did not answer in time."
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE", "The card system cannot be reached."
    UPSTREAM_REJECTED = "UPSTREAM_REJECTED", "The card system rejected this gateway."
    UPSTREAM_INVALID_RESPONSE = "UPSTREAM_INVALID_RESPONSE", "The card system sent an answer that cannot be used."
    UPSTREAM_ERROR = "UPSTREAM_ERROR", "The card system reported an error."
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR", "An unexpected error occurred."
