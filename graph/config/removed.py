"""Removed settings: what holds now, and what to set instead.

A removed variable is a warning, because an upgrade should not fail for a variable without effect. It is an error
if it asked for more protection than there is now, because nobody should lose a protection unnoticed.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final, NamedTuple

from graph.config.types import words
from graph.graphql.limits import DocumentLimits
from graph.konaplate.encryption import KNOWN_CONTENT_ENCRYPTIONS
from graph.konaplate.send import Limits
from graph.security.viewer import Allowance
from graph.server.limits import HttpLimits

if TYPE_CHECKING:
    from graph.config.settings import Settings


class Removed(NamedTuple):
    """What holds now, and of a limit its name in `_limits`."""

    now: str
    limit: str | None = None


_BREAKER: Final = Removed(
    "the breaker opens for 5 to 60 s when half of at least 20 calls in 10 s fail, and closes after 3 good probes"
)
_RETRIES: Final = Removed(
    "a call is tried twice, after 0.05 to 0.25 s, within a budget of a tenth of all calls and 3 a second"
)

REMOVED: Final[dict[str, Removed]] = {
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
    "KONAPLATE_ATTEMPT_TIMEOUT": Removed("one attempt may take 60 % of KONAPLATE_TIMEOUT; set that"),
    "KONAPLATE_CONNECT_TIMEOUT": Removed("connecting may take 1 s, within KONAPLATE_TIMEOUT"),
    "KONAPLATE_MIN_CONNECTIONS": Removed("however slow Konaplate is, 4 calls at once are tried"),
    "KONAPLATE_KEEPALIVE": Removed("an idle connection to Konaplate is kept for 15 s"),
    "KONAPLATE_MAX_RESPONSE_BYTES": Removed("answers of {} bytes are read", "response_bytes"),
    "KONAPLATE_TRANSPORT": Removed("there is one transport"),
    "KONAPLATE_TIME_ZONE": Removed("times are sent in KST"),
    "KONAPLATE_JWE_CONTENT_ENCRYPTIONS": Removed("name them in KONAPLATE_JWE_ALGORITHMS"),
    "KONAPLATE_UNSEALED_ANSWERS": Removed(
        "answers in clear are refused, unless KONAPLATE_SEAL_ANSWERS=-card_info,-user_info allows them"
    ),
    "KONAGRAPH_EXECUTOR": Removed("operations without a plan are executed on graphql-core"),
    "KONAGRAPH_EXPLORER": Removed(
        "GraphiQL is there where KONAGRAPH_INTROSPECTION lets everybody query the schema"
    ),
    "KONAGRAPH_EXPLORER_DIRECTORY": Removed("GraphiQL's files are those of the wheel, or of the checkout"),
    "KONAGRAPH_OTEL_SAMPLE": Removed("every trace is sent; let the collector sample them"),
    "KONAGRAPH_DRAIN_TIMEOUT": Removed("connections are served out for KONAGRAPH_REQUEST_TIMEOUT and a second"),
    "KONAGRAPH_DOCUMENT_CACHE": Removed("1,000 parsed documents are kept"),
    "KONAGRAPH_APQ_SIZE": Removed("1,000 registered documents are kept"),
    "KONAGRAPH_MAX_BODY_BYTES": Removed("{} bytes; more with KONAGRAPH_MAX_ROOT_FIELDS", "body_bytes"),
    "KONAGRAPH_MAX_DOCUMENT_CHARACTERS": Removed(
        "{} characters; more with KONAGRAPH_MAX_ROOT_FIELDS", "characters"
    ),
    "KONAGRAPH_MAX_DOCUMENT_TOKENS": Removed("{} tokens; more with KONAGRAPH_MAX_ROOT_FIELDS", "tokens"),
    "KONAGRAPH_MAX_ALIASES": Removed("{} aliases; more with KONAGRAPH_MAX_ROOT_FIELDS", "aliases"),
    "KONAGRAPH_MAX_FIELDS": Removed("{} fields; more with KONAGRAPH_MAX_ROOT_FIELDS", "fields"),
    "KONAGRAPH_MAX_DEPTH": Removed("{} levels of fields", "depth"),
    "KONAGRAPH_MAX_DIRECTIVES": Removed("{} directives", "directives"),
    "KONAGRAPH_MAX_OPERATIONS": Removed("{} operations in a document", "operations"),
    "KONAGRAPH_MAX_INTROSPECTION_DEPTH": Removed("{} levels of introspection", "introspection_depth"),
    "KONAGRAPH_MAX_INTROSPECTION_FIELDS": Removed("{} fields of introspection", "introspection_fields"),
    "KONAGRAPH_MAX_HEADER_BYTES": Removed("{} bytes of headers", "header_bytes"),
    "KONAGRAPH_MAX_HEADERS": Removed("{} headers", "headers"),
    "KONAGRAPH_MAX_URL_BYTES": Removed("URLs of {} bytes", "url_bytes"),
    "KONAGRAPH_HEADER_TIMEOUT": Removed("{} seconds for a request's headers", "header_timeout"),
    "KONAGRAPH_BODY_TIMEOUT": Removed("{} seconds for a request's body", "body_timeout"),
    "KONAGRAPH_WRITE_TIMEOUT": Removed("{} seconds in which a client must read something", "write_timeout"),
    "KONAGRAPH_COST_RATE": Removed(
        "{} a second, a twentieth of KONAGRAPH_COST_BURST; set that", "cost_per_second"
    ),
    "KONAGRAPH_CARDS_PER_HOUR": Removed(
        "{} cards an hour, ten times KONAGRAPH_CARDS_PER_MINUTE; set that", "cards_per_hour"
    ),
}


def what_holds(name: str, settings: Settings) -> str:
    """What holds now instead of a removed setting."""
    removed = REMOVED[name]
    return removed.now.format(f"{_limits(settings)[removed.limit]:g}" if removed.limit else "")


def asks_for_more(name: str, value: str, settings: Settings) -> bool:
    """Whether the value of a removed setting asks for more protection than there is now."""
    if name == "KONAPLATE_JWE_CONTENT_ENCRYPTIONS":
        known = {*KNOWN_CONTENT_ENCRYPTIONS}
        return not (known & {*settings.konaplate_jwe_algorithms} or known) <= {*words(value)}
    if name == "KONAGRAPH_EXPLORER":
        return value == "false" and settings.allowed_in_development(settings.konagraph_introspection)
    limit = REMOVED[name].limit
    try:
        return limit is not None and not float(value) >= _limits(settings)[limit]
    except ValueError:
        # What is not a number may have been meant as a small one.
        return True


def _limits(settings: Settings) -> dict[str, float]:
    return {
        **asdict(DocumentLimits.for_root_fields(settings.konagraph_max_root_fields, settings.konagraph_max_cost)),
        **asdict(HttpLimits()),
        **asdict(Limits()),
        **asdict(
            Allowance.of(
                settings.konagraph_request_rate,
                settings.konagraph_request_burst,
                settings.konagraph_cost_burst,
                settings.konagraph_cards_per_minute,
            )
        ),
    }
