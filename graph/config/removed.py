"""Removed settings: what holds now, and what to set instead.

A removed variable is a warning, because an upgrade should not fail for a variable without effect. It is an error
where a protection would be lost unnoticed: a limit that was stricter than its default and than what holds now,
another choice of content encryptions, a GraphiQL that was switched off.
"""

from __future__ import annotations

from dataclasses import asdict
from string import Formatter
from typing import TYPE_CHECKING, Final

from graph.config.types import words
from graph.graphql.limits import DocumentLimits
from graph.konaplate.encryption import DEFAULT_CONTENT_ENCRYPTIONS, KNOWN_CONTENT_ENCRYPTIONS
from graph.konaplate.send import Limits
from graph.security.authorization import Allowance
from graph.server.limits import HttpLimits

if TYPE_CHECKING:
    from graph.config.settings import Settings

_BREAKER: Final = (
    "the breaker opens for 5 to 60 s when half of at least 20 calls in 10 s fail, and closes after 3 good probes"
)
_RETRIES: Final = (
    "a call is tried at most twice, with a pause of 0.05 to 0.25 s, within a budget of a tenth of all calls and 3 "
    "a second"
)

REMOVED: Final = {
    "KONAPLATE_BREAKER_WINDOW": _BREAKER,
    "KONAPLATE_BREAKER_CALLS": _BREAKER,
    "KONAPLATE_BREAKER_RATIO": _BREAKER,
    "KONAPLATE_BREAKER_OPEN": _BREAKER,
    "KONAPLATE_BREAKER_OPEN_MAX": _BREAKER,
    "KONAPLATE_BREAKER_PROBES": _BREAKER,
    "KONAPLATE_ATTEMPTS": _RETRIES,
    "KONAPLATE_RETRY_PAUSE_MIN": _RETRIES,
    "KONAPLATE_RETRY_PAUSE_MAX": _RETRIES,
    "KONAPLATE_RETRY_RATIO": _RETRIES,
    "KONAPLATE_RETRIES_PER_SECOND": _RETRIES,
    "KONAPLATE_ATTEMPT_TIMEOUT": "one attempt may take 60 % of KONAPLATE_TIMEOUT; set that",
    "KONAPLATE_CONNECT_TIMEOUT": "connecting may take 1 s, within KONAPLATE_TIMEOUT",
    "KONAPLATE_MIN_CONNECTIONS": "however slow Konaplate is, 4 calls at once are tried",
    "KONAPLATE_KEEPALIVE": "an idle connection to Konaplate is kept for 15 s",
    "KONAPLATE_MAX_RESPONSE_BYTES": "answers of up to {response_bytes:,} bytes are read",
    "KONAPLATE_TRANSPORT": "there is one transport",
    "KONAPLATE_JWE_CONTENT_ENCRYPTIONS": "name them in KONAPLATE_JWE_ALGORITHMS",
    "KONAPLATE_UNSEALED_ANSWERS": "clear answers are refused, unless KONAPLATE_SEAL_ANSWERS=-card_info,-user_info",
    "KONAGRAPH_EXECUTOR": "operations without a plan are executed on graphql-core",
    "KONAGRAPH_EXPLORER": "GraphiQL is served if KONAGRAPH_INTROSPECTION lets everybody query the schema",
    "KONAGRAPH_EXPLORER_DIRECTORY": "GraphiQL's files are those of the wheel, or of the checkout",
    "KONAGRAPH_OTEL_SAMPLE": "every trace is sent; let the collector sample them",
    "KONAGRAPH_DRAIN_TIMEOUT": "connections are served out for KONAGRAPH_REQUEST_TIMEOUT and a second",
    "KONAGRAPH_DOCUMENT_CACHE": "1,000 parsed documents are kept",
    "KONAGRAPH_APQ_SIZE": "1,000 registered documents are kept",
    "KONAGRAPH_MAX_BODY_BYTES": "{body_bytes:,} bytes; more with KONAGRAPH_MAX_ROOT_FIELDS",
    "KONAGRAPH_MAX_DOCUMENT_CHARACTERS": "{characters:,} characters; more with KONAGRAPH_MAX_ROOT_FIELDS",
    "KONAGRAPH_MAX_DOCUMENT_TOKENS": "{tokens:,} tokens; more with KONAGRAPH_MAX_ROOT_FIELDS",
    "KONAGRAPH_MAX_ALIASES": "{aliases:,} aliases; more with KONAGRAPH_MAX_ROOT_FIELDS",
    "KONAGRAPH_MAX_FIELDS": "{fields:,} fields; more with KONAGRAPH_MAX_ROOT_FIELDS",
    "KONAGRAPH_MAX_DEPTH": "{depth:,} levels of fields",
    "KONAGRAPH_MAX_DIRECTIVES": "{directives:,} directives",
    "KONAGRAPH_MAX_OPERATIONS": "{operations:,} operations in a document",
    "KONAGRAPH_MAX_INTROSPECTION_DEPTH": "{introspection_depth:,} levels of introspection",
    "KONAGRAPH_MAX_INTROSPECTION_FIELDS": "{introspection_fields:,} fields of introspection",
    "KONAGRAPH_MAX_HEADER_BYTES": "{header_bytes:,} bytes of headers",
    "KONAGRAPH_MAX_HEADERS": "{headers:,} headers",
    "KONAGRAPH_MAX_URL_BYTES": "URLs of {url_bytes:,} bytes",
    "KONAGRAPH_HEADER_TIMEOUT": "{header_timeout:g} seconds for a request's headers",
    "KONAGRAPH_BODY_TIMEOUT": "{body_timeout:g} seconds for a request's body",
    "KONAGRAPH_WRITE_TIMEOUT": "{write_timeout:g} seconds in which a client must read something",
    "KONAGRAPH_COST_RATE": "{cost_per_second:g} a second, a twentieth of KONAGRAPH_COST_BURST; set that",
    "KONAGRAPH_CARDS_PER_HOUR": "{cards_per_hour:,} cards an hour, ten times KONAGRAPH_CARDS_PER_MINUTE; set that",
}


def what_holds(name: str, settings: Settings) -> str:
    """What holds now instead of a removed setting."""
    return REMOVED[name].format_map(_limits(settings.document_limits, settings.allowance))


def asks_for_more(name: str, value: str, settings: Settings) -> bool:
    """Whether the value of a removed setting asks for more protection than there is now."""
    if name == "KONAPLATE_JWE_CONTENT_ENCRYPTIONS":
        # The first is sent, the others are accepted.
        named = [word for word in settings.konaplate_jwe_algorithms if word in KNOWN_CONTENT_ENCRYPTIONS]
        accepted, wanted = named or [*DEFAULT_CONTENT_ENCRYPTIONS], words(value)
        return not {*accepted} <= {*wanted} or wanted[0] != accepted[0]
    if name == "KONAGRAPH_EXPLORER":
        return value != "true" and settings.allowed_in_development(settings.konagraph_introspection)
    limits = [limit for _, limit, _, _ in Formatter().parse(REMOVED[name]) if limit]
    # A limit that was raised above its default protected nothing, even if more is allowed now.
    now, default = _limits(settings.document_limits, settings.allowance), _limits(DocumentLimits(), Allowance())
    try:
        return not all(float(value) >= now[limit] or float(value) > default[limit] for limit in limits)
    except ValueError:
        # What is not a number may have been meant as a small one.
        return True


def _limits(documents: DocumentLimits, allowance: Allowance) -> dict[str, float]:
    return {**asdict(documents), **asdict(allowance), **asdict(HttpLimits()), **asdict(Limits())}
