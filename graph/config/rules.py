"""What settings must be together. Each rule looks at the raw values, so that every problem is told at once.

Rules are not validators of the settings' model, because those are silent while any single field is wrong.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_VENDORS_SANDBOX: Final = "sandbox.konaplate.com"


def cross_problems(values: Mapping[str, Any], unread: Mapping[str, str]) -> list[str]:
    """Every rule between settings that is broken.

    Args:
        values: the raw values by field name.
        unread: the fields that are set but could not be read, which is told already.
    """
    problems = [*_encryption(values, unread), *_access(values, unread)]
    if values.get("konagraph_env") == "production":
        problems += _production(values, unread)
    return problems


def is_loopback(host: str) -> bool:
    """Whether an address is one of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _encryption(values: Mapping[str, Any], unread: Mapping[str, str]) -> list[str]:
    """What the encryption lacks. Not a validator: those of a whole model are silent while a field is wrong."""
    problems = []
    given = {name for name, value in values.items() if value} | unread.keys()
    names = ("konaplate_crypto_key_id", "konaplate_server_public_key", "konaplate_client_private_key")
    if "konaplate_encryption" not in unread and values.get("konaplate_encryption", "on") == "on":
        problems += [
            f"{name.upper()} is missing (or set KONAPLATE_ENCRYPTION=off for a private line)"
            for name in names
            if name not in given
        ]
    second = [f"{name}_2" for name in names]
    if given & set(second):
        problems += [
            f"{name.upper()} is missing; the second key pair needs all three"
            for name in second
            if name not in given
        ]
    return problems


def _access(values: Mapping[str, Any], unread: Mapping[str, str]) -> list[str]:
    """What authentication and budgets lack."""
    given = {name for name, value in values.items() if value} | unread.keys()
    needed = {
        "jwt": ("konagraph_jwt_jwks", "konagraph_jwt_issuer", "konagraph_jwt_audience"),
        "api-key": ("konagraph_api_keys",),
    }
    auth = str(values.get("konagraph_auth", "none"))
    problems = [
        f"{name.upper()} is missing; KONAGRAPH_AUTH={auth} needs it"
        for name in needed.get(auth, ())
        if name not in given
    ]
    host = str(values.get("konagraph_host", "127.0.0.1"))
    open_to_all = auth == "none" and "konagraph_auth" not in unread
    if open_to_all and not is_loopback(host) and not _is_true(values, "konagraph_allow_anonymous"):
        problems.append(
            "KONAGRAPH_AUTH is none, so everybody who reaches KONAGRAPH_HOST can ask for any card: set "
            "KONAGRAPH_AUTH, or listen on 127.0.0.1, or accept it with KONAGRAPH_ALLOW_ANONYMOUS=true"
        )
    if "konagraph_redis_url" in given and "konagraph_card_ref_key" not in given:
        problems.append("KONAGRAPH_CARD_REF_KEY is missing; gateways that share a Redis need the same one")
    return problems


def _production(values: Mapping[str, Any], unread: Mapping[str, str]) -> list[str]:
    """What is unsafe where real cards are."""
    problems = []
    if values.get("konagraph_auth", "none") == "none" and "konagraph_auth" not in unread:
        problems.append("KONAGRAPH_AUTH must be jwt or api-key in production")
    if _is_true(values, "konagraph_allow_anonymous"):
        problems.append("KONAGRAPH_ALLOW_ANONYMOUS must not be set in production")
    if _is_true(values, "konagraph_introspection"):
        problems.append(
            "KONAGRAPH_INTROSPECTION must not be on for everybody in production; grant introspection as a scope"
        )
    for name in ("konaplate_base_url", "konagraph_jwt_jwks"):
        scheme, host = _address(values.get(name))
        if scheme == "http" and not is_loopback(host):
            problems.append(f"{name.upper()} must be https in production")
    if _address(values.get("konaplate_base_url"))[1] == _VENDORS_SANDBOX:
        problems.append("KONAPLATE_BASE_URL must not be the vendor's sandbox in production")
    return problems


def _address(value: object) -> tuple[str, str]:
    """Scheme and host of a URL; empty for what is none, which is another rule's matter."""
    try:
        url = urlsplit(str(value or ""))
    except ValueError:
        return "", ""
    return url.scheme, (url.hostname or "").rstrip(".")


def _is_true(values: Mapping[str, Any], name: str) -> bool:
    return bool(values.get(name) == "true")
