"""Builds authentication, budgets and handles from the settings."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from graph.config.files import UnreadableFileError, read_bytes, read_text, unreadable
from graph.config.settings import Settings, SettingsError
from graph.config.types import is_url
from graph.security.api_keys import ApiKeyAuthenticator, BadKeyFileError, read_api_keys
from graph.security.authentication import by_api_key, by_token, everybody
from graph.security.authorization import ANONYMOUS, Viewer
from graph.security.budgets import Budgets
from graph.security.card_refs import CardRefs
from graph.security.handles import Handles
from graph.security.jwks import MAX_BYTES, BadKeySetError, KeySet, read_key_set
from graph.security.limiter import LocalLimiter
from graph.security.tokens import TokenAuthenticator, TokenRules
from graph.wiring.faults import in_words
from schema.secrets import Credential

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis

    from graph.http.health import BudgetState, KeyState
    from graph.security.api_keys import ApiKey
    from graph.security.authentication import Authenticate
    from graph.security.guests import Guests
    from graph.security.redis_limiter import FallbackLimiter

_KEY_SET_TIMEOUT = 5.0


@dataclass(slots=True)
class Protection:
    """Authentication, budgets and handles, with the resources that live as long as the application."""

    authenticate: Authenticate
    budgets: Budgets
    keys: KeySet | None
    api_keys: ApiKeyAuthenticator | None
    redis: Redis | None
    fallback: FallbackLimiter | None
    """The limiter that keeps shared budgets."""
    handles: Handles
    """Replaced when its keys change, so a request keeps those that it began with."""

    async def open(self) -> None:
        """Load the keys, so that the first request does not wait for them."""
        if self.keys is not None:
            await self.keys.load()
            self.keys.keep_loaded()

    def key_state(self) -> KeyState:
        """The state of the keys that verify tokens."""
        if self.keys is None:
            return "none"
        if not self.keys.loaded:
            return "missing"
        return "stale" if self.keys.stale else "loaded"

    def budget_state(self) -> BudgetState:
        """Where viewers' budgets are kept."""
        if self.fallback is None:
            return "local"
        return "fallback" if self.fallback.away else "shared"

    async def aclose(self) -> None:
        """Close connections."""
        if self.keys is not None:
            await self.keys.aclose()
        if self.redis is not None:
            await self.redis.aclose()


def build_refs(settings: Settings) -> CardRefs:
    """Keyed references of cards and viewers. Without a key they are only stable within this process."""
    return CardRefs(settings.konagraph_card_ref_key or Credential(secrets.token_hex(32)))


def build_handles(settings: Settings) -> Handles:
    """Handles of cards and members. Without a key they only open within this process."""
    given = [key for key in (settings.konagraph_id_key, settings.konagraph_id_key_2) if key is not None]
    return Handles(given or [Credential(secrets.token_hex(32))])


def build_protection(
    settings: Settings,
    refs: CardRefs,
    *,
    on_key_failure: Callable[[str], None],
    on_fallback: Callable[[], None],
    on_return: Callable[[], None],
    caller: Viewer = ANONYMOUS,
    guests: Guests | None = None,
) -> Protection:
    """Build authentication, budgets and handles.

    Without authentication, every caller is `caller`, unless `guests` knows the caller's token.

    Raises:
        SettingsError: when a key file or the address of Redis cannot be used.
    """
    redis = build_redis(settings)
    local = LocalLimiter(time.monotonic)
    fallback = None if redis is None else _fallback(redis, local, on_fallback, on_return)
    authenticate: Authenticate = everybody(caller) if guests is None else guests.authenticate
    keys = api_keys = None
    if settings.konagraph_auth == "jwt":
        source = settings.konagraph_jwt_jwks or ""
        load = key_set_at(source) if is_url(source) else partial(_read_key_set_file, Path(source))
        keys = KeySet(load, time.monotonic, on_key_failure)
        tokens = TokenAuthenticator(keys, _token_rules(settings), settings.allowance, time.time)
        authenticate = by_token(tokens)
    elif settings.konagraph_auth == "api-key":
        api_keys = ApiKeyAuthenticator(read_key_files(settings) or ())
        authenticate = by_api_key(api_keys)
    budgets = Budgets(fallback or local, refs, may_wait=fallback is not None)
    return Protection(authenticate, budgets, keys, api_keys, redis, fallback, build_handles(settings))


def read_key_files(settings: Settings) -> tuple[ApiKey, ...] | None:
    """The API keys of the configured file; None without one. Also checks a key set in a file.

    Raises:
        SettingsError: when a file cannot be used.
    """
    auth, jwks, file = settings.konagraph_auth, settings.konagraph_jwt_jwks, settings.konagraph_api_keys
    try:
        if auth == "api-key" and file is not None:
            return read_api_keys(read_text(file), settings.allowance)
        if auth == "jwt" and jwks is not None and not is_url(jwks):
            read_key_set(read_bytes(Path(jwks), MAX_BYTES))
    except UnreadableFileError as error:
        name = "KONAGRAPH_JWT_JWKS" if auth == "jwt" else "KONAGRAPH_API_KEYS"
        raise SettingsError([f"{name} {unreadable(error)}"]) from None
    except BadKeySetError as error:
        raise SettingsError([f"KONAGRAPH_JWT_JWKS: {error}"]) from None
    except BadKeyFileError as error:
        raise SettingsError([f"KONAGRAPH_API_KEYS: {problem}" for problem in error.problems]) from None
    return None


def _token_rules(settings: Settings) -> TokenRules:
    return TokenRules(
        issuer=settings.konagraph_jwt_issuer or "",
        audience=settings.konagraph_jwt_audience or "",
        member_claim=settings.konagraph_member_claim,
        scope_claim=settings.konagraph_scope_claim,
    )


async def _read_key_set_file(path: Path) -> bytes:
    try:
        return await asyncio.to_thread(read_bytes, path, MAX_BYTES)
    except UnreadableFileError as error:
        raise BadKeySetError(f"the key set cannot be read: {error}") from None


def key_set_at(url: str, *, timeout: float = _KEY_SET_TIMEOUT) -> Callable[[], Awaitable[bytes]]:
    """A loader of the key set at a URL, which trusts the system's CA certificates.

    Args:
        url: redirects are not followed.
        timeout: seconds for the whole response.
    """
    context = ssl.create_default_context()

    async def load() -> bytes:
        # A client for each load: loads are five minutes apart, and no connection stays open in between.
        try:
            async with (
                asyncio.timeout(timeout),
                httpx.AsyncClient(
                    verify=context, follow_redirects=False, trust_env=False, timeout=timeout
                ) as client,
                client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise BadKeySetError("the key set's address does not answer 200")
                content = bytearray()
                async for chunk in response.aiter_raw():
                    content += chunk
                    if len(content) > MAX_BYTES:
                        break
                return bytes(content)
        except (httpx.HTTPError, TimeoutError) as error:
            raise BadKeySetError(f"the key set's address {in_words(error)}") from None

    return load


def build_redis(settings: Settings) -> Redis | None:
    """The Redis client, which connects on first use; None if not configured.

    Raises:
        SettingsError: when its address cannot be used.
    """
    if settings.konagraph_redis_url is None:
        return None
    # Imported here, because a gateway without Redis uses 6 MB less.
    from graph.security.redis_limiter import BadRedisUrlError, connect  # noqa: PLC0415

    try:
        return connect(settings.konagraph_redis_url)
    except BadRedisUrlError:
        raise SettingsError(["KONAGRAPH_REDIS_URL cannot be used"]) from None


def _fallback(
    redis: Redis, local: LocalLimiter, on_fallback: Callable[[], None], on_return: Callable[[], None]
) -> FallbackLimiter:
    from graph.security.redis_limiter import FallbackLimiter, RedisLimiter  # noqa: PLC0415 - see `build_redis`

    return FallbackLimiter(RedisLimiter(redis), local, time.monotonic, on_fallback, on_return=on_return)
