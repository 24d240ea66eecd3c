"""Which settings are given, without any value: fit to be shown, sent and compared."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

from graph.config.environment import load_settings
from graph.config.rules import NEEDED_IN_PRODUCTION
from graph.config.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


class GivenSettings(NamedTuple):
    """The names of the settings that are given, directly or as a file; each is in one of the three."""

    changed: tuple[str, ...]
    """Those with another value than the default."""
    default: tuple[str, ...]
    """Those with the value that they would have anyway."""
    wrong: tuple[str, ...]
    """Those that cannot be read or used."""

    @property
    def fingerprint(self) -> str:
        """`sha256:` and a digest of the names, the same wherever the same settings are changed.

        It says nothing about values: a digest of a short value could be guessed.
        """
        text = json.dumps(self, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def given_settings(environment: Mapping[str, str]) -> GivenSettings:
    """The settings that an environment gives; never fails."""
    wrong: frozenset[str] = frozenset()
    settings: Settings | None
    try:
        settings = load_settings(environment)
    except SettingsError as error:
        settings, wrong = error.rest, error.wrong
    in_production = settings is not None and settings.konagraph_env == "production"
    without_default = NEEDED_IN_PRODUCTION if in_production else ()
    kinds: dict[str, list[str]] = {"changed": [], "default": [], "wrong": []}
    for field, info in Settings.model_fields.items():
        name = field.upper()
        if not any(environment.get(variable, "").strip() for variable in (name, f"{name}_FILE")):
            continue
        if field in wrong:
            kinds["wrong"].append(name)
        else:
            is_default = field not in without_default and getattr(settings, field) == info.default
            kinds["default" if is_default else "changed"].append(name)
    return GivenSettings(**{kind: tuple(sorted(names)) for kind, names in kinds.items()})
