"""What the probe asks about a card: whether calls are accepted, and how errors come."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from graph.konaplate.encryption import KNOWN_ALGORITHMS, KNOWN_CONTENT_ENCRYPTIONS
from graph.konaplate.errors import CardNotFoundError, Cause
from graph.konaplate.protocol import Zone
from graph.output.findings import MAX_SKEW, clock_finding
from graph.probe.member import MemberSteps
from graph.probe.notebook import REPORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph.probe.client import Manner, ProbeAnswer
    from graph.probe.notebook import Notebook
    from schema.secrets import CardNo

_FAULTS: Final[Mapping[Cause, str]] = {
    Cause.CERTIFICATE: "set KONAPLATE_CA_BUNDLE, or KONAPLATE_CLIENT_CERTIFICATE if Konaplate asks for one",
    Cause.NOT_CONNECTED: "check KONAPLATE_BASE_URL, the firewall and name resolution",
    Cause.TOO_SLOW: "check the network to KONAPLATE_BASE_URL",
}
_OTHER_DIGITS: Final = str.maketrans("0123456789", "9876543210")


class Probe:
    """The steps of one run.

    Args:
        notes: where findings go.
        card_no: a test card.
    """

    def __init__(self, notes: Notebook, card_no: CardNo) -> None:
        self._notes = notes
        self._card_no = card_no

    async def run(self) -> None:
        """Make the calls, as far as they are allowed and Konaplate answers."""
        card = await self._first_call()
        if card is not None:
            await self._error_form()
            await self._missing_card()
            await MemberSteps(self._notes, self._card_no).run(card.fields or {})
        self._notes.sum_up()

    async def _first_call(self) -> ProbeAnswer | None:
        """Ask for the card; if that is refused, find out why."""
        found = await self._notes.ask("card_info", {"cardNo": self._card_no.reveal()}, "the test card")
        if found is None:
            return None
        if found.fault is not None:
            change = _FAULTS.get(found.fault, "ask the vendor; the answer is not valid HTTP")
            self._notes.find("reach Konaplate", "bad", found.fault_in_words, change)
            return None
        self._notes.find("reach Konaplate", "good", f"HTTP {found.status}")
        self._notes.findings.append(clock_finding(found.skew))
        if not found.is_refused:
            self._notes.find("signed call", "good", f"accepted (code {found.code or 'none'})")
            return self._judged_card(found)
        code = f"HTTP {found.status}, code {found.code or 'none'}"
        for manner, what, change in self._other_manners(found):
            tried = await self._notes.ask(
                "card_info", {"cardNo": self._card_no.reveal()}, f"the test card again, {what}", manner=manner
            )
            if tried is not None and tried.fault is None and not tried.is_refused:
                self._notes.zone, self._notes.shift_ms = manner.zone, manner.shift_ms
                self._notes.words = (manner.algorithm, manner.content_encryption)
                self._notes.find("signed call", "bad", f"refused ({code}), but accepted {what}", change)
                return self._judged_card(tried)
        self._notes.find(
            "signed call",
            "bad",
            f"refused ({code}), in every way that was tried",
            "check KONAPLATE_ASP_ID, KONAPLATE_ACCESS_KEY, KONAPLATE_SECRET_KEY, KONAPLATE_CRYPTO_KEY_ID, "
            "KONAPLATE_SERVER_PUBLIC_KEY and KONAPLATE_BASE_URL",
        )
        return None

    def _judged_card(self, found: ProbeAnswer) -> ProbeAnswer:
        if found.fields is None:
            change = "check KONAPLATE_CLIENT_PRIVATE_KEY, or see how answers are encrypted below"
            self._notes.find("answer", "bad", "cannot be opened", change)
        return self._notes.judged_seal("card_info", found)

    def _other_manners(self, found: ProbeAnswer) -> list[tuple[Manner, str, str]]:
        """Manners that nobody documents, in which a refused call may be accepted."""
        usual = self._notes.manner(self._notes.endpoints["card_info"])
        other = Zone.UTC if usual.zone is Zone.KST else Zone.KST
        manners = [(replace(usual, zone=other), f"in the zone {other}", f"set KONAPLATE_TIME_ZONE={other}")]
        if found.skew is not None and abs(found.skew) > MAX_SKEW:
            shift = round(found.skew * 1000)
            manners.append(
                (replace(usual, shift_ms=shift), "by Konaplate's clock", "synchronize this machine's clock by NTP")
            )
        if self._notes.caller.encrypts:
            for algorithm in KNOWN_ALGORITHMS:
                for content_encryption in KNOWN_CONTENT_ENCRYPTIONS:
                    if (algorithm, content_encryption) != self._notes.words:
                        words = self._notes.words_with(algorithm, content_encryption)
                        manners.append(
                            (
                                replace(usual, algorithm=algorithm, content_encryption=content_encryption),
                                f"with {algorithm} and {content_encryption}",
                                f"set KONAPLATE_JWE_ALGORITHMS={words}",
                            )
                        )
        return manners

    async def _error_form(self) -> None:
        """The documented test case of a missing field shows how errors come."""
        found = await self._notes.ask("card_info", {}, "a call without a card number, to see the form of errors")
        if found is None:
            return
        if found.fault is not None or found.fields is None:
            self._notes.find("form of errors", "bad", f"HTTP {found.status}, not JSON that can be read", REPORT)
            return
        place, sealed = found.place or "none of the places", "sealed" if found.jwe else "in clear"
        seen = f"HTTP {found.status}, code {found.code or 'none'} in {place}, {sealed}"
        self._notes.compare("form of errors", seen, REPORT, fits=found.code is not None)

    async def _missing_card(self) -> None:
        number = self._card_no.reveal()
        # A number of the same product, and not the card's own.
        number = number[:8] + number[8:].translate(_OTHER_DIGITS)
        found = await self._notes.ask("card_info", {"cardNo": number}, "a card that does not exist")
        if found is None:
            return
        if found.fault is not None:
            self._notes.find(
                "code of a missing card", "warning", f"no usable answer: Konaplate {found.fault_in_words}"
            )
        elif found.is_success:
            self._notes.find("code of a missing card", "warning", "the number that was tried belongs to a card")
        elif found.code is None:
            self._notes.find("code of a missing card", "bad", f"none, HTTP {found.status}", REPORT)
        else:
            codes = ",".join([*self._notes.settings.konaplate_no_card_codes, found.code])
            fits = self._notes.endpoints["card_info"].error_of(found.code) is CardNotFoundError
            self._notes.compare(
                "code of a missing card", found.code, f"set KONAPLATE_NO_CARD_CODES={codes}", fits=fits
            )
