"""The caller."""

from __future__ import annotations

import strawberry

from schema.fields import field, part
from schema.member import Member


@strawberry.type(description="The caller, as authenticated by the request's credentials.")
class Viewer:
    """The authenticated caller. Costs no upstream call."""

    member: Member | None = part(
        present="user_id", description="The caller as a member; null for services and anonymous callers."
    )
    scopes: list[str] = field(of="scope_names", description="The caller's scopes, by name.")
