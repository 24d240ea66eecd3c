"""The caller."""

from __future__ import annotations

import strawberry

from schema.fields import field, part
from schema.member import Member


@strawberry.type(description="The caller, as the credentials of the request say.")
class Viewer:
    """The authenticated caller. Costs no upstream call."""

    member: Member | None = part(
        present="user_id", description="The member that the caller is; null for services and anonymous callers."
    )
    scopes: list[str] = field(of="scope_names", description="The caller's scopes, by name.")
