"""The closed list of error codes, each with its constant message and what people are told about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

import strawberry


class Words(NamedTuple):
    """The same in two languages."""

    en: str
    ko: str


_APP_IS_WRONG: Final = Words(
    "Something is wrong with the app. Please update it and try again.",
    "앱에 문제가 있습니다. 앱을 업데이트한 뒤 다시 시도해 주세요.",
)
_ASK_SUPPORT: Final = Words(
    "Something went wrong. Please contact support if it happens again.",
    "문제가 발생했습니다. 계속되면 고객센터에 문의해 주세요.",
)
_CARDS_ARE_DOWN: Final = Words(
    "The card service is not available right now. Please try again later.",
    "지금은 카드 서비스를 이용할 수 없습니다. 잠시 후 다시 시도해 주세요.",
)


@strawberry.enum(
    description="What went wrong: the `extensions.code` of an error. Clients should expect new codes."
)
class ErrorCode(StrEnum):
    """The value of `extensions.code`, named as other GraphQL servers name it where they have it."""

    message: str
    """What clients get as the error's `message`."""
    meaning: Words
    """What the code means, for developers."""
    advice: Words
    """What an app can tell the person who uses it."""

    def __new__(cls, code: str, message: str, meaning: Words, advice: Words) -> Self:
        """Make the member of a code."""
        member = str.__new__(cls, code)
        described: Any = strawberry.enum_value(code, description=meaning.en)
        # Strawberry makes the code the value.
        member._value_ = described
        member.message = message
        member.meaning = meaning
        member.advice = advice
        return member

    BAD_REQUEST = (
        "BAD_REQUEST",
        "The request is not a well-formed GraphQL request.",
        Words("The request is not a well-formed GraphQL request.", "올바른 형식의 GraphQL 요청이 아닙니다."),
        _APP_IS_WRONG,
    )
    GRAPHQL_PARSE_FAILED = (
        "GRAPHQL_PARSE_FAILED",
        "The document is not syntactically valid GraphQL.",
        Words(
            "The document is not GraphQL; `locations` says where.",
            "문서가 GraphQL 문법에 맞지 않습니다. 위치는 `locations`에 있습니다.",
        ),
        _APP_IS_WRONG,
    )
    GRAPHQL_VALIDATION_FAILED = (
        "GRAPHQL_VALIDATION_FAILED",
        "The document does not fit the schema.",
        Words("The document does not fit the schema.", "문서가 스키마에 맞지 않습니다."),
        _APP_IS_WRONG,
    )
    BAD_USER_INPUT = (
        "BAD_USER_INPUT",
        "A value of the request is not valid.",
        Words("A value of the request is not valid.", "요청에 올바르지 않은 값이 있습니다."),
        Words("Please check what you entered.", "입력하신 내용을 확인해 주세요."),
    )
    QUERY_LIMIT_EXCEEDED = (
        "QUERY_LIMIT_EXCEEDED",
        "The request exceeds a limit.",
        Words("The request is too large.", "요청이 한도를 넘었습니다."),
        Words(
            "That is too much at once. Please ask for less.",
            "한 번에 볼 수 있는 양을 넘었습니다. 범위를 줄여 주세요.",
        ),
    )
    # Clients of automatic persisted queries match this message literally.
    PERSISTED_QUERY_NOT_FOUND = (
        "PERSISTED_QUERY_NOT_FOUND",
        "PersistedQueryNotFound",
        Words("No document is stored under this id or hash.", "이 ID나 해시로 저장된 문서가 없습니다."),
        _APP_IS_WRONG,
    )
    DOCUMENT_NOT_ALLOWED = (
        "DOCUMENT_NOT_ALLOWED",
        "Only stored documents are executed.",
        Words(
            "Only trusted documents are executed here, and this is not one of them.",
            "신뢰하는 문서만 실행하는 환경이며, 이 문서는 그중 하나가 아닙니다.",
        ),
        _APP_IS_WRONG,
    )
    UNAUTHENTICATED = (
        "UNAUTHENTICATED",
        "Valid credentials are required.",
        Words("There are no valid credentials.", "유효한 인증 정보가 없습니다."),
        Words("Please sign in again.", "다시 로그인해 주세요."),
    )
    FORBIDDEN = (
        "FORBIDDEN",
        "Not allowed.",
        Words(
            "The viewer lacks the scope that the field needs, or a page of another site asked.",
            "호출자에게 필드에 필요한 권한(scope)이 없거나, 다른 사이트의 페이지가 보낸 요청입니다.",
        ),
        Words("You may not see this information.", "이 정보를 볼 수 있는 권한이 없습니다."),
    )
    RATE_LIMITED = (
        "RATE_LIMITED",
        "Rate limit exceeded.",
        Words("One of the viewer's budgets is spent.", "호출자의 사용 한도 중 하나를 모두 썼습니다."),
        Words(
            "Too many requests. Please try again in a moment.", "요청이 너무 많습니다. 잠시 후 다시 시도해 주세요."
        ),
    )
    OVERLOADED = (
        "OVERLOADED",
        "The gateway cannot answer right now.",
        Words("The gateway cannot answer now.", "게이트웨이가 지금은 응답할 수 없습니다."),
        Words(
            "The service is busy. Please try again in a moment.",
            "이용이 많아 지연되고 있습니다. 잠시 후 다시 시도해 주세요.",
        ),
    )
    AUDIT_UNAVAILABLE = (
        "AUDIT_UNAVAILABLE",
        "This cannot be returned right now, because the read cannot be recorded in the audit log.",
        Words(
            "A card or a member is not returned because the audit log cannot be written now.",
            "지금은 감사 로그를 기록할 수 없어 카드나 회원을 반환하지 않습니다.",
        ),
        Words(
            "This cannot be shown right now. Please try again later.",
            "지금은 표시할 수 없습니다. 잠시 후 다시 시도해 주세요.",
        ),
    )
    CARD_NOT_FOUND = (
        "CARD_NOT_FOUND",
        "No such card.",
        Words("There is no such card, or it is not the viewer's.", "해당 카드가 없거나 호출자의 카드가 아닙니다."),
        Words(
            "We cannot find this card. Please check its number.",
            "카드를 찾을 수 없습니다. 카드 번호를 확인해 주세요.",
        ),
    )
    MEMBER_NOT_FOUND = (
        "MEMBER_NOT_FOUND",
        "No such member.",
        Words(
            "There is no such member, or the viewer may not see others.",
            "해당 회원이 없거나 호출자가 볼 수 없는 회원입니다.",
        ),
        Words("We cannot find this member.", "회원을 찾을 수 없습니다."),
    )
    NODE_NOT_FOUND = (
        "NODE_NOT_FOUND",
        "No such object.",
        Words(
            "The id leads to nothing that the viewer may see.",
            "호출자가 볼 수 있는 대상을 가리키는 ID가 아닙니다.",
        ),
        Words("This is no longer available. Please refresh.", "더 이상 볼 수 없습니다. 새로 고쳐 주세요."),
    )
    UPSTREAM_TIMEOUT = (
        "UPSTREAM_TIMEOUT",
        "The card system did not answer in time.",
        Words("Konaplate did not answer in time.", "Konaplate가 제시간에 응답하지 않았습니다."),
        Words(
            "This takes longer than usual. Please try again in a moment.",
            "응답이 지연되고 있습니다. 잠시 후 다시 시도해 주세요.",
        ),
    )
    UPSTREAM_UNAVAILABLE = (
        "UPSTREAM_UNAVAILABLE",
        "The card system cannot be reached.",
        Words(
            "Konaplate cannot be reached, or cannot serve the call.",
            "Konaplate에 연결할 수 없거나 Konaplate가 호출을 처리할 수 없습니다.",
        ),
        _CARDS_ARE_DOWN,
    )
    UPSTREAM_REJECTED = (
        "UPSTREAM_REJECTED",
        "The card system rejected this gateway.",
        Words("Konaplate rejects this gateway.", "Konaplate가 이 게이트웨이를 거부합니다."),
        _CARDS_ARE_DOWN,
    )
    UPSTREAM_INVALID_RESPONSE = (
        "UPSTREAM_INVALID_RESPONSE",
        "The card system sent an answer that cannot be used.",
        Words(
            "Konaplate's answer, or a field of it, cannot be used.",
            "Konaplate의 응답 또는 그 일부를 사용할 수 없습니다.",
        ),
        _ASK_SUPPORT,
    )
    UPSTREAM_ERROR = (
        "UPSTREAM_ERROR",
        "The card system reported an error.",
        Words("Konaplate reports an error.", "Konaplate가 오류를 보고했습니다."),
        _ASK_SUPPORT,
    )
    INTERNAL_SERVER_ERROR = (
        "INTERNAL_SERVER_ERROR",
        "An unexpected error occurred.",
        Words("There is a bug in this gateway.", "게이트웨이의 버그입니다."),
        _ASK_SUPPORT,
    )
