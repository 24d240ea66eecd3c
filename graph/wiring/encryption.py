"""Builds the encryption from the settings: which messages, and with which keys."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

from graph.config.settings import Settings, SettingsError
from graph.konaplate.encryption import (
    DEFAULT_ALGORITHMS,
    DEFAULT_CONTENT_ENCRYPTIONS,
    KNOWN_ALGORITHMS,
    KNOWN_CONTENT_ENCRYPTIONS,
    Cipher,
    KeyPair,
    import_private_key,
    import_public_key,
)
from graph.konaplate.endpoint import by_name
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.pem import BadPemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from graph.konaplate.endpoint import Endpoint
    from schema.secrets import Credential

T = TypeVar("T")


def configured_endpoints(
    settings: Settings, endpoints: Iterable[Endpoint[Any, Any]] = ENDPOINTS
) -> tuple[Endpoint[Any, Any], ...]:
    """The endpoints, with the encryption flags that the settings override.

    Raises:
        SettingsError: when a setting names an unknown endpoint.
    """
    named = by_name(endpoints)
    for flag, variable, words in (
        ("seals_request", "KONAPLATE_SEAL_REQUESTS", settings.konaplate_seal_requests),
        ("seals_response", "KONAPLATE_SEAL_ANSWERS", settings.konaplate_seal_answers),
    ):
        unknown = [word for word in words if word.removeprefix("-") not in named]
        if unknown:
            raise SettingsError([f"{variable}: must name endpoints: {', '.join(named)}"])
        for word in words:
            name = word.removeprefix("-")
            overridden: dict[str, Any] = {flag: name == word}
            named[name] = dataclasses.replace(named[name], **overridden)
    return tuple(named.values())


def build_cipher(settings: Settings) -> Cipher | None:
    """The cipher of the configured key pairs; None when encryption is off.

    Raises:
        SettingsError: naming every key that cannot be used.
    """
    pairs = key_pairs(settings)
    if not pairs:
        return None
    words = settings.konaplate_jwe_algorithms
    return Cipher(
        pairs,
        algorithms=[word for word in words if word in KNOWN_ALGORITHMS] or DEFAULT_ALGORITHMS,
        content_encryptions=[word for word in words if word in KNOWN_CONTENT_ENCRYPTIONS]
        or DEFAULT_CONTENT_ENCRYPTIONS,
    )


def key_pairs(settings: Settings) -> list[KeyPair]:
    """The key pairs; none when encryption is off.

    Raises:
        SettingsError: naming every key that cannot be used, and every algorithm that is not known.
    """
    if settings.konaplate_encryption == "off":
        return []
    problems = _unknown_algorithms(settings)
    pairs = [_pair(settings, suffix, problems) for suffix in ("", "_2")]
    if problems:
        raise SettingsError(problems)
    return [pair for pair in pairs if pair is not None]


def _unknown_algorithms(settings: Settings) -> list[str]:
    words, known = settings.konaplate_jwe_algorithms, (*KNOWN_ALGORITHMS, *KNOWN_CONTENT_ENCRYPTIONS)
    if words and set(words) <= set(known):
        return []
    return [f"KONAPLATE_JWE_ALGORITHMS: must be one or more of {', '.join(known)}"]


def _pair(settings: Settings, suffix: str, problems: list[str]) -> KeyPair | None:
    key_id = getattr(settings, f"konaplate_crypto_key_id{suffix}")
    seal_with = _key(settings, f"konaplate_server_public_key{suffix}", import_public_key, problems)
    open_with = _key(settings, f"konaplate_client_private_key{suffix}", import_private_key, problems)
    return KeyPair(key_id, seal_with, open_with) if key_id and seal_with and open_with else None


def _key(settings: Settings, name: str, read: Callable[[str], T], problems: list[str]) -> T | None:
    pem: Credential | None = getattr(settings, name)
    if pem is None:
        return None
    try:
        return read(pem.reveal())
    except BadPemError as error:
        problems.append(f"{name.upper()} {error}")
        return None
