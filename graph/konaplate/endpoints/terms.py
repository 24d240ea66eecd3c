"""Terms List: https://konaplate.com/en/developers/api-documentation.

Whether the vendor encrypts its answers is not public.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

from graph.konaplate.endpoint import Endpoint
from graph.konaplate.record import Record, Text, Whole, first_fault
from schema.errors import ErrorCode
from schema.secrets import MemberId  # noqa: TC001 - the annotations of a key are read at run time


class TermsKey(NamedTuple):
    """Which terms are asked for."""

    locale: str
    action_type: str | None = None
    """`tcActionType`; None for all."""
    user_id: MemberId | None = None
    """The member whose agreement is told. Without one, `is_agree` is always false."""


class TermsRow(Record):
    """One document that members agree to."""

    tc_id: Annotated[int, Whole(max=9_999_999_999_999_999_999)]
    tc_action_type: Annotated[str, Text(255)] | None
    title: Annotated[str, Text(255)]
    url: Annotated[str, Text(255)]
    required: Annotated[str, Text(len("MANDATORY"))]
    # A number in a string of up to 8 characters.
    order: Annotated[int, Whole(max=99_999_999)]
    is_agree: bool
    agree_date: datetime | None
    view_position_type: Annotated[str, Text(20)] | None


class TermsList(Record):
    """Terms, in no documented order."""

    terms_list: list[TermsRow]

    @property
    def in_order(self) -> list[TermsRow]:
        """The terms by `order`, those without a readable one last."""
        return first_fault(self.terms_list) or sorted(self.terms_list, key=_place)


def _place(terms: TermsRow) -> tuple[bool, int]:
    order = getattr(terms, "order", None)
    return (False, order) if isinstance(order, int) else (True, 0)


def _request(key: TermsKey) -> dict[str, Any]:
    asked: dict[str, Any] = {"locale": key.locale}
    if key.action_type is not None:
        asked["tcActionType"] = key.action_type
    if key.user_id is not None:
        asked["userId"] = int(key.user_id.reveal())
    return asked


TERMS: Final = Endpoint(
    name="terms",
    title="Terms List",
    path="/api/v1/user/terms/all",
    key=TermsKey,
    request=_request,
    record=TermsList,
    seals_request=False,
    seals_response=None,
    owner="user_id",
    open_to=("cards:read:any", "members:read:any"),
    hidden_as=ErrorCode.MEMBER_NOT_FOUND,
)
