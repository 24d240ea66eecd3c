"""Buckets and windows in Redis, shared by all gateways, with a local fallback while Redis is unavailable.

Uses only commands that Valkey has too. The time is Redis's own, so that gateways with different clocks agree.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from graph.security.limiter import SLACK, Taken
from graph.security.redis_connections import try_every_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from graph.security.limiter import Bucket, Limiter, Window
    from schema.secrets import Credential

T = TypeVar("T")

# One script for both, so that Redis's ACL and operators deal with a single one.
# take: KEYS[1] is a hash; ARGV: rate, burst, amount, slack. Returns allowed, remaining, milliseconds to wait. A
# negative amount is given back. The remaining tokens are stored with 17 digits, because Lua's default format drops
# the last ones.
# add: KEYS are sorted sets, one per window; ARGV: milliseconds and limit of each, then the items. Returns for
# each item 0 or the milliseconds to wait.
SCRIPT: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

if ARGV[1] == 'take' then
  local rate, burst = tonumber(ARGV[2]), tonumber(ARGV[3])
  local amount, slack = tonumber(ARGV[4]), tonumber(ARGV[5])
  local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
  local tokens, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
  tokens = math.min(burst, tokens + math.max(0, now - at) * rate / 1000)
  local allowed, wait = 0, 0
  if amount <= tokens + slack then
    tokens = math.min(burst, math.max(0, tokens - amount))
    allowed = 1
  else
    wait = math.ceil((amount - tokens - slack / 2) * 1000 / rate)
  end
  tokens = string.format('%.17g', tokens)
  redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
  return {allowed, tokens, wait}
end

local windows = #KEYS
for i = 1, windows do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - tonumber(ARGV[2 * i]))
end
local waits = {}
for m = 2 * windows + 2, #ARGV do
  local wait = 0
  for i = 1, windows do
    local length, limit = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    if not redis.call('ZSCORE', KEYS[i], ARGV[m]) and redis.call('ZCARD', KEYS[i]) >= limit then
      local oldest = redis.call('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')
      wait = math.max(wait, tonumber(oldest[2]) + length - now)
    end
  end
  if wait == 0 then
    for i = 1, windows do
      redis.call('ZADD', KEYS[i], 'NX', now, ARGV[m])
      redis.call('PEXPIRE', KEYS[i], tonumber(ARGV[2 * i]) + 1000)
    end
  end
  waits[#waits + 1] = wait
end
return waits
"""

_PREFIX: Final = "konagraph"
_CONNECTIONS: Final = 16
_TIMEOUTS: Final = (RedisTimeoutError, TimeoutError)
# Together less than the time limit of `connect`, so that a loop that is on time has received any answer by then.
_WATCH_SECONDS: Final = 0.02
_BLOCKED_SECONDS: Final = 0.02


class BadRedisUrlError(Exception):
    """A Redis URL that cannot be used. It has no message, because the URL may contain a password."""


def connect(url: Credential) -> Redis:
    """A client with short time limits: redis-py's defaults would stall a request for seconds.

    Raises:
        BadRedisUrlError: the URL cannot be used.
    """
    try:
        client: Redis = Redis.from_url(
            url.reveal(),
            # Protocol 3 needs a greeting: one more round trip and one more permission.
            protocol=2,
            socket_timeout=0.05,
            socket_connect_timeout=0.05,
            retry=Retry(NoBackoff(), 0),
            max_connections=_CONNECTIONS,
        )
        try_every_address(client)
        # Only this reveals unknown parameters of the URL.
        client.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py's own gap
    except (ValueError, TypeError):
        raise BadRedisUrlError from None
    return client


class RedisLimiter:
    """Keeps buckets and windows in Redis.

    Raises:
        RedisError: Redis does not answer in time, or not as expected.
    """

    def __init__(self, client: Redis) -> None:
        self._script = client.register_script(SCRIPT)

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        """Take `amount` from a bucket, or nothing if it holds less."""
        arguments: list[str | float] = ["take", bucket.rate, bucket.burst, amount, SLACK]
        answer: Any = await self._script(keys=[f"{_PREFIX}:{{{key}}}:bucket"], args=arguments)
        return Taken(allowed=bool(answer[0]), remaining=float(answer[1]), retry_after_ms=int(answer[2]))

    async def add(self, key: str, windows: Sequence[Window], items: Sequence[str]) -> list[int]:
        """Add items to every window; returns for each item 0 if added, else the milliseconds until it fits."""
        arguments: list[str | int] = ["add"]
        for window in windows:
            arguments += [window.milliseconds, window.limit]
        # The braces keep the keys of one budget on one cluster node.
        keys = [f"{_PREFIX}:{{{key}}}:window:{window.milliseconds}" for window in windows]
        answer: Any = await self._script(keys=keys, args=[*arguments, *items])
        return [int(wait) for wait in answer]


class _LoopWatch:
    """Notices whether the event loop was blocked during a wait, which makes every time limit expire."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + _WATCH_SECONDS
        self._timer = self._loop.call_at(self._due, self._check)
        self.was_blocked = False

    def _check(self) -> None:
        self.was_blocked = self._loop.time() - self._due > _BLOCKED_SECONDS

    def close(self) -> None:
        """Stop watching."""
        self._timer.cancel()


class FallbackLimiter:
    """Uses the shared limiter while it answers, and only the local one, with the same limits, while it does not.

    The local limiter always counts too, and both must allow: making the shared one fail, or emptying it, gains
    nothing.

    Args:
        shared: the limiter in Redis.
        local: enforces the budgets while Redis is unavailable.
        clock: monotonic seconds.
        on_fallback: called each time that the shared limiter fails.
        on_return: called when it answers again.
        pause: seconds without another attempt after a failure, so that not every request waits for a dead Redis.
            A single request makes the next attempt.
        calls: how many calls of the shared limiter may run at once. Others wait for their turn, so that a burst is
            not a failure; those whose turn comes after a failure make no attempt.
    """

    def __init__(
        self,
        shared: Limiter,
        local: Limiter,
        clock: Callable[[], float],
        on_fallback: Callable[[], None],
        *,
        on_return: Callable[[], None] = lambda: None,
        pause: float = 1.0,
        calls: int = _CONNECTIONS,
    ) -> None:
        self._shared = shared
        self._local = local
        self._clock = clock
        self._on_fallback = on_fallback
        self._on_return = on_return
        self._pause = pause
        self._turns = asyncio.Semaphore(calls)
        self._away_until: float | None = None

    @property
    def away(self) -> bool:
        """Whether the shared limiter failed when it was last called."""
        return self._away_until is not None

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        """Take from both buckets, or give back to both; or to the local one alone."""
        taken = await self._try(lambda: self._shared.take(key, bucket, amount))
        if taken is not None and not taken.allowed:
            return taken
        here = await self._local.take(key, bucket, amount)
        return here if taken is None or here.remaining < taken.remaining or not here.allowed else taken

    async def add(self, key: str, windows: Sequence[Window], items: Sequence[str]) -> list[int]:
        """Add to both windows, or to the local ones alone."""
        waits = await self._try(lambda: self._shared.add(key, windows, items))
        if waits is None:
            return await self._local.add(key, windows, items)
        fit = [item for item, wait in zip(items, waits, strict=True) if not wait]
        here = iter(await self._local.add(key, windows, fit))
        return [wait or next(here) for wait in waits]

    async def _try(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Call the shared limiter; returns None if it is unavailable."""
        async with self._turns:
            if self._away_until is not None:
                if self._clock() < self._away_until:
                    return None
                # The attempt after a pause. The others do not wait for its outcome.
                self._away_until = self._clock() + self._pause
            watch = _LoopWatch()
            try:
                answer = await ask()
            except (RedisError, OSError, TimeoutError) as error:
                # If the loop was blocked, the answer may have been there in time.
                if not (isinstance(error, _TIMEOUTS) and watch.was_blocked):
                    self._away_until = self._clock() + self._pause
                    self._on_fallback()
                return None
            finally:
                watch.close()
            if self._away_until is not None:
                self._away_until = None
                self._on_return()
            return answer
