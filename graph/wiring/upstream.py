"""Builds the upstream client from the settings: keys, certificates, limits, and the guard in front."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import secrets
import time
from typing import TYPE_CHECKING, Any, TypeVar

from graph.config.settings import Settings, SettingsError
from graph.konaplate import protocol as wire
from graph.konaplate.client import KonaplateClient
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
from graph.konaplate.endpoints.transactions import TRANSACTIONS, counting_from
from graph.konaplate.errors import CardNotFoundError
from graph.konaplate.guarded import GuardedKonaplate
from graph.konaplate.isolation import SeparatedKonaplate
from graph.konaplate.pem import BadPemError
from graph.konaplate.send import Limits
from graph.konaplate.transport.lean import LeanTransport
from graph.konaplate.transport.pool import PoolLimits
from graph.resilience.guard import ATTEMPT_SHARE, CallRules, GuardRules, Shared
from graph.resilience.retry_budget import RetryBudget
from graph.resilience.slots import SlotRules, Slots
from graph.wiring.tls import build_tls
from schema.secrets import CardNo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx

    from graph.konaplate.client import CallReport
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.isolation import Reserved
    from graph.resilience.guard import GuardObserver
    from schema.secrets import Credential

T = TypeVar("T")


def build_konaplate(
    settings: Settings,
    transport: httpx.AsyncBaseTransport | None,
    *,
    on_call: Callable[[CallReport], None],
    observer: GuardObserver,
    endpoints: Iterable[Endpoint[Any, Any]] = ENDPOINTS,
    clock: Callable[[], float] = time.monotonic,
    reserved: Reserved | None = None,
    rules: GuardRules | None = None,
) -> GuardedKonaplate:
    """The client behind its guard; see `build_client`.

    `reserved` are keys of the sandbox that fail on purpose and must not affect others; `rules` those of the guard.

    Raises:
        SettingsError: naming every key and certificate that cannot be used, and every unknown endpoint.
    """
    endpoints = tuple(endpoints)
    client = build_client(settings, transport, on_call, endpoints)
    rules = rules or GuardRules()
    shared, breaker = _shared(settings, rules, clock, observer), rules.breaker
    if reserved is None:
        return GuardedKonaplate(client, endpoints, shared, breaker)
    # Simulated failures must not use up the retry budget of other calls, or shrink the number of slots.
    budget = RetryBudget(dataclasses.replace(shared.retries, budget_ratio=1.0), clock)
    most = settings.konaplate_max_connections
    slots = Slots(SlotRules(most=most, least=most), clock)
    shared = dataclasses.replace(shared, budget=budget, slots=slots)
    return SeparatedKonaplate(client, endpoints, shared, breaker, reserved)


def _shared(settings: Settings, rules: GuardRules, clock: Callable[[], float], observer: GuardObserver) -> Shared:
    most = settings.konaplate_max_connections
    slots = dataclasses.replace(rules.slots, most=most, least=min(rules.slots.least, most))
    # At start as well as on changes, so that the metric is never missing.
    observer.limit_changed(slots.most)
    return Shared(
        RetryBudget(rules.retries, clock),
        Slots(slots, clock, observer.limit_changed),
        clock=clock,
        random=random.SystemRandom().random,
        sleep=asyncio.sleep,
        rules=CallRules(
            total=settings.konaplate_timeout,
            attempt=ATTEMPT_SHARE * settings.konaplate_timeout,
            slot_wait=settings.konaplate_pool_timeout,
        ),
        retries=rules.retries,
        observer=observer,
    )


def build_client(
    settings: Settings,
    transport: httpx.AsyncBaseTransport | None,
    on_call: Callable[[CallReport], None],
    endpoints: Iterable[Endpoint[Any, Any]] = ENDPOINTS,
) -> KonaplateClient:
    """The client, over the given transport or the network.

    Raises:
        SettingsError: naming every key and certificate that cannot be used.
    """
    limits = Limits(total=settings.konaplate_timeout, pool=settings.konaplate_pool_timeout)
    pool = PoolLimits(settings.konaplate_max_connections, response_bytes=limits.response_bytes)
    return KonaplateClient(
        settings.konaplate_base_url,
        build_identity(settings),
        build_cipher(settings),
        transport or LeanTransport(pool, build_tls(settings)),
        wire.CorrelationIds(secrets.randbits(28)),
        endpoints=configured_endpoints(settings, endpoints),
        limits=limits,
        on_call=on_call,
        echo_rule=settings.konaplate_correlation_echo,
    )


def build_identity(settings: Settings) -> wire.Identity:
    """The identity and credentials of this service provider."""
    return wire.Identity(
        settings.konaplate_asp_id,
        settings.konaplate_access_key,
        settings.konaplate_secret_key,
        settings.konaplate_time_zone,
    )


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
    if TRANSACTIONS.name in named:
        named[TRANSACTIONS.name] = counting_from(settings.konaplate_first_page, named[TRANSACTIONS.name])
    missing = dict.fromkeys(settings.konaplate_no_card_codes, CardNotFoundError)
    return tuple(
        dataclasses.replace(each, codes={**each.codes, **missing}) if missing and each.key is CardNo else each
        for each in named.values()
    )


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
