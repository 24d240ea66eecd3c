"""The closed list of codes that a client may branch on, with the constant message of each."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class ErrorCode(StrEnum):
    """The value of `extensions.code`. Names shared with other GraphQL servers where they have one."""

    BAD_REQUEST = "BAD_REQUEST"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    QUERY_LIMIT_EXCEEDED = "QUERY_LIMIT_EXCEEDED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    DOCUMENT_NOT_ALLOWED = "DOCUMENT_NOT_ALLOWED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    RATE_LIMITED = "RATE_LIMITED"
    OVERLOADED = "OVERLOADED"
    AUDIT_UNAVAILABLE = "AUDIT_UNAVAILABLE"
    CARD_NOT_FOUND = "CARD_NOT_FOUND"
    MEMBER_NOT_FOUND = "MEMBER_NOT_FOUND"
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    UPSTREAM_REJECTED = "UPSTREAM_REJECTED"
    UPSTREAM_INVALID_RESPONSE = "UPSTREAM_INVALID_RESPONSE"
    UPSTREAM_ERROR = "UPSTREAM_ERROR"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


MESSAGES: Final[Mapping[ErrorCode, str]] = MappingProxyType(
    {
        ErrorCode.BAD_REQUEST: "The request is not a well-formed GraphQL request.",
        ErrorCode.GRAPHQL_PARSE_FAILED: "The document is not syntactically valid GraphQL.",
        ErrorCode.GRAPHQL_VALIDATION_FAILED: "The document does not fit the schema.",
        ErrorCode.BAD_USER_INPUT: "A value of the request is not valid.",
        ErrorCode.QUERY_LIMIT_EXCEEDED: "The request exceeds a limit.",
        # What the clients of automatic persisted queries look for, to the letter.
        ErrorCode.PERSISTED_QUERY_NOT_FOUND: "PersistedQueryNotFound",
        ErrorCode.DOCUMENT_NOT_ALLOWED: "Only documents that are stored here are executed.",
        ErrorCode.UNAUTHENTICATED: "Valid credentials are needed.",
        ErrorCode.FORBIDDEN: "Not allowed.",
        ErrorCode.RATE_LIMITED: "Too much was asked for in a short time.",
        ErrorCode.OVERLOADED: "The gateway cannot answer right now.",
        ErrorCode.AUDIT_UNAVAILABLE: "Personal data cannot be given out right now.",
        ErrorCode.CARD_NOT_FOUND: "No such card.",
        ErrorCode.MEMBER_NOT_FOUND: "No such member.",
        ErrorCode.UPSTREAM_TIMEOUT: "The card system did not answer in time.",
        ErrorCode.UPSTREAM_UNAVAILABLE: "The card system cannot be reached.",
        ErrorCode.UPSTREAM_REJECTED: "The card system rejected this gateway.",
        ErrorCode.UPSTREAM_INVALID_RESPONSE: "The card system gave an answer that cannot be used.",
        ErrorCode.UPSTREAM_ERROR: "The card system reported an error.",
        ErrorCode.INTERNAL_SERVER_ERROR: "An unexpected error occurred.",
    }
)
