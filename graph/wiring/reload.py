"""SIGHUP: secrets and documents are read anew while the gateway runs; all of them are swapped, or none."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import structlog

from graph.config.settings import Settings, SettingsError
from graph.telemetry.logs import LOGGER
from graph.wiring.documents import read_trusted
from graph.wiring.encryption import build_cipher
from graph.wiring.security import read_key_files
from graph.wiring.upstream import build_identity

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

READ_ANEW: Final = "secrets and documents were read anew"
NOTHING_CHANGED: Final = "secrets and documents were read, and none of them has changed"

RENEWED: Final = (
    "konaplate_access_key",
    "konaplate_secret_key",
    "konaplate_crypto_key_id",
    "konaplate_server_public_key",
    "konaplate_client_private_key",
    "konaplate_crypto_key_id_2",
    "konaplate_server_public_key_2",
    "konaplate_client_private_key_2",
)
"""The settings whose new values are used. Files that settings name by their paths are read anew, too."""

_READ_AT_START: Final = ("konaplate_ca_bundle", "konaplate_client_certificate", "konaplate_client_certificate_key")
"""Files whose contents are taken over by a new start only."""


class Reload:
    """Reloads, one time after the other however often it is asked to, and logs the outcome.

    Args:
        load: reads the settings.
        renewal: takes them over.
        reopen: opens files anew, whatever becomes of the settings.
    """

    def __init__(self, load: Callable[[], Settings], renewal: Renewal, reopen: Callable[[], None]) -> None:
        self._load = load
        self._renewal = renewal
        self._reopen = reopen
        self._wanted = False
        self._task: asyncio.Task[None] | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger(LOGGER)

    def request(self) -> None:
        """Reload, or once more when a reload is under way: it may have read the old values."""
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
                # They name variables, never values.
                self._log.error("reload refused: everything stays as it was", problems=error.problems)
            except Exception as error:  # noqa: BLE001 - a gateway that answers must not end for this
                self._log.error("reload failed", exception=type(error).__name__)
            else:
                self._log.info(READ_ANEW if outcome["changed"] else NOTHING_CHANGED, **outcome)


class _Parts(NamedTuple):
    """Everything that is swapped, made before any of it is."""

    identity: Identity
    cipher: Cipher | None
    keys: tuple[ApiKey, ...] | None
    trusted: TrustedDocuments


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
        self._read_at_start = _digests(settings)
        self._konaplate = konaplate
        self._protection = protection
        self._documents = documents
        self._on_trusted = on_trusted

    async def renew(self, settings: Settings) -> dict[str, list[str]]:
        """Take over what of these settings may change.

        Returns:
            The variables by what became of them: `changed` or `unchanged`, compared with what was in use;
            `unread`, the key set when its source gave none, so that the last one stays in use; `needs_restart`,
            changed, too, and not taken over.

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
        """Whether each of what there is, or was, is the same as before."""
        now, before = ({name: getattr(each, name) for name in RENEWED} for each in (renewed, self._in_use))
        same: dict[str, bool | None] = {
            name: now[name] == before[name] for name in RENEWED if now[name] or before[name]
        }
        if self._protection.api_keys is not None:
            same["konagraph_api_keys"] = parts.keys == self._protection.api_keys.keys
        if self._settings.konagraph_documents is not None:
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
    """Of the files that are read at the start, as far as they can be read."""
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
