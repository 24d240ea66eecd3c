"""A member by id, without a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graph.konaplate.record import MAX_USER_ID, Record
from graph.konaplate.view import Found, View
from schema.errors import ErrorCode
from schema.secrets import MemberId

if TYPE_CHECKING:
    from graph.konaplate.view import LookUps


_MAX_DIGITS: Final = len(str(MAX_USER_ID))


class MemberRef(Record):
    """A member of whom nothing but the id is known."""

    user_id: MemberId


async def _look_up(user_id: MemberId, _look_ups: LookUps) -> Found | None:
    # As Konaplate's answers have it, so that equal members have equal ids.
    digits = user_id.reveal().lstrip("0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS):
        return None
    member = MemberId(digits)
    return Found(MemberRef(user_id=member), member)


MEMBER: Final = View(
    name="member",
    key=MemberId,
    key_name="user_id",
    record=MemberRef,
    look_up=_look_up,
    owner="user_id",
    open_to=("members:read:any",),
    hidden_as=ErrorCode.MEMBER_NOT_FOUND,
    cost=1,
    handle=2,
)
