"""Member Authentication: https://konaplate.com/en/developers/api-documentation.

By its path, it tells whether the member has passed the identity check that the income-tax deduction needs
(inferred).
"""

from __future__ import annotations

from typing import Final

from graph.konaplate.endpoint import Endpoint, by_user_id
from graph.konaplate.record import Record
from schema.errors import ErrorCode
from schema.secrets import MemberId


class IdentityCheck(Record):
    """Whether a member's identity was checked."""

    is_authed: bool


IDENTITY_CHECK: Final = Endpoint(
    name="identity_check",
    title="Member Authentication",
    path="/api/v1/user/deduction/info",
    key=MemberId,
    key_name="user_id",
    request=by_user_id,
    record=IdentityCheck,
    seals_response=False,
    owner="user_id",
    open_to=("cards:read:any", "members:read:any"),
    hidden_as=ErrorCode.MEMBER_NOT_FOUND,
)
