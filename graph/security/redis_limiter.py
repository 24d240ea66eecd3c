"""Buckets and windows in Redis, shared by all gateways; a local stand-in for the time that Redis is away.

Only commands that Valkey has, too. The time is Redis's own, so that gateways with different clocks agree.
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

# One script for both primitives, so that Redis's ACL and operators know a single one.
# take: KEYS[1] is a hash; ARGV: rate, burst, amount, slack. Returns allowed, remaining, milliseconds to wait. What
# remains is kept with all its digits: Lua's own form of a number drops the last ones.
# add: KEYS are sorted sets, one for each window; ARGV: milliseconds and limit of each, then the members. Returns,
# for each member, 0 or the milliseconds to wait.
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
    tokens = math.max(0, tokens - amount)
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
# Together less than the time limit of `connect`: a loop that is on time then has looked for an answer.
_LOOK_SECONDS: Final = 0.02
_HELD_UP_SECONDS: Final = 0.02


class BadRedisUrlError(Exception):
    """An address that cannot be used. It has no text, because the address may hold a password."""


def connect(url: Credential) -> Redis:
    """A client whose waits are short: redis-py's own defaults would stall a request for seconds.

    Raises:
        BadRedisUrlError: when the address cannot be used.
    """
    try:
        client: Redis = Redis.from_url(
            url.reveal(),
            # The older protocol needs no greeting, which would be one more wait and one more right.
            protocol=2,
            socket_timeout=0.05,
            socket_connect_timeout=0.05,
            retry=Retry(NoBackoff(), 0),
            max_connections=_CONNECTIONS,
        )
        try_every_address(client)
        # A parameter of the address that is not known shows only here.
        client.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py's own gap
    except (ValueError, TypeError):
        raise BadRedisUrlError from None
    return client


class RedisLimiter:
    """Keeps buckets and windows in Redis.

    Raises:
        RedisError: when Redis does not answer in time, or not as it should.
    """

    def __init__(self, client: Redis) -> None:
        self._script = client.register_script(SCRIPT)

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        """Take `amount` from a bucket, or nothing when it holds less."""
        arguments: list[str | float] = ["take", bucket.rate, bucket.burst, amount, SLACK]
        answer: Any = await self._script(keys=[f"{_PREFIX}:{{{key}}}:bucket"], args=arguments)
        return Taken(allowed=bool(answer[0]), remaining=float(answer[1]), retry_after_ms=int(answer[2]))

    async def add(self, key: str, windows: Sequence[Window], members: Sequence[str]) -> list[int]:
        """Count members in every window; for each member 0, or the milliseconds until it would fit."""
        arguments: list[str | int] = ["add"]
        for window in windows:
            arguments += [window.milliseconds, window.limit]
        # The braces keep the keys of one budget on one node of a cluster.
        keys = [f"{_PREFIX}:{{{key}}}:window:{window.milliseconds}" for window in windows]
        answer: Any = await self._script(keys=keys, args=[*arguments, *members])
        return [int(wait) for wait in answer]


class _LoopWatch:
    """Notices whether the event loop is held up during a wait, which makes every time limit pass."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + _LOOK_SECONDS
        self._timer = self._loop.call_at(self._due, self._look)
        self.was_held_up = False

    def _look(self) -> None:
        self.was_held_up = self._loop.time() - self._due > _HELD_UP_SECONDS

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()


class FallbackLimiter:
    """Uses the shared limiter while it answers, and the local one at the same numbers while it does not.

    The local one counts all the time, and both must agree: whoever makes the shared one fail, or empties it, finds
    the budget as far spent as it was.

    Args:
        shared: the limiter in Redis.
        local: what holds while Redis is away; budgets never stop holding.
        clock: monotonic seconds.
        on_fallback: told each time that the shared limiter fails.
        pause: seconds without a further try after a failure, so that not every request waits for a dead Redis.
            A single request makes the next try.
        calls: how many may be at the shared limiter at once. The others wait for their turn, so that a crowd is
            no failure; those whose turn comes after a failure do not try.
    """

    def __init__(
        self,
        shared: Limiter,
        local: Limiter,
        clock: Callable[[], float],
        on_fallback: Callable[[], None],
        *,
        pause: float = 1.0,
        calls: int = _CONNECTIONS,
    ) -> None:
        self._shared = shared
        self._local = local
        self._clock = clock
        self._on_fallback = on_fallback
        self._pause = pause
        self._turns = asyncio.Semaphore(calls)
        self._away_until: float | None = None

    @property
    def away(self) -> bool:
        """Whether the shared limiter did not answer when it was last asked."""
        return self._away_until is not None

    async def take(self, key: str, bucket: Bucket, amount: float) -> Taken:
        """Take from the shared bucket and from the local one, or from the latter alone."""
        taken = await self._try(lambda: self._shared.take(key, bucket, amount))
        if taken is not None and not taken.allowed:
            return taken
        here = await self._local.take(key, bucket, amount)
        return here if taken is None or here.remaining < taken.remaining or not here.allowed else taken

    async def add(self, key: str, windows: Sequence[Window], members: Sequence[str]) -> list[int]:
        """Count in the shared windows and in the local ones, or in the latter alone."""
        waits = await self._try(lambda: self._shared.add(key, windows, members))
        if waits is None:
            return await self._local.add(key, windows, members)
        fit = [member for member, wait in zip(members, waits, strict=True) if not wait]
        here = iter(await self._local.add(key, windows, fit))
        return [wait or next(here) for wait in waits]

    async def _try(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """What the shared limiter says; None when it is away."""
        async with self._turns:
            if self._away_until is not None:
                if self._clock() < self._away_until:
                    return None
                # This is the try after a pause; the others shall not wait for what comes of it.
                self._away_until = self._clock() + self._pause
            watch = _LoopWatch()
            try:
                answer = await ask()
            except (RedisError, OSError, TimeoutError) as error:
                # When nobody looked, the answer may have been there all the time.
                if not (isinstance(error, _TIMEOUTS) and watch.was_held_up):
                    self._away_until = self._clock() + self._pause
                    self._on_fallback()
                return None
            finally:
                watch.close()
            self._away_until = None
            return answer
