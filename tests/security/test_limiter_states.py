"""The local limiter and the one in Redis say what the model says, whatever is asked in whatever order.

Both are held to the same model, and so to each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from graph.security.limiter import LocalLimiter
from graph.security.redis_limiter import RedisLimiter, connect
from schema.secrets import Credential
from tests.security.limiter_machine import LimiterMachine, machine_settings

if TYPE_CHECKING:
    from graph.security.limiter import Limiter
    from tests.security.redis_server import RedisServer


class LocalMachine(LimiterMachine):
    """The local limiter; its clock is the test's."""

    def new_limiter(self) -> Limiter:
        self.milliseconds = 0
        return LocalLimiter(lambda: self.milliseconds / 1000)

    def let_pass(self, milliseconds: int) -> None:
        self.milliseconds += milliseconds


class RedisMachine(LimiterMachine):
    """The limiter in Redis. Redis has its own clock: time passes by making everything that it keeps older."""

    server: RedisServer

    def new_limiter(self) -> Limiter:
        self.admin = redis.Redis.from_url(self.server.patient_url, decode_responses=True)
        self.admin.flushdb()
        self.began = self._now()
        self.client = connect(Credential(self.server.patient_url))
        return RedisLimiter(self.client)

    def let_pass(self, milliseconds: int) -> None:
        for key in self.admin.scan_iter():
            if self.admin.type(key) == "hash":
                self.admin.hincrby(key, "at", -milliseconds)
            else:
                for member in self.admin.zrange(key, 0, -1):
                    self.admin.zincrby(key, -milliseconds, str(member))
            life = self.admin.pttl(key)
            assert life > 0
            # A time to live that is over deletes the key, as it would have done by itself.
            self.admin.pexpire(key, life - milliseconds)

    def late_by(self) -> int:
        return self._now() - self.began

    def _now(self) -> int:
        seconds, microseconds = self.admin.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def teardown(self) -> None:
        self.runner.run(self.client.aclose())
        self.admin.close()
        super().teardown()


def test_the_local_limiter_does_what_the_model_does() -> None:
    run_state_machine_as_test(LocalMachine, settings=machine_settings)


def test_the_limiter_in_redis_does_what_the_model_does(redis_server: RedisServer) -> None:
    machine = type("RedisMachineOfThisTest", (RedisMachine,), {"server": redis_server})
    # Shrinking a failure would take minutes here; the steps that are printed as they are will do.
    run_state_machine_as_test(machine, settings=settings(machine_settings, phases=[Phase.generate]))
