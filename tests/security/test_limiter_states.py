"""The local limiter and the one in Redis agree with the model on any sequence of calls.

Both are compared with the same model, and so with each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
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
    """The local limiter on the test's clock."""

    def new_limiter(self) -> Limiter:
        self.milliseconds = 0
        return LocalLimiter(lambda: self.milliseconds / 1000)

    def let_pass(self, milliseconds: int) -> None:
        self.milliseconds += milliseconds


class RedisMachine(LimiterMachine):
    """The limiter in Redis. Redis has its own clock, so time passes by ageing everything it keeps."""

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
            # An expired time to live deletes the key, as Redis would.
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


@pytest.mark.no_cover
def test_the_local_limiter_does_what_the_model_does() -> None:
    run_state_machine_as_test(LocalMachine, settings=machine_settings)


@pytest.mark.no_cover
def test_the_limiter_in_redis_does_what_the_model_does(redis_server: RedisServer) -> None:
    machine = type("RedisMachineOfThisTest", (RedisMachine,), {"server": redis_server})
    # Shrinking a failure would take minutes; the steps as printed will do.
    run_state_machine_as_test(machine, settings=settings(machine_settings, phases=[Phase.generate]))
