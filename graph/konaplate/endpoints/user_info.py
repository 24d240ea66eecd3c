"""Search for Member Information: https://konaplate.com/en/developers/api-documentation."""

from __future__ import annotations

from typing import Annotated, Final

from graph.konaplate.endpoint import Endpoint, by_user_id
from graph.konaplate.record import Record, Text
from schema.errors import ErrorCode
from schema.secrets import IdentityNo, MemberId, PersonalText


class PostalAddress(Record):
    """An address, seen only in the registration call; no sizes are documented."""

    address: PersonalText | None
    zip_code: PersonalText | None
    address_detail: PersonalText | None


class UserInfo(Record):
    """A member, without `ci`, which must never be read."""

    asp_id: Annotated[str, Text(15)]
    user_id: MemberId
    birth_date: Annotated[PersonalText, Text(8)]
    login_id: Annotated[PersonalText, Text(80)]
    nationality: Annotated[str, Text(len("Foreigner"))]
    gender: Annotated[str, Text(len("Female"))]
    mobile_number: Annotated[IdentityNo, Text(20)]
    user_name: Annotated[PersonalText, Text(100)]
    email: Annotated[PersonalText, Text(50)]
    join_channel: Annotated[str, Text(20)] | None
    address_info: PostalAddress | None


def _is_about(member: UserInfo, user_id: MemberId) -> bool:
    return member.user_id == user_id


USER_INFO: Final = Endpoint(
    name="user_info",
    title="Search for Member Information",
    path="/api/v1/user/info",
    key=MemberId,
    key_name="user_id",
    request=by_user_id,
    record=UserInfo,
    within=("userInfo",),
    matches=_is_about,
    owner="user_id",
    open_to=("cards:read:any", "members:read:any"),
    hidden_as=ErrorCode.MEMBER_NOT_FOUND,
)
