"""What the probe asks about a card's member, and about the card by its `par`."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.values import korean_day
from graph.probe.notebook import REPORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph.probe.client import ProbeAnswer
    from graph.probe.notebook import Notebook
    from schema.secrets import CardNo

_USER_ID: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


class MemberSteps:
    """The steps that a registered card leads to.

    Args:
        notes: where findings go.
        card_no: the card.
    """

    def __init__(self, notes: Notebook, card_no: CardNo) -> None:
        self._notes = notes
        self._card_no = card_no

    async def run(self, card: Mapping[str, Any]) -> None:
        """What a registered card leads to."""
        user_id = card.get("userId")
        if not user_id:
            self._notes.find(
                "a member's APIs", "warning", "the test card is registered to nobody", "use a registered card"
            )
            return
        if _USER_ID.fullmatch(str(user_id)) is None:
            self._notes.find(
                "a member's APIs", "bad", "the card's user id is not a number of 1 to 19 digits", REPORT
            )
            return
        member = {"userId": int(user_id)}
        await self._inquire("user_info", member)
        await self._inquire("identity_check", member)
        await self._inquire("terms", {"locale": "KO", **member})
        await self._inquire("virtual_account", {"cardNo": self._card_no.reveal()})
        if isinstance(product := card.get("serviceId"), str):
            await self._inquire("service_info", {"serviceIdList": [product]})
        cards = await self._card_list(member)
        if cards is None:
            return
        row = self._row_of((cards.fields or {}).get("cardDataInfo"))
        if row is None:
            self._notes.find("a card's APIs by par", "warning", "the member's list does not show the test card")
            return
        await self._inquire("tax_deduction", {"par": row["par"]})
        await self._transactions(row["par"], member)

    def _row_of(self, rows: Any) -> Mapping[str, Any] | None:
        number = self._card_no.reveal()
        for row in rows if isinstance(rows, list) else ():
            numbers = (row.get("mobileCardNo"), row.get("physicalCardNo")) if isinstance(row, dict) else ()
            if number in numbers and isinstance(row.get("par"), str):
                found: Mapping[str, Any] = row
                return found
        return None

    async def _card_list(self, member: Mapping[str, Any]) -> ProbeAnswer | None:
        """A clear request with a sealed answer: does it name the key?"""
        found = await self._notes.ask("card_list", member, "the member's cards")
        if found is None:
            return None
        if not found.is_refused:
            return None if self._is_useless("card_list", found) else self._notes.judged_seal("card_list", found)
        endpoint = self._notes.endpoints["card_list"]
        usual = self._notes.manner(endpoint)
        without = await self._notes.ask(
            "card_list",
            member,
            f"the member's cards, {'without' if usual.names_key else 'with'} the id of the key",
            manner=replace(usual, names_key=not usual.names_key),
        )
        if without is not None and not without.is_refused and without.fault is None:
            word = "-card_list" if usual.names_key else "card_list"
            self._notes.find(
                "card_list: id of the key",
                "bad",
                "refused with it, accepted without" if usual.names_key else "refused without it, accepted with it",
                f"set KONAPLATE_SEAL_ANSWERS={self._notes.flags('konaplate_seal_answers', word)}",
            )
            return without
        self._refused("card_list", found)
        return None

    async def _transactions(self, par: str, member: Mapping[str, Any]) -> None:
        """Find out whether pages count from 0 or from 1."""
        today = korean_day()
        asked = {
            "par": par,
            "startDate": f"{today - timedelta(days=29):%Y%m%d}",
            "endDate": f"{today:%Y%m%d}",
            "includePreviousCard": False,
        }
        if len(str(member["userId"])) <= 15:  # noqa: PLR2004 - see `graph.konaplate.endpoints.transactions`
            asked |= member
        pages = []
        for page in (0, 1):
            request = {"page": page, "pageSize": 1, "sort": "approvalDateTime", "orderByDirection": "DESC"}
            found = await self._notes.ask(
                "transactions", {**asked, "pageRequest": request}, f"one transaction, on page {page}"
            )
            if found is None or self._is_useless("first page", found):
                return
            pages.append(found)
        self._notes.judged_seal("transactions", next((page for page in pages if page.is_success), pages[0]))
        rows = [self._rows(page) for page in pages]
        if not any(rows):
            self._notes.find(
                "first page", "warning", "the test card has no transactions in 30 days", "use one that has"
            )
            return
        first = 0 if rows[0] else 1
        fits = first == self._notes.settings.konaplate_first_page
        self._notes.compare("first page", str(first), f"set KONAPLATE_FIRST_PAGE={first}", fits=fits)

    @staticmethod
    def _rows(page: ProbeAnswer) -> list[Any]:
        rows = (page.fields or {}).get("transactionInfo") if page.is_success else None
        return rows if isinstance(rows, list) else []

    async def _inquire(self, name: str, body: Mapping[str, Any]) -> None:
        """Call an API for how it seals."""
        found = await self._notes.ask(name, body, self._notes.endpoints[name].title)
        if found is None:
            return
        if not found.is_refused:
            if not self._is_useless(name, found):
                self._notes.judged_seal(name, found)
            return
        endpoint = self._notes.endpoints[name]
        if not endpoint.seals_request and self._notes.caller.encrypts:
            # The other way round would send in clear what should be sealed.
            manner = replace(self._notes.manner(endpoint), sealed=True, names_key=True)
            sealed = await self._notes.ask(name, body, f"{endpoint.title}, sealed", manner=manner)
            if sealed is not None and sealed.fault is None and not sealed.is_refused:
                flags = self._notes.flags("konaplate_seal_requests", name)
                self._notes.find(
                    f"{name}: request", "bad", "must be sealed", f"set KONAPLATE_SEAL_REQUESTS={flags}"
                )
                self._notes.judged_seal(name, sealed)
                return
        self._refused(name, found)

    def _is_useless(self, name: str, found: ProbeAnswer) -> bool:
        """Whether an answer that is no refusal tells nothing; if so, that is a finding."""
        if found.fault is None and found.fields is not None:
            return False
        reason = f"Konaplate {found.fault_in_words}" if found.fault else "it cannot be opened or read"
        self._notes.find(name, "warning", f"no usable answer: {reason}")
        return True

    def _refused(self, name: str, found: ProbeAnswer) -> None:
        self._notes.find(name, "bad", f"refused (HTTP {found.status}, code {found.code or 'none'})", REPORT)
