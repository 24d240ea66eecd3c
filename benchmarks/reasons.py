"""Why a goal is not met, by its name as the table has it; said beside it for as long as it is not."""

from __future__ import annotations

from typing import Final

_CHECKS: Final = (
    "bounds and deadlines, guard, plan, signature and audit line are some 390 calls of functions in Python "
    "(`tests/cost`); none of them is large, and compiling most of them changed next to nothing (below)"
)
_CACHES: Final = "as above; and what more requests under way touch is in no cache any more"
_SLOW: Final = (
    "its core is 87 % full, so that requests wait for each other; those of nginx and Mercurius are half empty"
)
_FIFTEEN: Final = "15 signed calls of 47 µs each, through guard, pool and record, are two thirds of it"
_SHARES: Final = "Tailcall, told to, shares the calls under way as well; fewer would mean to remember balances"
_HOT: Final = (
    "hot cards, exponent {}, 256 connections, upstream 20 ms: upstream calls per request, of the fewest of"
)


def _spread_out(least: float) -> str:
    return (
        "most of the cards that are asked for at the same time are different ones: whoever remembers no balance "
        f"makes at least {least} calls a request, by reckoning, if all 256 connections always wait for Konaplate"
    )


REASONS: Final[dict[str, str]] = {
    "card, 32 connections: throughput, of Mercurius + JIT": _CHECKS,
    "card, 32 connections: throughput, of raw-asgi-aiohttp": "level with it, which checks and signs nothing",
    "card, 32 connections: throughput, of Tailcall": _CHECKS,
    "card, 32 connections: throughput, of Yoga + undici": _CHECKS,
    "card, 32 connections: throughput, of Apollo Server + RESTDataSource": _CHECKS,
    "card, 32 connections: throughput, of Hive Gateway + Mesh": _CHECKS,
    "card, 32 connections: throughput, of strawberry-httpx": _CHECKS,
    "card, 128 connections: throughput, of Mercurius + JIT": _CACHES,
    "card, 128 connections: throughput, of raw-asgi-aiohttp": _CACHES,
    "card, 128 connections: throughput, of Tailcall": _CACHES,
    "card, 128 connections: throughput, of Yoga + undici": _CACHES,
    "card, 128 connections: throughput, of Apollo Server + RESTDataSource": _CACHES,
    "card, 128 connections: throughput, of Hive Gateway + Mesh": _CACHES,
    "card, 128 connections: throughput, of strawberry-httpx": _CACHES,
    "card, 128 connections, upstream 20 ms: throughput, of nginx proxy_pass": _SLOW,
    "card, 128 connections, upstream 20 ms: p99, of Mercurius + JIT's": _SLOW,
    "20 aliases with 5 duplicates, variables: throughput, of the best peer, Mercurius + JIT": _FIFTEEN,
    "20 aliases with 5 duplicates, variables: throughput, of the best peer, Tailcall": _FIFTEEN,
    f"{_HOT.format(1)} any peer": _SHARES,
    f"{_HOT.format(1.5)} any peer": _SHARES,
    f"{_HOT.format(2)} any peer": _SHARES,
    f"{_HOT.format(1)} any peer that shares no calls": _spread_out(0.61),
    f"{_HOT.format(1.5)} any peer that shares no calls": _spread_out(0.19),
    "encrypted: throughput, of the RSA and AES operations alone": (
        "0.75 leaves 80 µs for everything else, which takes 120 without encryption, and 200 with it"
    ),
    "resident memory of a process, MB, the largest of all cases": (
        "after a thousand connections at once; 76 to 79 up to 128 connections"
    ),
}
