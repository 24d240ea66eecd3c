"""Warnings about settings that are allowed but probably wrong, at start and in `check-config`, in every mode."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from graph.config.settings import KEY_PAIRS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from graph.config.settings import Settings

_NAME: Final = re.compile(r"KONA[A-Z0-9_]+")
_BASE_PATH: Final = "/open-api"
# From the vendor's pages. They have been wrong about lengths before, so another length is no error.
_DOCUMENTED_LENGTHS: Final = {
    "konaplate_asp_id": 15,
    "konaplate_access_key": 40,
    "konaplate_crypto_key_id": 32,
    "konaplate_crypto_key_id_2": 32,
}
# The first should not be above the second; the consequence if it is.
_ORDER: Final = (
    ("konaplate_pool_timeout", "konaplate_timeout", "a look-up ends before that wait does"),
    ("konaplate_timeout", "konagraph_request_timeout", "a request ends before its call does"),
)
_OF_ENCRYPTION: Final = (
    *KEY_PAIRS,
    "konaplate_jwe_algorithms",
    "konaplate_seal_requests",
    "konaplate_seal_answers",
)
_ORDER_OF_BUDGETS: Final = (
    ("konagraph_max_cost", "konagraph_cost_burst", "the most expensive requests can never be paid for"),
    ("konagraph_max_cards", "konagraph_cards_per_minute", "the longest lists are never answered in full"),
)


def start_warnings(settings: Settings, wrong: frozenset[str] = frozenset()) -> list[str]:
    """All warnings, except those about a field that is wrong itself."""
    found = [
        *_about_konaplate(settings),
        *_about_callers(settings),
        *_about_order(settings),
        *_about_what_has_no_effect(settings),
        *_about_the_audit_log(settings.konagraph_audit_log),
    ]
    return naming_none_of(wrong, found)


def naming_none_of(wrong: Collection[str], found: Iterable[str]) -> list[str]:
    """The messages that name none of these fields."""
    names = {name.upper() for name in wrong}
    return [message for message in found if names.isdisjoint(names_in(message))]


def names_in(message: str) -> list[str]:
    """The settings that a message names; `_FILE` is not part of a name."""
    return [name.removesuffix("_FILE") for name in _NAME.findall(message)]


def _about_konaplate(settings: Settings) -> Iterator[str]:
    if not urlsplit(settings.konaplate_base_url).path.rstrip("/").endswith(_BASE_PATH):
        yield f"KONAPLATE_BASE_URL does not end in {_BASE_PATH}, as the vendor's addresses do"
    for field, documented in _DOCUMENTED_LENGTHS.items():
        value = getattr(settings, field)
        length = len(value if isinstance(value, str) else value.reveal()) if value is not None else documented
        if length != documented:
            yield f"{field.upper()} has {length} characters; the vendor's pages say {documented}"
    if None is not settings.konaplate_crypto_key_id == settings.konaplate_crypto_key_id_2:
        yield "KONAPLATE_CRYPTO_KEY_ID and KONAPLATE_CRYPTO_KEY_ID_2 are the same"


def _about_callers(settings: Settings) -> Iterator[str]:
    if None is not settings.konagraph_id_key == settings.konagraph_id_key_2:
        yield "KONAGRAPH_ID_KEY and KONAGRAPH_ID_KEY_2 are the same"
    if settings.konagraph_auth == "none" and settings.konagraph_allow_anonymous:
        everybody = "whoever reaches this gateway can ask for any card and any member"
        yield f"KONAGRAPH_ALLOW_ANONYMOUS is on and KONAGRAPH_AUTH is none: {everybody}"
    if settings.konagraph_env == "production" and not settings.konagraph_allowed_hosts:
        yield "KONAGRAPH_ALLOWED_HOSTS is not set: requests for any host are answered"
    if any(network.prefixlen == 0 for network in settings.konagraph_trusted_proxies):
        yield "KONAGRAPH_TRUSTED_PROXIES trusts every address: any X-Forwarded-For is believed"


def _about_order(settings: Settings) -> Iterator[str]:
    # Without authentication there are no budgets.
    order = _ORDER if settings.konagraph_auth == "none" else (*_ORDER, *_ORDER_OF_BUDGETS)
    for lower, upper, consequence in order:
        # Defaults are in order, so one of the two must have been set.
        told = {lower, upper} & settings.model_fields_set
        if told and getattr(settings, lower) > getattr(settings, upper):
            yield f"{lower.upper()} is above {upper.upper()}: {consequence}"


def _about_what_has_no_effect(settings: Settings) -> Iterator[str]:
    given = settings.model_fields_set
    by_token = settings.konagraph_auth == "jwt"
    without_effect = {
        **dict.fromkeys(_OF_ENCRYPTION, settings.konaplate_encryption == "off"),
        "konaplate_ca_bundle": settings.konaplate_base_url.startswith("http:"),
        "konaplate_client_certificate": settings.konaplate_base_url.startswith("http:"),
        "konagraph_api_keys": settings.konagraph_auth != "api-key",
        "konagraph_jwt_jwks": not by_token,
        "konagraph_jwt_issuer": not by_token,
        "konagraph_jwt_audience": not by_token,
        "konagraph_member_claim": not by_token,
        "konagraph_scope_claim": not by_token,
        # In development, there are origins without the setting.
        "konagraph_allowed_headers": settings.konagraph_env == "production"
        and not settings.konagraph_allowed_origins,
        "konagraph_apq": settings.konagraph_documents_mode == "enforce" and settings.konagraph_apq is True,
    }
    for field, is_without in without_effect.items():
        if is_without and field in given:
            yield f"{field.upper()} has no effect with the other settings as they are"


def _about_the_audit_log(path: Path | None) -> Iterator[str]:
    try:
        mode = path.stat().st_mode if path else 0
    except OSError:
        return
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        yield "KONAGRAPH_AUDIT_LOG names a file that users other than its owner can read: chmod 600"
