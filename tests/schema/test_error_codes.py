"""Every error code has one constant message without values."""

from __future__ import annotations

from schema.errors import ErrorCode
from tests.tables import table


@table("code", ErrorCode)
def test_a_code_is_its_own_name(code: ErrorCode) -> None:
    assert code.name == code.value
    assert code.name == str(code)
    assert code.name.replace("_", "").isalpha()
    assert code.name.isupper()


# Clients of automatic persisted queries match it literally.
LITERAL = {"PERSISTED_QUERY_NOT_FOUND": "PersistedQueryNotFound"}


@table("code", ErrorCode)
def test_a_message_is_a_sentence_without_digits(code: ErrorCode) -> None:
    message = code.message

    assert not any(character.isdigit() for character in message)
    assert "{" not in message
    assert "%" not in message
    assert message == LITERAL.get(code.name, message)
    assert code.name in LITERAL or (message[0].isupper() and message.endswith("."))


def test_messages_tell_codes_apart() -> None:
    assert len(ErrorCode) == len({code.message for code in ErrorCode})
