"""What `konagraph version` prints: the version, what it was built from, and which settings are given."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

from graph import __version__
from graph.build_record import BuildRecord
from graph.config.given import given_settings

if TYPE_CHECKING:
    from collections.abc import Mapping


def running_version(environment: Mapping[str, str]) -> dict[str, Any]:
    """What runs here, without a value of any setting."""
    build, given = BuildRecord.running(), given_settings(environment)
    return {
        "version": __version__,
        "commit": build.commit,
        "lock": build.lock,
        "python": platform.python_version(),
        "settings": {"fingerprint": given.fingerprint, **given._asdict()},
    }


def version_text(environment: Mapping[str, str], *, as_json: bool) -> str:
    """The lines that the command prints."""
    found = running_version(environment)
    if as_json:
        return json.dumps(found, indent=2)
    settings = found.pop("settings")
    rows = {**found, "settings": settings["fingerprint"]}
    rows |= {kind: ", ".join(settings[kind]) for kind in ("changed", "default", "wrong") if settings[kind]}
    return "\n".join(f"{name:<9} {text}" for name, text in rows.items())
