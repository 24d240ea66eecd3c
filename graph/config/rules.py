"""Rules between settings."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

import httpx

from graph.config.types import is_url
from graph.config.warnings import naming_none_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graph.config.settings import Settings

_VENDORS_SANDBOX: Final = "sandbox.konaplate.com"
_KEY_PAIR: Final = ("konaplate_crypto_key_id", "konaplate_server_public_key", "konaplate_client_private_key")
_NEEDED: Final = {
    "none": (),
    "jwt": ("konagraph_jwt_jwks", "konagraph_jwt_issuer", "konagraph_jwt_audience"),
    "api-key": ("konagraph_api_keys",),
}
_MAKE_A_KEY: Final = "`konagraph init DIR` makes one"
NEEDED_IN_PRODUCTION: Final = {
    "konagraph_card_ref_key": (
        f"production needs it, so that the audit log can be searched for a card; {_MAKE_A_KEY}"
    ),
    "konagraph_audit_key": f"production needs it, so that changes of the audit log can be detected; {_MAKE_A_KEY}",
    "konagraph_documents_mode": (
        "production has no default: enforce runs only the operations of your own apps (KONAGRAPH_DOCUMENTS), log "
        "also runs others and logs them, off runs any operation within the limits"
    ),
}


def broken_rules(settings: Settings, wrong: frozenset[str] = frozenset()) -> list[str]:
    """All broken rules, except those about a field that is wrong itself.

    They are not validators of the settings' model, because pydantic skips those while any field is wrong.
    """
    given = settings.model_fields_set | wrong
    found = [*_encryption(settings, given), *_access(settings, given), *_files(settings, given)]
    if settings.konagraph_env == "production":
        found += _production(settings, given)
    return naming_none_of(wrong, found)


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _encryption(settings: Settings, given: set[str]) -> Iterator[str]:
    if settings.konaplate_encryption == "on":
        for name in _KEY_PAIR:
            if name not in given:
                yield f"{name.upper()} is missing (or set KONAPLATE_ENCRYPTION=off for a private line)"
    second = [f"{name}_2" for name in _KEY_PAIR]
    if not given.isdisjoint(second):
        for name in second:
            if name not in given:
                yield f"{name.upper()} is missing; the second key pair needs all three"


def _access(settings: Settings, given: set[str]) -> Iterator[str]:
    auth = settings.konagraph_auth
    for name in _NEEDED[auth]:
        if name not in given:
            yield f"{name.upper()} is missing; KONAGRAPH_AUTH={auth} needs it"
    if auth == "none" and not is_loopback(settings.konagraph_host) and not settings.konagraph_allow_anonymous:
        yield (
            "KONAGRAPH_AUTH is none, so everybody who reaches KONAGRAPH_HOST can ask for any card: set "
            "KONAGRAPH_AUTH, or listen on 127.0.0.1, or accept it with KONAGRAPH_ALLOW_ANONYMOUS=true"
        )
    if "konagraph_redis_url" in given and "konagraph_card_ref_key" not in given:
        yield "KONAGRAPH_CARD_REF_KEY is missing; gateways that share a Redis need the same one"
    if "konagraph_id_key_2" in given and "konagraph_id_key" not in given:
        yield "KONAGRAPH_ID_KEY is missing; KONAGRAPH_ID_KEY_2 only opens ids, and makes none"


def _files(settings: Settings, given: set[str]) -> Iterator[str]:
    mode = settings.konagraph_documents_mode
    if mode != "off" and "konagraph_documents" not in given:
        yield f"KONAGRAPH_DOCUMENTS is missing; KONAGRAPH_DOCUMENTS_MODE={mode} needs it"
    if "konaplate_client_certificate_key" in given and "konaplate_client_certificate" not in given:
        yield "KONAPLATE_CLIENT_CERTIFICATE is missing; KONAPLATE_CLIENT_CERTIFICATE_KEY needs it"


def _production(settings: Settings, given: set[str]) -> Iterator[str]:
    """What is unsafe with real cards, and what production has no default for."""
    if settings.konagraph_auth == "none":
        yield "KONAGRAPH_AUTH must be jwt or api-key in production"
    if settings.konagraph_id_key is None and settings.konagraph_id_key_2 is None:
        reason = "so that ids stay valid after a restart and at every gateway"
        yield f"KONAGRAPH_ID_KEY is missing; production needs it, {reason}; {_MAKE_A_KEY}"
    for name, reason in NEEDED_IN_PRODUCTION.items():
        if name not in given:
            yield f"{name.upper()} is missing; {reason}"
    if settings.konagraph_allow_anonymous:
        yield "KONAGRAPH_ALLOW_ANONYMOUS must not be set in production"
    if settings.konagraph_introspection:
        yield "KONAGRAPH_INTROSPECTION must not be on for everybody in production; grant introspection as a scope"
    for name in ("konaplate_base_url", "konagraph_jwt_jwks"):
        value = getattr(settings, name)
        if value and is_url(value) and _is_open(httpx.URL(value)):
            yield f"{name.upper()} must be https in production"
    if httpx.URL(settings.konaplate_base_url).host.rstrip(".") == _VENDORS_SANDBOX:
        yield "KONAPLATE_BASE_URL must not be the vendor's sandbox in production"


def _is_open(url: httpx.URL) -> bool:
    return url.scheme == "http" and not is_loopback(url.host.rstrip("."))
