"""Authenticates viewers by API key. The key file holds only digests, so reading it reveals no key.

The file is TOML with one table per key:

    [[keys]]
    name = "reporting"
    sha256 = "64 hexadecimal digits of the key's SHA-256"
    scopes = ["cards:read:any"]
    cards_per_minute = 600        # any field of `Allowance`; the others keep their defaults
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from graph.redact import holds_card_number
from graph.security.authorization import EVERY_SCOPE, Allowance, Viewer
from graph.security.errors import UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_OF_NOTHING: Final = hashlib.sha256(b"").hexdigest()
_BUDGETS: Final = frozenset(field.name for field in dataclasses.fields(Allowance))
_KNOWN: Final = frozenset({"name", "sha256", "scopes", *_BUDGETS})
_NAME: Final = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)
_MAX_BUDGET: Final = 1_000_000_000


class BadKeyFileError(Exception):
    """A key file that cannot be used; `problems` names every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One entry of the file."""

    digest: bytes = field(repr=False)
    viewer: Viewer


def read_api_keys(text: str, defaults: Allowance) -> tuple[ApiKey, ...]:
    """Read the keys of a file.

    Raises:
        BadKeyFileError: names every problem.
    """
    try:
        entries = tomllib.loads(text).get("keys", [])
    except (ValueError, RecursionError):
        raise BadKeyFileError(["it is not TOML"]) from None
    if not isinstance(entries, list) or not entries:
        raise BadKeyFileError(["it has no [[keys]]"])
    keys: list[ApiKey] = []
    problems: list[str] = []
    for index, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            problems.append(f"key {index} is not a table")
        elif found := list(_problems(entry)):
            problems += [f"key {index}: {problem}" for problem in found]
        else:
            keys.append(_api_key(entry, defaults))
    if len({key.viewer.id for key in keys}) < len(keys):
        problems.append("two keys have the same name")
    if len({key.digest for key in keys}) < len(keys):
        problems.append("two keys have the same sha256")
    if problems:
        raise BadKeyFileError(problems)
    return tuple(keys)


def _problems(entry: dict[str, Any]) -> Iterator[str]:
    for unknown in sorted(entry.keys() - _KNOWN):
        # A key or digest may have been entered as a name, so only what cannot be one is repeated.
        harmless = _NAME.fullmatch(unknown) and not holds_card_number(unknown)
        yield f"unknown entry {unknown}" if harmless else "unknown entry"
    name, digest, scopes = entry.get("name"), entry.get("sha256"), entry.get("scopes", [])
    if not isinstance(name, str) or not name:
        yield "name must be a non-empty string"
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        yield "sha256 must be 64 hexadecimal digits"
    elif digest.lower() == _OF_NOTHING:
        yield "sha256 is the digest of the empty string: the key was probably unset"
    if not isinstance(scopes, list) or not set(map(str, scopes)) <= EVERY_SCOPE:
        yield f"scopes must be of {', '.join(sorted(EVERY_SCOPE))}"
    for budget in sorted(_BUDGETS & entry.keys()):
        if type(entry[budget]) is not int or not 0 < entry[budget] <= _MAX_BUDGET:
            yield f"{budget} must be a whole number from 1 to {_MAX_BUDGET}"


def _api_key(entry: dict[str, Any], defaults: Allowance) -> ApiKey:
    budgets = {budget: entry[budget] for budget in _BUDGETS & entry.keys()}
    allowance = dataclasses.replace(defaults, **budgets)
    viewer = Viewer("service", entry["name"], frozenset(entry.get("scopes", [])), None, allowance)
    return ApiKey(bytes.fromhex(entry["sha256"]), viewer)


class ApiKeyAuthenticator:
    """Recognizes API keys, in the same time whether a key is known or not."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self.keys = keys
        """The recognized keys; replaceable at any time."""

    def viewer(self, key: str) -> Viewer:
        """The viewer of a key.

        Raises:
            UnauthenticatedError: there is no such key.
        """
        digest = hashlib.sha256(key.encode("utf-8", "replace")).digest()
        found = None
        # Compares every digest, each in constant time, so that timing reveals nothing.
        for candidate in self.keys:
            if hmac.compare_digest(candidate.digest, digest):
                found = candidate.viewer
        if found is None or not key:
            raise UnauthenticatedError("the API key is unknown")
        return found
