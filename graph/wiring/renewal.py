"""Secrets and documents that are read anew while the gateway runs: all of them are swapped, or none."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from graph.config.settings import Settings, SettingsError
from graph.wiring.documents import read_trusted
from graph.wiring.security import check_key_files, read_keys
from graph.wiring.upstream import build_cipher, build_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from graphql import GraphQLSchema

    from graph.graphql.manifests import TrustedDocuments
    from graph.graphql.persisted import DocumentResolver
    from graph.konaplate.encryption import Cipher
    from graph.konaplate.guarded import GuardedKonaplate
    from graph.konaplate.protocol import Identity
    from graph.security.api_keys import ApiKey
    from graph.security.jwks import KeySet
    from graph.wiring.security import Protection

T = TypeVar("T")

RENEWED: Final = frozenset(
    {
        "konaplate_access_key",
        "konaplate_secret_key",
        "konaplate_crypto_key_id",
        "konaplate_server_public_key",
        "konaplate_client_private_key",
        "konaplate_crypto_key_id_2",
        "konaplate_server_public_key_2",
        "konaplate_client_private_key_2",
    }
)
"""The settings whose new values are used. Files that settings name by their paths are read anew, too."""

_READ_AT_START: Final = ("konaplate_ca_bundle", "konaplate_client_certificate", "konaplate_client_certificate_key")
"""Files whose contents are taken over by a new start only."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """Everything that is swapped, made before any of it is."""

    identity: Identity
    cipher: Cipher | None
    keys: tuple[ApiKey, ...] | None
    trusted: TrustedDocuments


@dataclass(frozen=True, slots=True)
class Renewed:
    """What came of it, by the names of the settings. What was read is compared with what was in use."""

    changed: list[str]
    unchanged: list[str]
    unread: list[str]
    """The key set, when its source did not give one; the last one stays in use."""
    needs_restart: list[str]
    """What has changed, too, and is not taken over."""


class Renewal:
    """Swaps what may change while the gateway runs. Calls and requests under way end with what they began with.

    Args:
        settings: those that the gateway was started with.
        konaplate: gets the credentials and keys.
        protection: gets the API keys, and loads the key set anew.
        documents: gets the trusted documents.
        on_trusted: told the names of their operations.
    """

    def __init__(
        self,
        settings: Settings,
        konaplate: GuardedKonaplate,
        protection: Protection,
        documents: DocumentResolver,
        on_trusted: Callable[[frozenset[str]], None],
    ) -> None:
        self._settings = settings
        self._in_use = settings
        self._read_at_start = _contents(settings)
        self._konaplate = konaplate
        self._protection = protection
        self._documents = documents
        self._on_trusted = on_trusted

    async def renew(self, settings: Settings) -> Renewed:
        """Take over what of these settings may change.

        Raises:
            SettingsError: naming everything that cannot be used; everything stays as it was then.
        """
        renewed = self._settings.model_copy(update={name: getattr(settings, name) for name in RENEWED})
        # A manifest may take a while, in which others want to be answered.
        parts = await asyncio.to_thread(_read, renewed, self._documents.cache.schema)
        same = self._compared(renewed, parts)
        self._konaplate.renew(parts.identity, parts.cipher)
        if self._protection.api_keys is not None and parts.keys is not None:
            self._protection.api_keys.keys = parts.keys
        self._documents.trusted = parts.trusted
        self._on_trusted(parts.trusted.operation_names)
        self._in_use = renewed
        if self._protection.keys is not None:
            same["konagraph_jwt_jwks"] = await self._same_key_set(self._protection.keys)
        return Renewed(
            changed=_names(name for name, is_same in same.items() if is_same is False),
            unchanged=_names(name for name, is_same in same.items() if is_same),
            unread=_names(name for name, is_same in same.items() if is_same is None),
            needs_restart=_names(await asyncio.to_thread(self._left, settings)),
        )

    def _compared(self, renewed: Settings, parts: _Parts) -> dict[str, bool | None]:
        """Whether each of what there is, or was, is the same as before."""
        same: dict[str, bool | None] = {
            name: getattr(renewed, name) == getattr(self._in_use, name)
            for name in RENEWED
            if getattr(renewed, name) or getattr(self._in_use, name)
        }
        if self._protection.api_keys is not None:
            same["konagraph_api_keys"] = parts.keys == self._protection.api_keys.keys
        if self._settings.konagraph_documents is not None:
            same["konagraph_documents"] = parts.trusted == self._documents.trusted
        return same

    @staticmethod
    async def _same_key_set(keys: KeySet) -> bool | None:
        before = keys.generation
        return keys.generation == before if await keys.load() else None

    def _left(self, settings: Settings) -> Iterable[str]:
        now = _contents(settings)
        return [
            name
            for name in Settings.model_fields
            if (name not in RENEWED and getattr(settings, name) != getattr(self._settings, name))
            or now.get(name) != self._read_at_start.get(name)
        ]


def _names(fields: Iterable[str]) -> list[str]:
    return sorted(name.upper() for name in fields)


def _contents(settings: Settings) -> dict[str, bytes]:
    """The digests of the files that are read at the start, as far as they can be read."""
    found = {}
    for name in _READ_AT_START:
        path = getattr(settings, name)
        if path is not None:
            with contextlib.suppress(OSError):
                found[name] = hashlib.sha256(path.read_bytes()).digest()
    return found


def _read(settings: Settings, schema: GraphQLSchema) -> _Parts:
    """Make every part; name every problem."""
    problems: list[str] = []
    cipher = _made(build_cipher, settings, problems)
    keys = _made(_keys, settings, problems)
    trusted = _made(partial(read_trusted, schema=schema), settings, problems)
    if settings.konagraph_auth == "jwt":
        _made(check_key_files, settings, problems)
    if problems or trusted is None:
        raise SettingsError(problems)
    return _Parts(build_identity(settings), cipher, keys, trusted)


def _made(make: Callable[[Settings], T], settings: Settings, problems: list[str]) -> T | None:
    try:
        return make(settings)
    except SettingsError as error:
        problems += error.problems
        return None


def _keys(settings: Settings) -> tuple[ApiKey, ...] | None:
    return read_keys(settings) if settings.konagraph_auth == "api-key" else None
