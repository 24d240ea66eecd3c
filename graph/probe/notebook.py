"""What the probe has seen, and the calls by which it sees more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.encryption import KNOWN_ALGORITHMS, KNOWN_CONTENT_ENCRYPTIONS
from graph.konaplate.protocol import FOREIGN_ECHOES, EchoRule
from graph.output.findings import Finding
from graph.probe.client import Manner, ProbeAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graph.config.settings import Settings
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.protocol import Zone
    from graph.output.findings import Severity
    from graph.probe.client import ProbeClient

REPORT: Final = "no setting fits: please report it with this output"


@dataclass(slots=True)
class Notebook:
    """The findings of one run, and what its calls have in common.

    Args:
        settings: of the gateway.
        caller: makes the calls.
        endpoints: with the flags of the settings, by name.
        may: asks whether to make a call; given what it is for.
    """

    settings: Settings
    caller: ProbeClient
    endpoints: Mapping[str, Endpoint[Any, Any]]
    may: Callable[[str], bool]
    findings: list[Finding] = field(default_factory=list)
    zone: Zone = field(init=False)
    """The zone that Konaplate takes, as far as is known."""
    shift_ms: int = 0
    """By how much this machine's clock must be corrected."""
    words: tuple[str, str] = field(init=False)
    """The `alg` and `enc` of requests."""
    _echoes: set[str] = field(default_factory=set)
    _jwe: set[tuple[str, str]] = field(default_factory=set)
    _flagged: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        words = self.settings.konaplate_jwe_algorithms
        self.zone = self.settings.konaplate_time_zone
        self.words = (
            next((word for word in words if word in KNOWN_ALGORITHMS), KNOWN_ALGORITHMS[0]),
            next((word for word in words if word in KNOWN_CONTENT_ENCRYPTIONS), KNOWN_CONTENT_ENCRYPTIONS[0]),
        )

    def judged_seal(self, name: str, found: ProbeAnswer) -> ProbeAnswer:
        """Compare how an answer came with what the settings expect."""
        if not found.is_success or not self.caller.encrypts:
            return found
        must_be_sealed, is_sealed = self.endpoints[name].seals_response is True, found.jwe is not None
        what, seen = f"{name}: answer", "sealed" if is_sealed else "in clear"
        if must_be_sealed and not is_sealed:
            flags = self.flags("konaplate_seal_answers", f"-{name}")
            self.find(what, "bad", seen, f"set KONAPLATE_SEAL_ANSWERS={flags}")
        elif is_sealed and not must_be_sealed and f"-{name}" not in self.settings.konaplate_seal_answers:
            # The gateway opens it, but would take one in clear, too.
            flags = self.flags("konaplate_seal_answers", name)
            advice = f"set KONAPLATE_SEAL_ANSWERS={flags} so that one in clear is refused"
            self.find(what, "warning", seen, advice)
        else:
            self.find(what, "good", seen)
        return found

    def flags(self, setting: str, word: str) -> str:
        """A setting's words with another one in it, and with those of the findings before."""
        name, words = word.removeprefix("-"), self._flagged.get(setting, getattr(self.settings, setting))
        self._flagged[setting] = (*(each for each in words if each.removeprefix("-") != name), word)
        return ",".join(self._flagged[setting])

    def words_with(self, algorithm: str, content_encryption: str) -> str:
        """The setting's words, beginning with these two."""
        words = dict.fromkeys([algorithm, content_encryption, *self.settings.konaplate_jwe_algorithms])
        return ",".join(words)

    def sum_up(self) -> None:
        """What all answers together show."""
        rule = self.settings.konaplate_correlation_echo
        if self._echoes & FOREIGN_ECHOES:
            seen, right, fits = "another id than the call's", EchoRule.IGNORE, rule is EchoRule.IGNORE
        elif self._echoes == {"same"}:
            seen, right, fits = "that of the call", EchoRule.LEARN, rule is not EchoRule.IGNORE
        else:
            seen, right, fits = "none, or not always", EchoRule.LEARN, rule is not EchoRule.REQUIRE
        if self._echoes:
            self.compare("echo of the correlation id", seen, f"set KONAPLATE_CORRELATION_ECHO={right}", fits=fits)
        for algorithm, content_encryption in sorted(self._jwe):
            seen = f"{algorithm} and {content_encryption}"
            if {algorithm, content_encryption} <= set(self.settings.konaplate_jwe_algorithms):
                self.find("encryption of answers", "good", seen)
            elif algorithm == "unknown":
                self.find("encryption of answers", "bad", "of a kind that the gateway cannot open", REPORT)
            else:
                words = [*self.settings.konaplate_jwe_algorithms, algorithm, content_encryption]
                change = f"set KONAPLATE_JWE_ALGORITHMS={','.join(dict.fromkeys(words))}"
                self.find("encryption of answers", "bad", seen, change)

    async def ask(
        self, name: str, body: Mapping[str, Any], what: str, manner: Manner | None = None
    ) -> ProbeAnswer | None:
        """Make a call, if that is allowed."""
        endpoint = self.endpoints[name]
        if not self.may(f"{what} ({endpoint.path})"):
            return None
        found = await self.caller.call(endpoint, body, manner or self.manner(endpoint))
        if found.echo is not None and found.fault is None:
            self._echoes.add(found.echo)
        if found.jwe is not None:
            self._jwe.add(found.jwe)
        return found

    def manner(self, endpoint: Endpoint[Any, Any]) -> Manner:
        """How the gateway calls an endpoint, with what is known by now."""
        names_key = endpoint.seals_request or endpoint.seals_response is not False
        algorithm, content_encryption = self.words
        return Manner(endpoint.seals_request, names_key, self.zone, self.shift_ms, algorithm, content_encryption)

    def compare(self, what: str, seen: str, change: str, *, fits: bool) -> None:
        """Add a finding, with what to change unless it fits."""
        self.find(what, "good" if fits else "bad", seen, "" if fits else change)

    def find(self, what: str, verdict: Severity, seen: str, advice: str = "") -> None:
        """Add a finding."""
        self.findings.append(Finding(what, verdict, seen, advice))
