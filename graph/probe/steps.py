"""What the probe asks, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from graph.konaplate.encryption import KNOWN_ALGORITHMS, KNOWN_CONTENT_ENCRYPTIONS
from graph.konaplate.errors import CardNotFoundError, Cause
from graph.konaplate.protocol import EchoRule, Zone
from graph.konaplate.values import korean_day
from graph.probe.exchange import Exchange, Manner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graph.config.settings import Settings
    from graph.konaplate.endpoint import Endpoint
    from graph.probe.exchange import Caller
    from schema.secrets import CardNo

Verdict = Literal["fits", "change", "unknown"]

# Konaplate does not say how much it allows.
_SKEW: Final = 2.0
_FAULTS: Final[Mapping[Cause, str]] = {
    Cause.CERTIFICATE: "set KONAPLATE_CA_BUNDLE, or KONAPLATE_CLIENT_CERTIFICATE if Konaplate asks for one",
    Cause.NOT_CONNECTED: "check KONAPLATE_BASE_URL, the firewall and name resolution",
    Cause.TOO_SLOW: "check the way to KONAPLATE_BASE_URL",
}
_OTHER_DIGITS: Final = str.maketrans("0123456789", "9876543210")
_REPORT: Final = "no setting fits: please report it with this output"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a step found."""

    what: str
    seen: str
    verdict: Verdict
    change: str = ""
    """What to do, with the setting's name and value."""


@dataclass(slots=True)
class Probe:
    """The steps of one run.

    Args:
        settings: of the gateway.
        caller: makes the calls.
        endpoints: with the flags of the settings, by name.
        card_no: a test card.
        may: asks whether to make a call; given what it is for.
    """

    settings: Settings
    caller: Caller
    endpoints: Mapping[str, Endpoint[Any, Any]]
    card_no: CardNo
    may: Callable[[str], bool]
    findings: list[Finding] = field(default_factory=list)
    _echoes: set[str] = field(default_factory=set)
    _jwe: set[tuple[str, str]] = field(default_factory=set)
    _flagged: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _zone: Zone = Zone.KST
    _shift_ms: int = 0
    _words: tuple[str, str] = (KNOWN_ALGORITHMS[0], KNOWN_CONTENT_ENCRYPTIONS[0])

    async def run(self) -> None:
        """Make the calls, as far as they are allowed and Konaplate answers."""
        words = self.settings.konaplate_jwe_algorithms
        self._zone = self.settings.konaplate_time_zone
        self._words = (
            next((word for word in words if word in KNOWN_ALGORITHMS), self._words[0]),
            next((word for word in words if word in KNOWN_CONTENT_ENCRYPTIONS), self._words[1]),
        )
        card = await self._first_call()
        if card is not None:
            await self._error_form()
            await self._missing_card()
            await self._of_the_member(card.fields or {})
        self._sum_up()

    async def _first_call(self) -> Exchange | None:
        """Ask for the card; if that is refused, find out why."""
        found = await self._ask("card_info", {"cardNo": self.card_no.reveal()}, "the test card")
        if found is None:
            return None
        if found.fault is not None:
            change = _FAULTS.get(found.fault, "ask the vendor; the answer is not HTTP as it should be")
            self._find("reach Konaplate", found.fault.value, "change", change)
            return None
        self._find("reach Konaplate", f"HTTP {found.status}", "fits")
        self._judge_clock(found)
        if not found.is_refused:
            self._find("signed call", f"accepted (code {found.code or 'none'})", "fits")
            return self._judged_card(found)
        code = f"HTTP {found.status}, code {found.code or 'none'}"
        for manner, what, change in self._other_manners(found):
            tried = await self._ask(
                "card_info", {"cardNo": self.card_no.reveal()}, f"the test card again, {what}", manner=manner
            )
            if tried is not None and tried.fault is None and not tried.is_refused:
                self._zone, self._shift_ms = manner.zone, manner.shift_ms
                self._words = (manner.algorithm, manner.content_encryption)
                self._find("signed call", f"refused ({code}), but accepted {what}", "change", change)
                return self._judged_card(tried)
        self._find(
            "signed call",
            f"refused ({code}), in every manner that was tried",
            "change",
            "check KONAPLATE_ASP_ID, KONAPLATE_ACCESS_KEY, KONAPLATE_SECRET_KEY, KONAPLATE_CRYPTO_KEY_ID, "
            "KONAPLATE_SERVER_PUBLIC_KEY and KONAPLATE_BASE_URL",
        )
        return None

    def _judged_card(self, found: Exchange) -> Exchange:
        if found.fields is None:
            change = "check KONAPLATE_CLIENT_PRIVATE_KEY, or see how answers are encrypted below"
            self._find("answer", "cannot be opened", "change", change)
        return self._judged_seal("card_info", found)

    def _other_manners(self, found: Exchange) -> list[tuple[Manner, str, str]]:
        """Manners that nobody documents, in which a refused call may be accepted."""
        usual = self._manner(self.endpoints["card_info"])
        other = Zone.UTC if usual.zone is Zone.KST else Zone.KST
        manners = [(replace(usual, zone=other), f"in the zone {other}", f"set KONAPLATE_TIME_ZONE={other}")]
        if found.skew is not None and abs(found.skew) > _SKEW:
            shift = round(found.skew * 1000)
            manners.append(
                (replace(usual, shift_ms=shift), "by Konaplate's clock", "set this machine's clock by NTP")
            )
        if self.caller.encrypts:
            for algorithm in KNOWN_ALGORITHMS:
                for content_encryption in KNOWN_CONTENT_ENCRYPTIONS:
                    if (algorithm, content_encryption) != self._words:
                        words = self._words_with(algorithm, content_encryption)
                        manners.append(
                            (
                                replace(usual, algorithm=algorithm, content_encryption=content_encryption),
                                f"with {algorithm} and {content_encryption}",
                                f"set KONAPLATE_JWE_ALGORITHMS={words}",
                            )
                        )
        return manners

    def _judge_clock(self, found: Exchange) -> None:
        if found.skew is None:
            self._find("clock", "Konaplate sends no Date header", "unknown")
        elif abs(found.skew) <= _SKEW:
            self._find("clock", "agrees with Konaplate's to two seconds", "fits")
        else:
            seen = f"{abs(found.skew):.0f} s {'behind' if found.skew > 0 else 'ahead of'} Konaplate's"
            self._find("clock", seen, "change", "set this machine's clock by NTP")

    async def _error_form(self) -> None:
        """The documented test case of a missing field shows how errors come."""
        found = await self._ask("card_info", {}, "a card without a number, for the form of errors")
        if found is None:
            return
        if found.fault is not None or found.fields is None:
            self._find("form of errors", f"HTTP {found.status}, not JSON that can be read", "change", _REPORT)
            return
        place, sealed = found.place or "none of the places", "sealed" if found.jwe else "in clear"
        seen = f"HTTP {found.status}, code {found.code or 'none'} in {place}, {sealed}"
        self._compare("form of errors", seen, _REPORT, fits=found.code is not None)

    async def _missing_card(self) -> None:
        number = self.card_no.reveal()
        # Of the same product, and not its own.
        number = number[:8] + number[8:].translate(_OTHER_DIGITS)
        found = await self._ask("card_info", {"cardNo": number}, "a card that does not exist")
        if found is None or found.fault is not None:
            return
        if found.is_success:
            self._find("code of a missing card", "the number that was tried is a card's", "unknown")
        elif found.code is None:
            self._find("code of a missing card", f"none, HTTP {found.status}", "change", _REPORT)
        elif self.endpoints["card_info"].error_of(found.code) is CardNotFoundError:
            self._find("code of a missing card", found.code, "fits")
        else:
            change = (
                f"set KONAPLATE_NO_CARD_CODES={' '.join([*self.settings.konaplate_no_card_codes, found.code])}"
            )
            self._find("code of a missing card", found.code, "change", change)

    async def _of_the_member(self, card: Mapping[str, Any]) -> None:
        """What a registered card leads to."""
        user_id = card.get("userId")
        if not user_id or not str(user_id).isdigit():
            self._find(
                "a member's APIs", "the test card is registered to nobody", "unknown", "use a registered card"
            )
            return
        member = {"userId": int(user_id)}
        await self._inquire("user_info", member)
        await self._inquire("identity_check", member)
        await self._inquire("terms", {"locale": "KO", **member})
        await self._inquire("virtual_account", {"cardNo": self.card_no.reveal()})
        await self._inquire("service_info", {"serviceIdList": [card.get("serviceId")]})
        cards = await self._card_list(member)
        row = self._row_of((cards.fields or {}).get("cardDataInfo")) if cards is not None else None
        if row is None:
            self._find("a card's APIs by par", "the member's list does not show the test card", "unknown")
            return
        await self._inquire("tax_deduction", {"par": row["par"]})
        await self._transactions(row["par"], member)

    def _row_of(self, rows: Any) -> Mapping[str, Any] | None:
        number = self.card_no.reveal()
        for row in rows if isinstance(rows, list) else ():
            numbers = (row.get("mobileCardNo"), row.get("physicalCardNo")) if isinstance(row, dict) else ()
            if number in numbers and isinstance(row.get("par"), str):
                found: Mapping[str, Any] = row
                return found
        return None

    async def _card_list(self, member: Mapping[str, Any]) -> Exchange | None:
        """A clear request with a sealed answer: does it name the key?"""
        found = await self._ask("card_list", member, "the member's cards")
        if found is None or not found.is_refused:
            return None if found is None else self._judged_seal("card_list", found)
        endpoint = self.endpoints["card_list"]
        usual = self._manner(endpoint)
        without = await self._ask(
            "card_list",
            member,
            f"the member's cards, {'without' if usual.names_key else 'with'} the id of the key",
            manner=replace(usual, names_key=not usual.names_key),
        )
        if without is not None and not without.is_refused and without.fault is None:
            word = "-card_list" if usual.names_key else "card_list"
            self._find(
                "card_list: id of the key",
                "refused with it, accepted without" if usual.names_key else "refused without it, accepted with it",
                "change",
                f"set KONAPLATE_SEAL_ANSWERS={self._flags('konaplate_seal_answers', word)}",
            )
            return without
        self._find("card_list", f"refused (HTTP {found.status}, code {found.code or 'none'})", "change", _REPORT)
        return None

    async def _transactions(self, par: str, member: Mapping[str, Any]) -> None:
        """From which number pages count."""
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
            found = await self._ask(
                "transactions", {**asked, "pageRequest": request}, f"one transaction, on page {page}"
            )
            if found is None or found.fault is not None:
                return
            pages.append(found)
        self._judged_seal("transactions", next((page for page in pages if page.is_success), pages[0]))
        rows = [self._rows(page) for page in pages]
        if not any(rows):
            self._find("first page", "the test card has no transactions in 30 days", "unknown", "use one that has")
            return
        first = 0 if rows[0] else 1
        fits = first == self.settings.konaplate_first_page
        self._compare("first page", str(first), f"set KONAPLATE_FIRST_PAGE={first}", fits=fits)

    @staticmethod
    def _rows(page: Exchange) -> list[Any]:
        rows = (page.fields or {}).get("transactionInfo") if page.is_success else None
        return rows if isinstance(rows, list) else []

    async def _inquire(self, name: str, body: Mapping[str, Any]) -> None:
        """Call an API for how it seals."""
        found = await self._ask(name, body, self.endpoints[name].title)
        if found is None or found.fault is not None:
            return
        if not found.is_refused:
            self._judged_seal(name, found)
            return
        endpoint = self.endpoints[name]
        if not endpoint.seals_request and self.caller.encrypts:
            # The other way round would send in clear what should be sealed.
            manner = replace(self._manner(endpoint), sealed=True, names_key=True)
            sealed = await self._ask(name, body, f"{endpoint.title}, sealed", manner=manner)
            if sealed is not None and sealed.fault is None and not sealed.is_refused:
                flags = self._flags("konaplate_seal_requests", name)
                self._find(f"{name}: request", "must be sealed", "change", f"set KONAPLATE_SEAL_REQUESTS={flags}")
                self._judged_seal(name, sealed)
                return
        self._find(name, f"refused (HTTP {found.status}, code {found.code or 'none'})", "change", _REPORT)

    def _judged_seal(self, name: str, found: Exchange) -> Exchange:
        """Compare how an answer came with what the settings expect."""
        if not found.is_success or not self.caller.encrypts:
            return found
        expected, sealed = self.endpoints[name].seals_response, found.jwe is not None
        seen = "sealed" if sealed else "in clear"
        # A sealed answer is always opened; who has said that there is none, may have had another reason.
        if expected is sealed or (sealed and f"-{name}" in self.settings.konaplate_seal_answers):
            self._find(f"{name}: answer", seen, "fits")
            return found
        flags = self._flags("konaplate_seal_answers", name if sealed else f"-{name}")
        why = "so that nothing else is accepted" if expected is None else ""
        self._find(f"{name}: answer", seen, "change", f"set KONAPLATE_SEAL_ANSWERS={flags} {why}".rstrip())
        return found

    def _flags(self, setting: str, word: str) -> str:
        """A setting's words with another one in it, and with those of the findings before."""
        name, words = word.removeprefix("-"), self._flagged.get(setting, getattr(self.settings, setting))
        self._flagged[setting] = (*(each for each in words if each.removeprefix("-") != name), word)
        return ",".join(self._flagged[setting])

    def _words_with(self, algorithm: str, content_encryption: str) -> str:
        """The setting's words, beginning with these two."""
        words = dict.fromkeys([algorithm, content_encryption, *self.settings.konaplate_jwe_algorithms])
        return ",".join(words)

    def _sum_up(self) -> None:
        """What all answers together show."""
        rule = self.settings.konaplate_correlation_echo
        if self._echoes & {"another process's", "different", "another call's"}:
            seen, right, fits = "another id than the call's", EchoRule.IGNORE, rule is EchoRule.IGNORE
        elif self._echoes == {"same"}:
            seen, right, fits = "that of the call", EchoRule.LEARN, rule is not EchoRule.IGNORE
        else:
            seen, right, fits = "none, or not always", EchoRule.LEARN, rule is not EchoRule.REQUIRE
        if self._echoes:
            self._compare("echo of the correlation id", seen, f"set KONAPLATE_CORRELATION_ECHO={right}", fits=fits)
        for algorithm, content_encryption in sorted(self._jwe):
            seen = f"{algorithm} and {content_encryption}"
            if {algorithm, content_encryption} <= set(self.settings.konaplate_jwe_algorithms):
                self._find("encryption of answers", seen, "fits")
            elif algorithm == "unknown":
                self._find("encryption of answers", "of a kind that the gateway cannot open", "change", _REPORT)
            else:
                words = [*self.settings.konaplate_jwe_algorithms, algorithm, content_encryption]
                change = f"set KONAPLATE_JWE_ALGORITHMS={','.join(dict.fromkeys(words))}"
                self._find("encryption of answers", seen, "change", change)

    async def _ask(
        self, name: str, body: Mapping[str, Any], what: str, manner: Manner | None = None
    ) -> Exchange | None:
        """Make a call, if that is allowed."""
        endpoint = self.endpoints[name]
        if not self.may(f"{what} ({endpoint.path})"):
            return None
        found = await self.caller.call(endpoint, body, manner or self._manner(endpoint))
        if found.echo is not None and found.fault is None:
            self._echoes.add(found.echo)
        if found.jwe is not None:
            self._jwe.add(found.jwe)
        return found

    def _manner(self, endpoint: Endpoint[Any, Any]) -> Manner:
        """How the gateway calls an endpoint, with what is known by now."""
        names_key = endpoint.seals_request or endpoint.seals_response is not False
        algorithm, content_encryption = self._words
        return Manner(endpoint.seals_request, names_key, self._zone, self._shift_ms, algorithm, content_encryption)

    def _compare(self, what: str, seen: str, change: str, *, fits: bool) -> None:
        """Add a finding, with what to change unless it fits."""
        self._find(what, seen, "fits" if fits else "change", "" if fits else change)

    def _find(self, what: str, seen: str, verdict: Verdict, change: str = "") -> None:
        self.findings.append(Finding(what, seen, verdict, change))
