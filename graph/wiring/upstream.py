"""Builds the upstream client from the settings: keys, certificates, limits, and the guard in front."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import secrets
import time
from typing import TYPE_CHECKING, Any

from graph.konaplate import protocol as wire
from graph.konaplate.client import KonaplateClient
from graph.konaplate.endpoints import ENDPOINTS
from graph.konaplate.guarded import GuardedKonaplate
from graph.konaplate.isolation import SeparatedKonaplate
from graph.konaplate.send import Limits
from graph.konaplate.transport.kept import KeptTransport
from graph.konaplate.transport.lean import LeanTransport
from graph.konaplate.transport.pool import PoolLimits
from graph.resilience.breaker import BreakerRules
from graph.resilience.guard import CallRules, Shared
from graph.resilience.retry_budget import RetryBudget, RetryRules
from graph.resilience.slots import SlotRules, Slots
from graph.wiring.encryption import build_cipher, sealed_as_set
from graph.wiring.tls import build_tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx

    from graph.config.settings import Settings
    from graph.konaplate.client import CallReport
    from graph.konaplate.endpoint import Endpoint
    from graph.konaplate.isolation import Reserved
    from graph.resilience.guard import GuardObserver


def build_konaplate(
    settings: Settings,
    transport: httpx.AsyncBaseTransport | None,
    *,
    on_call: Callable[[CallReport], None],
    observer: GuardObserver,
    endpoints: Iterable[Endpoint[Any, Any]] = ENDPOINTS,
    clock: Callable[[], float] = time.monotonic,
    reserved: Reserved | None = None,
) -> GuardedKonaplate:
    """The client behind its guard; see `build_client`.

    `reserved` are keys of the sandbox that fail on purpose and must not affect others.

    Raises:
        SettingsError: naming every key and certificate that cannot be used, and every unknown endpoint.
    """
    endpoints = tuple(endpoints)
    client = build_client(settings, transport, on_call, endpoints)
    shared, breaker = _shared(settings, clock, observer), _breaker_rules(settings)
    if reserved is None:
        return GuardedKonaplate(client, endpoints, shared, breaker)
    # Simulated failures must use up neither the retry budget nor the slots of other calls.
    budget = RetryBudget(dataclasses.replace(shared.retries, budget_ratio=1.0), clock)
    most = settings.konaplate_max_connections
    slots = Slots(SlotRules(most=most, least=most), clock)
    shared = dataclasses.replace(shared, budget=budget, slots=slots)
    return SeparatedKonaplate(client, endpoints, shared, breaker, reserved)


def _shared(settings: Settings, clock: Callable[[], float], observer: GuardObserver) -> Shared:
    retries = RetryRules(
        attempts=settings.konaplate_attempts,
        backoff_min=settings.konaplate_retry_pause_min,
        backoff_max=max(settings.konaplate_retry_pause_min, settings.konaplate_retry_pause_max),
        budget_ratio=settings.konaplate_retry_ratio,
        budget_per_second=settings.konaplate_retries_per_second,
    )
    slots = SlotRules(
        most=settings.konaplate_max_connections,
        least=min(settings.konaplate_min_connections, settings.konaplate_max_connections),
    )
    # At start as well as on changes, so that the metric is never missing.
    observer.limit_changed(slots.most)
    return Shared(
        RetryBudget(retries, clock),
        Slots(slots, clock, observer.limit_changed),
        clock=clock,
        random=random.SystemRandom().random,
        sleep=asyncio.sleep,
        rules=CallRules(
            total=settings.konaplate_timeout,
            attempt=settings.konaplate_attempt_timeout,
            slot_wait=settings.konaplate_pool_timeout,
        ),
        retries=retries,
        observer=observer,
    )


def _breaker_rules(settings: Settings) -> BreakerRules:
    return BreakerRules(
        window=settings.konaplate_breaker_window,
        minimum_calls=settings.konaplate_breaker_calls,
        failure_ratio=settings.konaplate_breaker_ratio,
        open_for=settings.konaplate_breaker_open,
        open_at_most=max(settings.konaplate_breaker_open, settings.konaplate_breaker_open_max),
        probes=settings.konaplate_breaker_probes,
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
    return KonaplateClient(
        settings.konaplate_base_url,
        build_identity(settings),
        build_cipher(settings),
        transport or _network(settings),
        wire.CorrelationIds(secrets.randbits(28)),
        endpoints=sealed_as_set(settings, endpoints),
        limits=Limits(
            total=settings.konaplate_timeout,
            connect=settings.konaplate_connect_timeout,
            pool=settings.konaplate_pool_timeout,
            response_bytes=settings.konaplate_max_response_bytes,
        ),
        on_call=on_call,
        echo_rule=settings.konaplate_correlation_echo,
        allow_unsealed=settings.konaplate_unsealed_answers == "allow",
    )


def build_identity(settings: Settings) -> wire.Identity:
    """The identity and credentials of this service provider."""
    return wire.Identity(
        settings.konaplate_asp_id,
        settings.konaplate_access_key,
        settings.konaplate_secret_key,
        settings.konaplate_time_zone,
    )


def _network(settings: Settings) -> httpx.AsyncBaseTransport:
    if settings.konaplate_transport == "lean":
        limits = PoolLimits(
            connections=settings.konaplate_max_connections,
            keepalive=settings.konaplate_keepalive,
            response_bytes=settings.konaplate_max_response_bytes,
        )
        return LeanTransport(limits, build_tls(settings))
    return KeptTransport(build_tls(settings), settings.konaplate_max_connections, settings.konaplate_keepalive)
