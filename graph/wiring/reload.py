"""SIGHUP: reloads secrets and documents while the gateway runs; replaces all of them or none."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import structlog

from graph.config.settings import KEY_PAIRS, Settings, SettingsError
from graph.telemetry.logs import LOGGER
from graph.wiring.documents import read_trusted
from graph.wiring.security import build_handles, read_key_files
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
    from graph.wiring.security import Protection

T = TypeVar("T")

RELOADED: Final = "secrets and documents were reloaded"
UNCHANGED: Final = "secrets and documents were reloaded, and none has changed"
NOT_ALL: Final = "secrets and documents were reloaded, except those that could not be read or that need a restart"

RENEWED: Final = (
    "konaplate_access_key",
    "konaplate_secret_key",
    *KEY_PAIRS,
    "konagraph_id_key",
    "konagraph_id_key_2",
)
"""The settings whose new values are used. Files that settings name by path are read again as well."""

_READ_AT_START: Final = ("konaplate_ca_bundle", "konaplate_client_certificate", "konaplate_client_certificate_key")
"""Files that are only read at start."""


class Reload:
    """Runs one reload at a time, however many are requested, and logs the outcome.

    `reopen` reopens files, whether or not the settings can be used.
    """

    def __init__(self, load: Callable[[], Settings], renewal: Renewal, reopen: Callable[[], None]) -> None:
        self._load = load
        self._renewal = renewal
        self._reopen = reopen
        self._wanted = False
        self._task: asyncio.Task[None] | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger(LOGGER)

    def request(self) -> None:
        """Reload; a reload that is in progress is repeated, because it may have read the old values."""
        self._reopen()
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._wanted:
            self._wanted = False
            try:
                outcome = await self._renewal.renew(self._load())
            except SettingsError as error:
                # Problems name variables, never values.
                self._log.error("reload refused: nothing has changed", problems=error.problems)
            except Exception as error:  # noqa: BLE001 - must not stop a running gateway
                self._log.error("reload failed", exception=type(error).__name__)
            else:
                if outcome["unread"] or outcome["needs_restart"]:
                    self._log.warning(NOT_ALL, **outcome)
                else:
                    self._log.info(RELOADED if outcome["changed"] else UNCHANGED, **outcome)


class _Parts(NamedTuple):
    """All replacements, complete before any is used."""

    identity: Identity
    cipher: Cipher | None
    keys: tuple[ApiKey, ...] | None
    trusted: TrustedDocuments


class Renewal:
    """Replaces secrets and documents. Calls and requests in flight finish with the old ones."""

    def __init__(
        self,
        settings: Settings,
        konaplate: GuardedKonaplate,
        protection: Protection,
        documents: DocumentResolver,
        on_trusted: Callable[[TrustedDocuments], None],
    ) -> None:
        self._settings = settings
        self._in_use = settings
        self._read_at_start = _digests(settings)
        self._konaplate = konaplate
        self._protection = protection
        self._documents = documents
        self._on_trusted = on_trusted

    async def renew(self, settings: Settings) -> dict[str, list[str]]:
        """Apply the settings that may change at run time.

        Returns:
            The variables by outcome: `changed` or `unchanged`; `unread`, the key set if its source failed, so that
            the last one stays in use; `needs_restart`, changed but not applied.

        Raises:
            SettingsError: naming everything that cannot be used; nothing is replaced then.
        """
        renewed = self._settings.model_copy(update={name: getattr(settings, name) for name in RENEWED})
        # In a thread, because a large manifest takes a while.
        parts = await asyncio.to_thread(_read, renewed, self._documents.cache.schema)
        same = self._compared(renewed, parts)
        self._konaplate.renew(parts.identity, parts.cipher)
        if self._protection.api_keys is not None and parts.keys is not None:
            self._protection.api_keys.keys = parts.keys
        if renewed.konagraph_id_key is not None:
            # Otherwise the key was made at start, and stays.
            self._protection.handles = build_handles(renewed)
        self._documents.trusted = parts.trusted
        self._on_trusted(parts.trusted)
        self._in_use = renewed
        keys = self._protection.keys
        if keys is not None:
            before = keys.generation
            same["konagraph_jwt_jwks"] = keys.generation == before if await keys.load() else None
        return {
            "changed": _variables(name for name, is_same in same.items() if is_same is False),
            "unchanged": _variables(name for name, is_same in same.items() if is_same),
            "unread": _variables(name for name, is_same in same.items() if is_same is None),
            "needs_restart": _variables(await asyncio.to_thread(self._left, settings)),
        }

    def _compared(self, renewed: Settings, parts: _Parts) -> dict[str, bool | None]:
        """For each value that is set now or was before, whether it is unchanged."""
        now, before = ({name: getattr(each, name) for name in RENEWED} for each in (renewed, self._in_use))
        same: dict[str, bool | None] = {
            name: now[name] == before[name] for name in RENEWED if now[name] or before[name]
        }
        if self._protection.api_keys is not None:
            same["konagraph_api_keys"] = parts.keys == self._protection.api_keys.keys
        if self._settings.konagraph_documents:
            same["konagraph_documents"] = parts.trusted == self._documents.trusted
        return same

    def _left(self, settings: Settings) -> Iterable[str]:
        digests = _digests(settings)
        return [
            name
            for name in Settings.model_fields
            if (name not in RENEWED and getattr(settings, name) != getattr(self._settings, name))
            or digests.get(name) != self._read_at_start.get(name)
        ]


def _variables(fields: Iterable[str]) -> list[str]:
    return sorted(name.upper() for name in fields)


def _digests(settings: Settings) -> dict[str, bytes]:
    """Digests of the files that are read at start, if they can be read."""
    found = {}
    for name in _READ_AT_START:
        path = getattr(settings, name)
        if path is not None:
            with contextlib.suppress(OSError):
                found[name] = hashlib.sha256(path.read_bytes()).digest()
    return found


def _read(settings: Settings, schema: GraphQLSchema) -> _Parts:
    """Build all replacements; report every problem."""
    problems: list[str] = []
    cipher = _made(build_cipher, settings, problems)
    keys = _made(read_key_files, settings, problems)
    trusted = _made(partial(read_trusted, schema=schema), settings, problems)
    if problems or trusted is None:
        raise SettingsError(problems)
    return _Parts(build_identity(settings), cipher, keys, trusted)


def _made(make: Callable[[Settings], T], settings: Settings, problems: list[str]) -> T | None:
    try:
        return make(settings)
    except SettingsError as error:
        problems += error.problems
        return None
