"""The settings that a deployment gives to a gateway, read as the gateway reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from graph.config.environment import load_settings
from graph.config.settings import Settings
from schema.secrets import Credential
from tests.independent.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_VARIABLE: Final = re.compile(r"\$\{([A-Z0-9_]+)(?::([-?])([^}]*))?\}")


def settings_named(environment: Mapping[str, str]) -> set[str]:
    """The settings that an environment names, and unknown names."""
    return {name.removesuffix("_FILE").lower() for name in environment}


def secrets_in_clear(environment: Mapping[str, str]) -> list[str]:
    """The secret settings whose value, not the path of a file, is in an environment."""
    return sorted(secret_settings() & environment.keys())


def secret_settings() -> set[str]:
    """The variables whose values are secret."""
    secret = {
        name.upper()
        for name, field in Settings.model_fields.items()
        if Credential.__qualname__ in repr(field.annotation)
    }
    assert {"KONAPLATE_SECRET_KEY", "KONAPLATE_CLIENT_PRIVATE_KEY", "KONAGRAPH_REDIS_URL"} <= secret
    return secret


def filled(text: str, values: Mapping[str, str]) -> str:
    """Text of a compose file with its variables replaced."""
    return _VARIABLE.sub(lambda match: values.get(match[1], match[3] if match[2] == "-" else ""), str(text))


def loaded(environment: Mapping[str, Any], folder: Path, values: Mapping[str, str]) -> Settings:
    """The settings of an environment whose files have usable contents."""
    credentials = Credentials.generate()
    contents = {
        "KONAPLATE_ASP_ID": credentials.asp_id,
        "KONAPLATE_ACCESS_KEY": credentials.access_key,
        "KONAPLATE_SECRET_KEY": credentials.secret_key,
        "KONAPLATE_CRYPTO_KEY_ID": credentials.crypto_key_id,
        "KONAPLATE_SERVER_PUBLIC_KEY": credentials.server_public_key_pem,
        "KONAPLATE_CLIENT_PRIVATE_KEY": credentials.client_private_key_pem,
        "KONAGRAPH_REDIS_URL": "redis://konagraph:password@redis:6379/0",
        "KONAGRAPH_CARD_REF_KEY": "k" * 48,
        "KONAGRAPH_ID_KEY": "i" * 48,
        "KONAGRAPH_AUDIT_KEY": "a" * 48,
    }
    given = {}
    for name, value in environment.items():
        given[name] = filled(value, values)
        if name.endswith("_FILE"):
            file = folder / name
            file.write_text(contents[name.removesuffix("_FILE")], encoding="utf-8")
            given[name] = str(file)
    return load_settings(given)
