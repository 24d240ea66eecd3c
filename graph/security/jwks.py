"""The keys that verify tokens: a JWK set that is reloaded regularly, and stays in use while its source is down.

Sources: RFC 7517 (JWK), RFC 8725 (JWT best practices).
"""

from __future__ import annotations

import asyncio
import codecs
import json
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from graph.security.errors import KeysUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from joserfc.jwk import Key

MAX_BYTES: Final = 256 * 1024
MINIMUM_RSA_BITS: Final = 2048
# When the key set is reloaded. Seconds.
_EVERY: Final = 300
_AT_LEAST_APART: Final = 30
_FIRST_RETRY: Final = 1
_STALE_FOR: Final = 24 * 3600
# By `kty` and `crv`: one algorithm per type of key, so that a token cannot choose another. The last one has two
# names: RFC 9864 gave it a new one, and signers use either.
_ALGORITHMS: Final = {
    ("RSA", ""): ("RS256",),
    ("EC", "P-256"): ("ES256",),
    ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),
}
_PUBLIC: Final = ("kty", "n", "e", "crv", "x", "y")
_KINDS: Final[dict[str, type[RSAKey | ECKey | OKPKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the names of its only algorithm. Equality is that of the public values."""

    key: Key = field(compare=False)
    algorithms: tuple[str, ...]
    thumbprint: str


class BadKeySetError(Exception):
    """A key set that cannot be used."""


def read_key_set(content: bytes) -> dict[str, VerificationKey]:
    """The usable keys of a JWK set, by `kid`. Others are ignored: a set may hold keys for other purposes.

    Raises:
        BadKeySetError: it is too large, not a key set, or holds no usable key.
    """
    if len(content) > MAX_BYTES:
        raise BadKeySetError("the key set is too large")
    try:
        # RFC 8259, section 8.1, allows ignoring a byte order mark. Not msgspec: one lone surrogate or large number
        # anywhere would spoil the whole set. `parse_constant`: refuses NaN and Infinity, which are not JSON.
        text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
        decoded = json.loads(text, parse_int=float, parse_constant=int)
    except (ValueError, RecursionError):
        raise BadKeySetError("the key set is not JSON") from None
    entries = decoded.get("keys") if isinstance(decoded, dict) else None
    if not isinstance(entries, list):
        raise BadKeySetError("the key set has no keys")
    keys: dict[str, VerificationKey] = {}
    for entry in entries:
        usable = _usable(entry)
        if usable is not None:
            # If two keys have one id, the first is used.
            keys.setdefault(entry["kid"], usable)
    if not keys:
        raise BadKeySetError("the key set holds no usable key")
    return keys


def _usable(entry: Any) -> VerificationKey | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or not entry["kid"]:
        return None
    # A published private key must not be trusted.
    if "d" in entry or entry.get("use", "sig") != "sig":
        return None
    algorithms = _ALGORITHMS.get((str(entry.get("kty")), str(entry.get("crv", ""))))
    if algorithms is None or entry.get("alg", algorithms[0]) not in algorithms:
        return None
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    # Only the key's own members, so that nothing else in the entry can make it unusable.
    key = _import({name: entry[name] for name in _PUBLIC if name in entry})
    return None if key is None else VerificationKey(key, algorithms, key.thumbprint())


def _import(entry: dict[str, Any]) -> Key | None:
    try:
        with warnings.catch_warnings():
            # Warns about short keys, which are rejected below.
            warnings.simplefilter("ignore", SecurityWarning)
            key = _KINDS[entry["kty"]].import_key(entry)
    except (JoseError, ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        return None
    raw = key.raw_value
    return None if isinstance(raw, RSAPublicKey) and raw.key_size < MINIMUM_RSA_BITS else key


class KeySet:
    """Looks keys up by id, and reloads the set when it is old or an id is unknown.

    Args:
        load: reads the set's source.
        clock: monotonic seconds.
        on_failure: called with a constant message when loading fails.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[bytes]],
        clock: Callable[[], float],
        on_failure: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._load = load
        self._clock = clock
        self._on_failure = on_failure
        self._keys: dict[str, VerificationKey] = {}
        self._loaded_at = self._tried_at = -float("inf")
        self._loading: asyncio.Task[bool] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.generation = 0
        """Changes with the set, to invalidate what was derived from it."""

    @property
    def loaded(self) -> bool:
        """Whether there is a set that is not too old to be used."""
        return self._age() <= _STALE_FOR

    @property
    def stale(self) -> bool:
        """Whether there is a set that should have been replaced by now."""
        return self.loaded and self._age() > _EVERY + _AT_LEAST_APART

    async def current(self) -> int:
        """The generation of the set in use; starts reloading it if it is old.

        Raises:
            KeysUnavailableError: there is none.
        """
        age = self._age()
        if age > _STALE_FOR:
            await self._load_again(_FIRST_RETRY)
            if not self.loaded:
                raise KeysUnavailableError
        elif age > _EVERY:
            # The old set stays in use until the new one is loaded.
            self._start(_AT_LEAST_APART)
        return self.generation

    async def key(self, key_id: str) -> VerificationKey | None:
        """The key of an id, or None.

        Raises:
            KeysUnavailableError: there is no set to look it up in.
        """
        await self.current()
        found = self._keys.get(key_id)
        if found is None:
            # The signer's keys may have changed. The interval bounds reloads by invented ids.
            await self._load_again(_AT_LEAST_APART)
            found = self._keys.get(key_id)
        return found

    async def load(self) -> bool:
        """Load the set now, as at startup; returns whether it succeeded. Failures are reported, not raised."""
        return await self._load_again(0)

    def keep_loaded(self, pause: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Keep reloading the set in the background, so that no request has to wait for it.

        Args:
            pause: waits for a number of seconds.
        """
        self._keeping = asyncio.get_running_loop().create_task(self._keep(pause))

    async def aclose(self) -> None:
        """Stop loading."""
        for task in (self._keeping, self._loading):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    async def _keep(self, pause: Callable[[float], Awaitable[object]]) -> None:
        retry = _FIRST_RETRY
        while True:
            if self.loaded:
                retry = _FIRST_RETRY
                left = _EVERY - self._age()
                await pause(left if left > 0 else _AT_LEAST_APART)
            else:
                await pause(retry)
                retry = min(2 * retry, _AT_LEAST_APART)
            await self.load()

    def _age(self) -> float:
        return self._clock() - self._loaded_at

    async def _load_again(self, apart: float) -> bool:
        task = self._start(apart)
        # Shared by all who wait: a cancelled one must not cancel it.
        return task is not None and await asyncio.shield(task)

    def _start(self, apart: float) -> asyncio.Task[bool] | None:
        if self._loading is not None and not self._loading.done():
            return self._loading
        if self._clock() - self._tried_at < apart:
            return None
        self._tried_at = self._clock()
        self._loading = asyncio.get_running_loop().create_task(self._replace())
        return self._loading

    async def _replace(self) -> bool:
        try:
            keys = read_key_set(await self._load())
        except BadKeySetError as error:
            self._on_failure(str(error))
            return False
        except Exception as error:  # noqa: BLE001 - whatever the source raises, the old set stays
            self._on_failure(f"the key set cannot be read ({type(error).__name__})")
            return False
        self._loaded_at = self._clock()
        if keys != self._keys:
            self.generation += 1
        self._keys = keys
        return True
